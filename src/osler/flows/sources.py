"""Where the events of a bundle's inputs lie now: a bundle holds no absolute path and no address of a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from osler.contract import Modality
from osler.core.errors import StudyError, did_you_mean

OPTION = "source"
Sources = Mapping[str, Path | str]
NONE: Sources = {}


def moved(sources: Sources, modalities: Mapping[str, Modality]) -> dict[str, dict[str, str]]:
    """Return by input the options that `sources` change: a path is meant from the working folder, an address (`scheme://…`) is kept.

    Raises StudyError with all faults.
    """
    faults = []
    for name in sources:
        if name not in modalities:
            faults.append(f"the bundle has no input '{name}' whose source could be named{did_you_mean(name, modalities)}")
        elif not has_source(modalities[name]):
            faults.append(f"input '{name}' is made of the table's own columns and has no source")
    if faults:
        raise StudyError(faults)
    return {name: {OPTION: _absolute(str(place))} for name, place in sources.items()}


def has_source(modality: Modality) -> bool:
    """Whether the cases of this kind of data may lie in files beside the table."""
    return OPTION in modality.asked or modality.sourced


def place_of(table: Path | str) -> Path | str:
    """Return a table's path, or the address of a database as it came."""
    return table if isinstance(table, str) and "://" in table else Path(table)


def _absolute(place: str) -> str:
    return place if "://" in place else str(Path(place).expanduser().absolute())


@contextmanager
def told(name: str, modality: Modality) -> Iterator[None]:
    """Tell, where the source of input `name` is the fault, how another is named to a bundle."""
    try:
        yield
    except StudyError as error:
        if not has_source(modality) or not any(fault.startswith(f"{OPTION}:") for fault in error.faults):
            raise
        raise StudyError(
            [f"input '{name}': {fault}" for fault in error.faults] + [f"to a bundle, say it with --source {name}=PLACE"]
        ) from None
