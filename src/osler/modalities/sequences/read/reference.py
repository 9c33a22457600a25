"""A genome, or any FASTA file, read at any place."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from osler.core.errors import Refusal, Refused, RequestError
from osler.modalities.sequences.read.alphabet import OUTSIDE, UNKNOWN_BASE, look_up, reverse_complement
from osler.modalities.sequences.read.assemblies import assembly_by_length, assembly_by_name, mapped
from osler.modalities.sequences.read.bgzf import opener
from osler.modalities.sequences.read.fasta import Extent
from osler.modalities.sequences.read.index import indexed, last_byte

Strand = Literal["+", "-"]
PAGE = 1 << 14  # letters that are read and turned into codes at once
PAGES = 256  # that are kept: 4 MB, so that sorted places are read once
NAMES = 1 << 16  # of contigs as others call them, remembered


class Reference:
    """Codes of any stretch of the contigs in a FASTA file, 0-based and half-open, on either strand.

    `contigs` by name tell the lengths, `assembly` is "" where it is not known, `notes` say what a user should know: an index that was
    made, contigs that have two names here, an assembly that two sources tell apart.
    """

    def __init__(self, path: Path, *, cache: Path, assembly: str | None = None) -> None:
        """Open `path` (plain, bgzip, or gzip); `assembly` is the user's word for it. Raises RequestError as `indexed`."""
        found = indexed(path, cache=cache)
        self.path = path
        self._extents: dict[str, Extent] = {}
        self.twice: set[str] = set()  # names that several records have: which one is meant cannot be known
        for extent in found.extents:
            (self.twice if extent.name in self._extents else set()).add(extent.name)
            self._extents.setdefault(extent.name, extent)
        self._names: dict[str, str | None] = {}
        self._pages: OrderedDict[tuple[str, int], np.ndarray] = OrderedDict()
        self.contigs = {name: extent.length for name, extent in self._extents.items()}
        self.assembly, notes = _assembly(path, self.contigs, said=assembly)
        self.notes = (*found.notes, *notes)
        self._read, _, close = opener(found.file, found.starts)
        self._close = weakref.finalize(self, close)  # one that is remembered and then forgotten closes its file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def contig(self, name: str) -> str:
        """Return what the contig `name` is called here, also where one is `chr1` and the other `1`; raises Refused where there is none, or
        several."""
        if name not in self._names:
            if len(self._names) > NAMES:
                self._names.clear()
            self._names[name] = mapped([name], self.contigs).get(name)
        found = self._names[name]
        if found is None or found in self.twice:
            why = "no record has this name" if found is None else "several records have this name"
            raise Refused(Refusal("contig", f"{why} in the FASTA file"))
        return found

    def fetch(self, contig: str, start: int, end: int, strand: Strand = "+") -> np.ndarray:
        """Return the codes (end − start,) uint8 of [start, end) of `contig`, N where it reaches over an end of it; of "-" the reverse
        complement. Raises Refused for a contig that is not here, or letters that are none."""
        name = self.contig(contig)
        length = self.contigs[name]
        first, last = min(max(start, 0), length), min(max(end, 0), length)
        out = np.full(max(0, end - start), UNKNOWN_BASE, np.uint8)
        if last > first:
            out[first - start : last - start] = self._stretch(name, first, last)
            if (out == OUTSIDE).any():
                raise Refused(Refusal("reference", "the reference holds letters there that are no bases"))
        return out if strand == "+" else reverse_complement(out)

    def letters(self, name: str, *, most: int) -> str:
        """Return the letters of a record as they stand; raises Refused where it is not here, empty, or has more than `most`."""
        extent = self._extents[self.contig(name)]
        if extent.length > most:
            raise Refused(Refusal("too-long", f"the record has {extent.length:,} letters, and {most:,} are read at most"))
        if not extent.length:
            raise Refused(Refusal("empty-sequence", "there is no letter in the record"))
        return self._letters(extent, 0, extent.length).decode("latin-1")  # a byte a letter: what is none is told by its place

    def _stretch(self, name: str, first: int, last: int) -> np.ndarray:
        pages = [self._page(name, number) for number in range(first // PAGE, (last - 1) // PAGE + 1)]
        joined = pages[0] if len(pages) == 1 else np.concatenate(pages)
        shift = first // PAGE * PAGE
        return joined[first - shift : last - shift]

    def _page(self, name: str, number: int) -> np.ndarray:
        key = (name, number)
        if key in self._pages:
            self._pages.move_to_end(key)
            return self._pages[key]
        extent = self._extents[name]
        page = look_up(self._letters(extent, number * PAGE, min(extent.length, (number + 1) * PAGE)), "dna")
        self._pages[key] = page
        if len(self._pages) > PAGES:
            self._pages.popitem(last=False)
        return page

    def _letters(self, extent: Extent, first: int, last: int) -> bytes:
        """Return letters [first, last) of a record; raises Refused where the file does not hold them as its index says."""
        line = first // extent.line_letters
        start, skip = line * extent.line_bytes, first - line * extent.line_letters
        raw = self._read(extent.offset + start, last_byte(extent, last) - start)
        lines = np.frombuffer(raw.ljust(-(-len(raw) // extent.line_bytes) * extent.line_bytes), np.uint8)
        letters = lines.reshape(-1, extent.line_bytes)[:, : extent.line_letters].tobytes()[skip : skip + last - first]
        if len(letters.strip()) < last - first:
            raise Refused(Refusal("index", "the reference is not as its index says; delete the index (.fai) and run again"))
        return letters


def _assembly(path: Path, contigs: dict[str, int], *, said: str | None) -> tuple[str, list[str]]:
    """Return the assembly, and what contradicts it; raises RequestError where the user's word contradicts the lengths."""
    measured, named = assembly_by_length(contigs), assembly_by_name(path.name)
    if said is not None and measured is not None and assembly_by_name(said) not in {measured, None}:
        raise RequestError(
            f"'{path.name}' is said to be {said}, and its contigs have the lengths of {measured}; give the right file or name"
        )
    notes = []
    if measured and named and measured != named:
        notes.append(f"'{path.name}' is named after {named}, and its contigs have the lengths of {measured}, which is believed")
    return said or measured or named or "", notes
