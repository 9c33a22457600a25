"""Scored variants as VCF: the header with its fields declared, and each record as it came, with its scores in INFO."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from osler.core.disk import telling
from osler.core.variants import ScoredOutput
from osler.modalities.sequences.read.bgzf import Packed
from osler.modalities.sequences.read.variants import EDGE, WHY

OURS = b"OSLER_"
_KEYS = ("REF", "ALT", "DELTA")
_OF = {"REF": "the reference allele's window", "ALT": "the alternative allele's window", "DELTA": "ALT minus REF"}


@contextmanager
def writer(path: Path, *, packed: bool, named: Path) -> Iterator[Packed | IO[bytes]]:
    """Give what writes bytes to `path`, as BGZF where `packed`; errors of the disk speak of the file `named`."""
    with telling(named), Packed(path) if packed else path.open("wb") as out:
        yield out


def header(lines: Sequence[bytes], outputs: Sequence[ScoredOutput], *, about: str) -> bytes:
    """Return the header with our fields declared before its last line; those of an earlier scoring are left out. `about` tells of the
    bundle and the reference."""
    kept = [line for line in lines[:-1] if not line.startswith((b"##INFO=<ID=" + OURS, b"##OSLER="))]
    return b"".join(line + b"\n" for line in [*kept, *_declared(outputs, about), lines[-1]])


def _declared(outputs: Sequence[ScoredOutput], about: str) -> list[bytes]:
    lines = [f"##OSLER=<{about}>"]
    for key in _KEYS:
        for output in outputs:
            told = f"{_OF[key]}: {output.description}".replace('"', "'").replace("\\", "/")
            lines.append(f'##INFO=<ID=OSLER_{key}{output.suffix},Number=A,Type=Float,Description="{told}">')
    reasons = "; ".join(f"{code}: {sentence}" for code, sentence in WHY.items())
    told = f"for each ALT, or once for the record, why it has no score, . where it has one ({reasons}), or {EDGE}: scored, with N beyond the end of the contig"
    return [line.encode() for line in [*lines, f'##INFO=<ID=OSLER_WHY,Number=.,Type=String,Description="{told}">']]


def record(
    fields: Sequence[bytes], scores: Sequence[Sequence[float]], whys: Sequence[str], outputs: Sequence[ScoredOutput]
) -> bytes:
    """Return a record's line. `scores` (3 × outputs, ALTs): REF of each output, ALT, DELTA, NaN where there is none; `whys` (ALTs), "" where
    all is well."""
    info = [part for part in fields[7].split(b";") if part and part != b"." and not part.startswith(OURS)]
    names = [f"{key}{output.suffix}" for key in _KEYS for output in outputs]
    for name, values in zip(names, scores, strict=True):
        if not all(math.isnan(value) for value in values):
            info.append(OURS + name.encode() + b"=" + b",".join(map(_number, values)))
    if any(whys):
        told = whys[:1] if len(set(whys)) == 1 else whys
        info.append(OURS + b"WHY=" + ",".join(why or "." for why in told).encode())
    rest = fields[8:] if fields[8] else ()
    return b"\t".join([*fields[:7], b";".join(info) or b".", *rest]) + b"\n"


def _number(value: float) -> bytes:
    return b"." if math.isnan(value) else b"%.6g" % (value + 0.0)
