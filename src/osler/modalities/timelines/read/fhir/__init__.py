"""FHIR R4 as bulk data: a folder of NDJSON files, one resource a line (HL7 Bulk Data Access 2.0), plain or packed with gzip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import MissingExtra, TableError
from osler.modalities.timelines.case import Piece
from osler.modalities.timelines.read.billing import TWICE
from osler.modalities.timelines.read.folder import listed, once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osler.modalities.timelines.read.source import Source

OPTIONS = ("coded",)  # beside those of every source
ENDINGS = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")


def recognises(path: Path | str) -> bool:
    """Whether `path` is a folder with a file of JSON lines, or such a file, whose beginning names a FHIR resource."""
    from osler.modalities.timelines.read.folder import opened

    try:
        for file in _ndjson(Path(path)):
            with opened(file) as lines:
                # a page, not a line: a line may be a document of megabytes
                if b'"resourceType"' in lines.read(1 << 16):
                    return True
    except (OSError, EOFError, ValueError, TableError):
        return False
    return False


def files(source: Source) -> list[Path]:
    """Return the files of resources."""
    return _ndjson(Path(source.place))


def relative(source: Source) -> bool:  # noqa: ARG001 - the protocol's
    """Return False: FHIR counts by the calendar."""
    return False


def splits(source: Source) -> Mapping[str, str]:  # noqa: ARG001 - the protocol's
    """Return {}: FHIR knows no official split."""
    return {}


def pieces(source: Source) -> Iterator[Piece]:
    """Yield the events of all resources, line by line.

    The files are read twice: encounters and drugs first, to which the others point. Option `coded`: "discharge" or "recorded";
    `zone`: the time zone of times without an offset (UTC). Raises TableError where no line of a file is JSON, or nothing is
    about a patient.
    """
    reader = _reader()
    place = Path(source.place)
    paths, again = once(_ndjson(place))
    if not paths:
        raise TableError(f"'{place}' has no NDJSON file; wanted one resource a line in files that end in {', '.join(ENDINGS)}")
    yield from reader(paths, options=source.options, refused=Counter({TWICE: again} if again else {}))


def _reader() -> Any:
    try:
        from osler.modalities.timelines.read.fhir.resources import read
    except ModuleNotFoundError:
        raise MissingExtra(package="msgspec", extra="timelines") from None
    return read


def _ndjson(place: Path) -> list[Path]:
    paths = listed(place, endings=ENDINGS) if place.is_dir() else [place]
    names = {p.with_suffix("") if p.suffix.lower() == ".gz" else p for p in paths}
    if len(names) < len(paths):
        twin = next(p for p in paths if p.suffix.lower() == ".gz" and p.with_suffix("") in set(paths))
        raise TableError(
            f"'{twin.name}' lies beside '{twin.with_suffix('').name}'; leave one of the two out: their events would count twice"
        )
    return [p for p in paths if p.name.lower().endswith(ENDINGS)]
