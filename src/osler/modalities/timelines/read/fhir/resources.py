"""From resources to events: one function per type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from osler.core.errors import TableError
from osler.modalities.timelines.case import Piece
from osler.modalities.timelines.read.billing import STATUS
from osler.modalities.timelines.read.fhir import shapes
from osler.modalities.timelines.read.fhir.events import Events
from osler.modalities.timelines.read.fhir.lines import pointed_at, resources
from osler.modalities.timelines.read.fhir.people import encounter, patient
from osler.modalities.timelines.read.fhir.records import administration, condition, observation, procedure, request
from osler.modalities.timelines.read.fhir.stays import Pointed

ROWS = 1 << 17  # events of one piece

# What did not happen or was taken back, has no result yet, or lies in the future
_VOID = frozenset({"entered-in-error", "cancelled", "registered", "not-done", "draft", "preparation", "planned"})
_READERS: Mapping[type, Callable[..., None]] = {
    shapes.Patient: patient,
    shapes.Encounter: encounter,
    shapes.Condition: condition,
    shapes.Observation: observation,
    shapes.MedicationRequest: request,
    shapes.MedicationAdministration: administration,
    shapes.Procedure: procedure,
}


def read(paths: Sequence[Path], *, options: Mapping[str, Any], refused: Counter[str]) -> Iterator[Piece]:
    """Yield the events of all `paths` in pieces; `refused` is counted with the first."""
    pointed = Pointed.of(options)
    for path in paths:
        for target in pointed_at(path):
            pointed.add(target)
    events = Events(refused)
    seen: Counter[str] = Counter()
    total = 0
    for path in paths:
        for resource in resources(path, refused=events.refused, seen=seen):
            reader = _READERS.get(type(resource))
            if reader and resource.status in _VOID:
                events.refused[STATUS] += 1
            elif reader:
                reader(resource, events=events, pointed=pointed)
            total += reader is not None
            if len(events) >= ROWS:
                yield events.piece()
    if not total:
        found = ", ".join(f"{kind} ({count})" for kind, count in seen.most_common(5)) or "no resource"
        raise TableError(
            f"no resource about a patient in {len(paths)} files; found: {found}. A Bundle is to be exported as NDJSON"
        )
    yield events.piece()
