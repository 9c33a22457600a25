"""What a source of events is, and which kinds of source there are."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Each kind is a module beside this one with the functions
#   recognises(path: Path) -> bool            whether the file or folder is of this kind, from names and first bytes
#   files(source: Source) -> list[Path]       the files that its content depends on (none for a database)
#   relative(source: Source) -> bool          whether its times count from each subject's own start
#   pieces(source: Source) -> Iterator[Piece] its events, streamed in bounded memory
#   splits(source: Source) -> Mapping[str, str]   the official part of each subject, where it tells one; else {}
# Faults of the whole source raise StudyError or TableError; single bad events are counted in `Piece.refused`.
KINDS: Mapping[str, str] = {
    "meds": "osler.modalities.timelines.read.meds",
    "fhir": "osler.modalities.timelines.read.fhir",
    "omop": "osler.modalities.timelines.read.omop",
    "long": "osler.modalities.timelines.read.long",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where events come from: `place` a file, a folder, or a database's URL; `kind` one of KINDS; `options` the input's own
    (names of columns, time zone)."""

    place: Path | str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


def reader(kind: str) -> Any:
    """Return the module that reads a kind of source."""
    return importlib.import_module(KINDS[kind])
