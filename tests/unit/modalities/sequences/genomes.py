"""Small genomes of real sequences: the 101-base windows of GUE's tf_0 (human, hg38), joined into contigs, no real chromosome."""

import csv
import gzip
import shutil
import subprocess

import pytest

CONTIGS = {"chr1": 300, "chr2": 120, "chrM": 40, "chr17_alt": 3}  # windows in each


def windows(data, *, part="test"):
    """Return the sequences of a part of tf_0."""
    place = data / "genomes" / "gue" / "tf_0" / f"{part}.csv.gz"
    if not place.is_file():
        pytest.skip("GUE's tf_0 is not here")
    with gzip.open(place, "rt") as stream:
        return [row["sequence"] for row in csv.DictReader(stream)]


def contigs(data):
    """Return real sequences joined into contigs by name; a part of each is soft-masked, one has a run of N, one a few letters for several
    bases."""
    found, taken = {}, iter(windows(data))
    for name, count in CONTIGS.items():
        text = "".join(next(taken) for _ in range(count))
        found[name] = text[:100] + text[100:200].lower() + text[200:]
    found["chr2"] = found["chr2"][:5000] + "N" * 500 + found["chr2"][5000:]
    found["chrM"] = found["chrM"][:1000] + "RYKM" + found["chrM"][1004:]
    return found


def fasta(found, *, width=60, end="\n"):
    """Return contigs as FASTA, each with a description."""
    lines = []
    for name, text in found.items():
        lines += [f">{name} a contig", *(text[at : at + width] for at in range(0, len(text), width))]
    return end.join([*lines, ""]).encode()


def write(folder, found, *, name="genome.fa", **how):
    """Write contigs as FASTA; return the place."""
    place = folder / name
    place.write_bytes(fasta(found, **how))
    return place


def tool(name, *arguments, stdin=None):
    """Return what a tool of htslib (Debian's bcftools, samtools, tabix) writes; skip where it is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (Debian: bcftools, samtools, tabix)")
    done = subprocess.run([name, *map(str, arguments)], input=stdin, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
