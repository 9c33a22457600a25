"""What recurs: motifs found in what a network looks at, matched to known ones, drawn as logos; and in-silico mutagenesis."""
