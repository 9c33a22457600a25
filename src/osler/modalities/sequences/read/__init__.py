"""From letters, files of sequences, places and variants to codes; the only home of readers of genomes."""
