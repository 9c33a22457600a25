"""Whether a file of variants and a reference speak of the same genome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from osler.core.errors import Refused, RequestError
from osler.modalities.sequences.read.assemblies import assembly_by_length, assembly_by_name
from osler.modalities.sequences.read.reference import Reference
from osler.modalities.sequences.read.vcf import Variants

ABSENT = Literal["contig", "length"]


@dataclass(slots=True)
class Contigs:
    """The contigs of a file of variants as the reference calls them; `notes` say what a user should know."""

    reference: Reference
    lengths: dict[str, int | None]
    notes: list[str] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, tuple[str, ABSENT | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, variants: Variants, reference: Reference) -> Contigs:
        """Return the contigs; raises RequestError where the lengths that the file's header tells are those of another assembly."""
        one = cls(reference, variants.lengths)
        states = [one.called(name)[1] for name, length in one.lengths.items() if length is not None]
        wrong, right = states.count("length"), states.count(None)
        if wrong > right:
            raise RequestError(one._other())
        if wrong:
            one.notes.append(f"{wrong} contigs have another length in the reference; their records are not scored")
        told = assembly_by_name(" ".join(_reference_lines(variants)))
        if told and reference.assembly and assembly_by_name(reference.assembly) not in {told, None}:
            one.notes.append(
                f"the header names {told}, and the reference is {reference.assembly}; look how many records do not match"
            )
        return one

    def called(self, name: str) -> tuple[str, ABSENT | None]:
        """Return what the reference calls the contig `name`, and why it cannot be used, None where it can."""
        if name not in self._seen:
            if len(self._seen) > 1 << 16:
                self._seen.clear()
            self._seen[name] = self._look(name)
        return self._seen[name]

    def _look(self, name: str) -> tuple[str, ABSENT | None]:
        try:
            here = self.reference.contig(name)
        except Refused:
            return "", "contig"
        if self.lengths.get(name) not in {None, self.reference.contigs[here]}:
            return here, "length"
        if here != name:
            self.found[name] = here
        return here, None

    def _other(self) -> str:
        file = assembly_by_length({name: length for name, length in self.lengths.items() if length is not None})
        theirs = f" of {file}" if file else ""
        ours = f" of {self.reference.assembly}" if self.reference.assembly else ""
        return (
            f"the contigs of the variants have the lengths{theirs}, and those of '{self.reference.path.name}' others{ours}: "
            "give the reference on which the variants were called, or lift them over"
        )

    def told(self) -> list[str]:
        """Return a sentence on contigs that have two names."""
        if not self.found:
            return []
        name, here = next(iter(self.found.items()))
        return [f"{len(self.found)} contigs have other names in the reference ({name} is {here} there); they were matched"]


def _reference_lines(variants: Variants) -> list[str]:
    heads = (b"##reference=", b"##assembly=")
    return [
        line.partition(b"=")[2].decode("utf-8", "replace").replace("/", " ") for line in variants.header if line.startswith(heads)
    ]
