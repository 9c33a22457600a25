"""Which assembly a genome is, by its contigs' lengths, and contigs that have two names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

# Contigs that tell assemblies apart and their lengths, as in UCSC's chrom.sizes (hgdownload.soe.ucsc.edu/goldenPath/<name>/bigZips)
# and the assembly reports of NCBI: GCF_000001405.12, .13, .26 (human), GCF_009914755.1 (T2T-CHM13v2.0), GCF_000001635.18, .20, .27 (mouse).
LENGTHS: Mapping[str, Mapping[str, int]] = {
    "hg18": {"1": 247_249_719, "2": 242_951_149, "X": 154_913_754},
    "hg19": {"1": 249_250_621, "2": 243_199_373, "3": 198_022_430, "21": 48_129_895, "22": 51_304_566, "X": 155_270_560},
    "hg38": {"1": 248_956_422, "2": 242_193_529, "3": 198_295_559, "21": 46_709_983, "22": 50_818_468, "X": 156_040_895},
    "chm13v2": {"1": 248_387_328, "2": 242_696_752, "3": 201_105_948, "X": 154_259_566},
    "mm9": {"1": 197_195_432, "2": 181_748_087, "X": 166_650_296},
    "mm10": {"1": 195_471_971, "2": 182_113_224, "X": 171_031_299},
    "mm39": {"1": 195_154_279, "2": 181_755_017, "X": 169_476_592},
}
_SAME = {
    "hg18": ("hg18", "ncbi36"),
    "hg19": ("hg19", "grch37", "b37", "hs37d5"),
    "hg38": ("hg38", "grch38", "hs38"),
    "chm13v2": ("chm13v2", "chm13", "hs1", "t2t"),
    "mm9": ("mm9", "ncbim37"),
    "mm10": ("mm10", "grcm38"),
    "mm39": ("mm39", "grcm39"),
}


def canonical(name: str) -> str:
    """Return the name under which `chr1` and `1`, and `chrM`, `M` and `MT`, are one contig."""
    bare = name[3:] if name[:3].lower() == "chr" and len(name) > 3 else name
    return "MT" if bare in {"M", "MT"} else bare


def assembly_by_length(lengths: Mapping[str, int]) -> str | None:
    """Return the assembly whose contigs have these `lengths` by name, None where they are of none that is known."""
    known = {canonical(name): length for name, length in lengths.items()}
    for assembly, wanted in LENGTHS.items():
        shared = wanted.keys() & known.keys()
        if shared and all(known[name] == wanted[name] for name in shared):
            return assembly
    return None


def assembly_by_name(words: str) -> str | None:
    """Return the assembly that a file's name or a header's line names, None where it names none or two."""
    parts = set(re.split(r"[^a-z0-9]+", PurePath(words).name.lower()))
    parts |= {part.partition("p")[0] for part in parts if re.fullmatch(r"grc[hm]\d+p\d+", part)}
    found = [assembly for assembly, names in _SAME.items() if parts & set(names)]
    return found[0] if len(found) == 1 else None


def mapped(wanted: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Return by name in `wanted` the contig of `known` that it is: the same name, else the only one with the same canonical name."""
    names = list(known)
    same: dict[str, list[str]] = {}
    for name in names:
        same.setdefault(canonical(name), []).append(name)
    exact = set(names)
    found = {}
    for name in wanted:
        others = [name] if name in exact else same.get(canonical(name), [])
        if len(others) == 1:
            found[name] = others[0]
    return found
