"""What resources point to: the stay in which a code was given, and the drug that is meant."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from osler.modalities.timelines.read.billing import BILLED, OPEN_STAY, RECORDED, STAY, UNKNOWN_STAY, coded
from osler.modalities.timelines.read.fhir import shapes
from osler.modalities.timelines.read.fhir.moments import moment
from osler.modalities.timelines.read.fhir.systems import KNOWN, vocabulary
from osler.modalities.timelines.read.zone import zone

# HL7 ActEncounterCode; the right-hand words are those that every source uses
KINDS = {
    "IMP": "inpatient", "ACUTE": "inpatient", "NONAC": "inpatient", "OBSENC": "inpatient", "SS": "inpatient",
    "EMER": "emergency", "AMB": "outpatient", "VR": "outpatient", "HH": "home", "FLD": "field", "PRENC": "before admission",
}  # fmt: skip
_NOT_BEGUN = frozenset({"planned", "cancelled", "entered-in-error"})


@dataclass(slots=True)
class Pointed:
    """Stays by encounter, drugs by medication, and the options that say how both are used.

    `ends` maps an encounter's id to the microsecond of its end, None where it has none; `stays` holds the ids of those at whose
    end alone the codes are known.
    """

    discharge: bool
    zone: tzinfo
    ends: dict[str, int | None] = field(default_factory=dict)
    stays: set[str] = field(default_factory=set)
    drugs: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Pointed:
        """Return an empty one; raises StudyError for options that cannot be."""
        return cls(discharge=coded(options) != RECORDED, zone=zone(options))

    def add(self, resource: shapes.Encounter | shapes.Medication) -> None:
        """Remember one encounter or medication."""
        if not resource.id:
            return
        if isinstance(resource, shapes.Medication):
            self.drugs[resource.id] = word(resource.code)
        elif resource.status not in _NOT_BEGUN:
            start, end = span(resource.period, zone=self.zone)
            self.ends[resource.id] = end
            if kind(resource) == "inpatient" or (start is not None and end is not None and end - start > STAY):
                self.stays.add(resource.id)

    def known(self, resource: shapes.Resource, code: str | None, *, recorded: int | None) -> int | str | None:
        """Return from when the code of `resource` is known, a reason where nobody can tell, None where no time is given.

        `recorded` is the time that stands beside it, and that of the visit's end where none does. A code that belongs to a stay is
        known from the stay's end, or later where it was recorded later.
        """
        name = identity(resource.encounter, of="Encounter")
        late = isinstance(resource, shapes.Condition | shapes.Procedure) or (code or "").partition("//")[0] in BILLED
        end = self.ends.get(name or "")
        if self.discharge and late and name is not None:
            if name not in self.ends:
                return UNKNOWN_STAY
            if name in self.stays:
                return OPEN_STAY if end is None else max(end, end if recorded is None else recorded)
        return end if recorded is None and late else recorded


def kind(encounter: shapes.Encounter) -> str:
    """Return the kind of a visit, in the word that every source uses where there is one."""
    symbol = encounter.kind.code if encounter.kind and encounter.kind.code else ""
    return KINDS.get(symbol.upper(), symbol)


def span(period: shapes.Period | None, *, zone: tzinfo) -> tuple[int | None, int | None]:
    """Return start and end; a date alone starts with the day and ends with it."""
    if period is None:
        return None, None
    return moment(period.start, zone=zone, late=False), moment(period.end, zone=zone)


def identity(reference: shapes.Reference | None, *, of: str) -> str | None:
    """Return the id that a reference to a resource of type `of` gives: relative, absolute, versioned, or a UUID.

    >>> identity(shapes.Reference("https://a.org/fhir/Patient/7/_history/2"), of="Patient")
    '7'
    """
    return _identity(reference.reference, of) if reference is not None and reference.reference else None


@functools.lru_cache(maxsize=1 << 16)  # the resources of a patient stand together
def _identity(text: str, of: str) -> str | None:
    plain = text.partition("/_history/")[0].strip()
    if plain.lower().startswith("urn:uuid:"):
        return plain[9:] or None
    parts = plain.split("/")
    return parts[-1] or None if len(parts) > 1 and parts[-2] == of else None


def word(concept: shapes.Concept | None) -> str | None:
    """Return the code of a concept as VOCABULARY//symbol: a known vocabulary's first, else the first; its text where it has none."""
    if concept is None:
        return None
    given = [c for c in concept.coding if c.code]
    names = [vocabulary(c.system) for c in given]
    at = next((i for i, name in enumerate(names) if name in KNOWN), 0)
    if given:
        return f"{names[at]}//{given[at].code}"
    text = concept.text or next((c.display for c in concept.coding if c.display), None)
    return f"TEXT//{text.strip()[:100]}" if text and text.strip() else None
