"""Score a file of variants, record by record, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from osler.core.disk import sweep, telling, whole
from osler.core.errors import RequestError
from osler.core.variants import OPENS, WRITES, ScoredOutput, Scorer, VariantJob
from osler.core.watch import SILENT, Watch
from osler.modalities.sequences.read.alphabet import letters
from osler.modalities.sequences.read.bgzf import Packed
from osler.modalities.sequences.read.reference import Reference
from osler.modalities.sequences.read.variants import EDGE, Pair, pairs
from osler.modalities.sequences.read.vcf import Variants, opened_variants
from osler.modalities.sequences.variants.contigs import Contigs
from osler.modalities.sequences.variants.write import header, record, writer

if TYPE_CHECKING:
    import pyarrow as pa

WINDOWS = 1 << 13  # scored at once at most
BASES = 1 << 24  # of their bases at once at most
MISMATCH, FEW = 0.02, 10  # of the alleles, and at least so many; in a file of the right assembly there are hardly any
HELD = 1 << 24  # bytes of records that wait for their scores


def window_length(reading: Mapping[str, Any], facts: Mapping[str, Any]) -> int:
    """Return the bases of a window: the usual length of the training sequences; raises RequestError where they were proteins."""
    if reading["alphabet"] == "protein":
        raise RequestError("this bundle reads proteins; variants of a genome are scored by one that reads DNA or RNA")
    return int(facts["lengths"][len(facts["lengths"]) // 2])


def score_variants(
    job: VariantJob, *, length: int, score: Scorer, alphabet: str = "dna", watch: Watch = SILENT
) -> Mapping[str, int]:  # fmt: skip
    """Write `job.source`, VCF or BCF, to `job.out` as VCF, packed by BGZF where it ends in .gz or .bgz: every record in its order, with
    INFO fields that tell the scores of windows of `length` bases. Returns how many "records", "alleles", "scored", and by code why not.

    Nothing is written but a whole file. Raises RequestError where a file is damaged, is not what it should be, or the reference is of
    another assembly; OutputError where there is no room.
    """
    _check(job)
    sweep(job.out)  # an hour's work that was killed leaves a large file
    with Reference(job.reference, cache=job.cache, assembly=job.assembly) as reference, opened_variants(job.source) as variants:
        contigs = Contigs.of(variants, reference)
        for note in (*reference.notes, *contigs.notes):
            watch.say(note)
        packed = job.out.name.lower().endswith((".gz", ".bgz"))
        with whole(job.out) as place, writer(place, packed=packed, named=job.out) as out:
            batch = _Batch(contigs, length=length, outputs=job.outputs, score=score, alphabet=alphabet)
            _write(out, header(variants.header, job.outputs, about=_about(job, reference, length)), job.out)
            _stream(variants, batch, out, job.out, watch=watch)
    for sentence in (*contigs.told(), *_summary(batch.counts)):
        watch.say(sentence)
    return dict(batch.counts)


def _check(job: VariantJob) -> None:
    if not job.out.name.lower().endswith(WRITES):
        raise RequestError(f"'{job.out.name}': scored variants are written as {', '.join(WRITES)}; give --out such an ending")
    for place, what in ((job.source, "file of variants"), (job.reference, "reference")):
        if not place.is_file():
            raise RequestError(f"there is no {what} '{place.name}'; its name ends in {', '.join(OPENS)}" if what[0] == "f" else
                               f"there is no {what} '{place.name}'; give the FASTA file of the genome with --reference")  # fmt: skip
    if job.out.exists() and any(job.out.samefile(place) for place in (job.source, job.reference)):
        raise RequestError(f"'{job.out.name}' is a file that is read; choose another --out")


def _about(job: VariantJob, reference: Reference, length: int) -> str:
    told = {"Bundle": job.bundle, "Reference": job.reference.name, "Assembly": reference.assembly or "unknown"}
    words = [f'{key}="{value.translate(_QUOTES)}"' for key, value in told.items()]
    return ",".join(["ID=scores", *words, f"Window={length}"])


_QUOTES = str.maketrans('"\\\n\r', "'/  ")


def _stream(variants: Variants, batch: _Batch, out: Packed | IO[bytes], place: Path, *, watch: Watch) -> None:
    for fields in variants.lines:
        batch.add(fields)
        if batch.full:
            watch.advance(len(batch.rows))
            _write(out, batch.scored(), place)
    watch.advance(len(batch.rows))
    _write(out, batch.scored(), place)


def _write(out: Packed | IO[bytes], content: bytes, place: Path) -> None:
    with telling(place):  # here, or an error of this disk would be told as one of the file that is read
        out.write(content)


@dataclass(slots=True)
class _Batch:
    """Records that wait for their scores, and the different windows that they need."""

    contigs: Contigs
    length: int
    outputs: tuple[ScoredOutput, ...]
    score: Scorer
    alphabet: str
    rows: list[tuple[list[bytes], list[tuple[int, int, str]]]] = field(default_factory=list)
    windows: dict[bytes, int] = field(default_factory=dict)
    held: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def full(self) -> bool:
        return len(self.windows) >= min(WINDOWS, max(64, BASES // self.length)) or self.held >= HELD

    def add(self, fields: list[bytes]) -> None:
        """Take a record; each ALT has the numbers of its two windows, −1 where there are none, and a code."""
        alleles = [self._entered(one) for one in self._pairs(fields)]
        self.rows.append((fields, alleles))
        self.held += sum(map(len, fields)) + 200
        self.counts["records"] += 1
        self.counts["alleles"] += len(alleles)

    def _pairs(self, fields: list[bytes]) -> list[Pair | str]:
        alts = fields[4].split(b",")
        here, why = self.contigs.called(fields[0].decode("utf-8", "replace"))
        if why is not None:
            return [why] * len(alts)
        place = int(fields[1]) - 1
        return [*pairs(self.contigs.reference, here, place, ref=fields[3], alts=alts, length=self.length)]

    def _entered(self, one: Pair | str) -> tuple[int, int, str]:
        if isinstance(one, str):
            return -1, -1, one
        return self._number(one.reference), self._number(one.alternative), EDGE if one.edge else ""

    def _number(self, window: np.ndarray) -> int:
        return self.windows.setdefault(window.tobytes(), len(self.windows))

    def scored(self) -> bytes:
        """Return the lines of the records that waited, and forget them."""
        scores = self._scores()
        content = b"".join(self._line(fields, alleles, scores) for fields, alleles in self.rows)
        self.rows, self.windows, self.held = [], {}, 0
        return content

    def _scores(self) -> np.ndarray:
        """Return (windows + 1, outputs), the last NaN: what number −1 names."""
        nothing = np.full((1, len(self.outputs)), np.nan)
        if not self.windows:
            return nothing
        codes = np.frombuffer(b"".join(self.windows), np.uint8).reshape(-1, self.length)
        return np.concatenate([self.score(_texts(codes, self.alphabet)), nothing])

    def _line(self, fields: list[bytes], alleles: list[tuple[int, int, str]], scores: np.ndarray) -> bytes:
        original, changed = scores[[one[0] for one in alleles]], scores[[one[1] for one in alleles]]
        whys = [why or ("refused" if np.isnan(delta).any() else "") for (_, _, why), delta in
                zip(alleles, changed - original, strict=True)]  # fmt: skip
        for (first, _, _), why in zip(alleles, whys, strict=True):
            self.counts["scored" if first >= 0 and why != "refused" else why] += 1
            self.counts[EDGE] += why == EDGE
        told = np.concatenate([original, changed, changed - original], axis=1).T.tolist()
        return record(fields, told, whys, self.outputs)


def _texts(codes: np.ndarray, alphabet: str) -> pa.Array:
    """Return the letters of `codes` (n, length) as an Arrow array of texts, copied once."""
    import pyarrow as pa

    offsets = np.arange(len(codes) + 1, dtype=np.int32) * codes.shape[1]
    return pa.Array.from_buffers(pa.utf8(), len(codes), [None, pa.py_buffer(offsets), pa.py_buffer(letters(codes, alphabet))])


def _summary(counts: Mapping[str, int]) -> list[str]:
    told = f"{counts['records']:,} records with {counts['alleles']:,} alleles were read, and {counts.get('scored', 0):,} alleles scored"
    others = {code: number for code, number in counts.items() if number and code not in {"records", "alleles", "scored", EDGE}}
    why = "; not scored: " + ", ".join(f"{number:,} {code}" for code, number in sorted(others.items())) if others else ""
    edge = f"; {counts[EDGE]:,} of the scored over the end of a contig" if counts.get(EDGE) else ""
    lines = [told + why + edge]
    if counts.get("mismatch", 0) > max(FEW, MISMATCH * counts["alleles"]):
        lines.append("many alleles do not match the reference: is it the assembly on which the variants were called?")
    return lines
