"""Public data sets of genomic sequences: tasks of GUE, the benchmark of DNABERT-2 (Zhou et al. 2024), with their official split.

They come from a mirror folder, in which they lie as `gue/<task>/{train,dev,test}.csv.gz`.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path

from osler.datasets.registry import Converted, Entry, SourceFile

_HERE = "osler.datasets.genomes"
HOME = "https://github.com/MAGICS-LAB/DNABERT_2"
LICENCE = "Apache-2.0, as the repository of DNABERT-2 states it"
_PARTS = ("train", "dev", "test")
_STUDY = {
    "task": "classification", "target": "label", "split": "split",
    "inputs": {"sequence": {"modality": "sequences", "columns": ["sequence"]}},
}  # fmt: skip


def gue(files: Mapping[str, Path]) -> Converted:
    """Return a task's sequences, labels and split as published, copies among them."""
    found = {part: path for part in _PARTS for name, path in files.items() if name.endswith(f"/{part}.csv.gz")}
    rows = ((*row, part) for part, path in found.items() for row in _rows(path))
    return Converted(("sequence", "label", "split"), rows, _STUDY)


def _rows(path: Path) -> Iterator[tuple[str, ...]]:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as stream:
        lines = csv.reader(stream)
        next(lines)
        yield from (tuple(line) for line in lines)


ENTRIES = (
    Entry(
        name="gue/tf_0", title="Binding of a human transcription factor, 101 bp (GUE, tf/0)", licence=LICENCE, home=HOME,
        files=(
            SourceFile("gue/tf_0/train.csv.gz", "4b7b2765d05f03d2ea549030e95452882b755a24228874813c128305d247c43d"),
            SourceFile("gue/tf_0/dev.csv.gz", "2a50ce9d2aa7213f64b48c48d25e2eb3c4bd8b873ca705558bc49f05d90c4a28"),
            SourceFile("gue/tf_0/test.csv.gz", "2a4f3d84cf4b97f36d2f2ba69aefeea8db9082363b9eb304cf380901221bd62c"),
        ),
        convert=f"{_HERE}:gue", rows=34378, table_sha256="c3ede166f0bcf9f8eeab1d2199b017717ecde4688147a141a95281cbafe4e381",
    ),
    Entry(
        name="gue/tf_4", title="Binding of a human transcription factor, 101 bp (GUE, tf/4)", licence=LICENCE, home=HOME,
        files=(
            SourceFile("gue/tf_4/train.csv.gz", "225977b0bd12dd4744dc0b28fd73e5525d047fae886cd6da7c7ddb293eee8927"),
            SourceFile("gue/tf_4/dev.csv.gz", "59f5d368dee1f7ff530a975cafdbf52eb028f1f3cdf36a0637c8889dc20f8a2c"),
            SourceFile("gue/tf_4/test.csv.gz", "3cf8b187bd4d93ad2a1bdcee6a00e81560c5864881e7d8092c2b551f4f0adf5a"),
        ),
        convert=f"{_HERE}:gue", rows=21000, table_sha256="ba88d826af9ae9046e48791106434a0c0d8a7ad7efa022ac4f1ad8b968cc5c64",
    ),
    Entry(
        name="gue/prom_prom_core_all", title="Human core promoters, 70 bp (GUE)", licence=LICENCE, home=HOME,
        files=(
            SourceFile("gue/prom_prom_core_all/train.csv.gz", "6eb7ef1ac6554bbb725b198c198c2507aee522454332b3330d7a39e4e68caf65"),
            SourceFile("gue/prom_prom_core_all/dev.csv.gz", "65092b03312424f7e15b94c00b9c31c6302f98a5bd81619de7ab15f4a2aed480"),
            SourceFile("gue/prom_prom_core_all/test.csv.gz", "174b294282f6339ea8b8dff050c4172253f9543eea91d91f3ebb53ea5676c762"),
        ),
        convert=f"{_HERE}:gue", rows=59196, table_sha256="6d10e4311559cd109a0712ae6dbd07e119818057730a4df4e14361c831053607",
    ),
    Entry(
        name="gue/prom_prom_core_tata", title="Human core promoters with a TATA box, 70 bp (GUE)", licence=LICENCE, home=HOME,
        files=(
            SourceFile("gue/prom_prom_core_tata/train.csv.gz", "62ccd6939ad6d55752077aa1c28b842c92d4016a63621a1ecd8a3e57c8e15bb6"),
            SourceFile("gue/prom_prom_core_tata/dev.csv.gz", "b4baa9d6950555728c0206ad1de57e1a076a02960c9610fb3818dc2ba983ef5c"),
            SourceFile("gue/prom_prom_core_tata/test.csv.gz", "11de5db31c6dae990d67a8bab43be667efb08e2f876a5711ca4e99eb88570114"),
        ),
        convert=f"{_HERE}:gue", rows=6130, table_sha256="26f748fe9c5941a745a8ed60b0250eb595a35767dd7415c3b2537f319e1832e7",
    ),
    Entry(
        name="gue/prom_prom_300_tata", title="Human promoters with a TATA box, 300 bp (GUE)", licence=LICENCE, home=HOME,
        files=(
            SourceFile("gue/prom_prom_300_tata/train.csv.gz", "ec9b580a3a27661bcc66c8cda34bad57376b72cd1a1050c4b18138b905990720"),
            SourceFile("gue/prom_prom_300_tata/dev.csv.gz", "7232a24d74f9ea3a6754e1f7fa16d11f43c31dbd2acf0dd462946298962b6c5b"),
            SourceFile("gue/prom_prom_300_tata/test.csv.gz", "b067b06a8a1f00f60e7cab97480c3980a3f8ece973b732cf3241320d36857dc7"),
        ),
        convert=f"{_HERE}:gue", rows=6130, table_sha256="e968b332753d0e5b173c0e6604e418fe3bb1f36ede3624e17bb4b7c603a099ee",
    ),
)  # fmt: skip
