"""Where the events of a study lie: beside its table, in a file or folder that the study names, or in a database."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osler.core.disk import whole
from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.paths import inside
from osler.modalities.timelines.read.long import TEXT, TYPED, header, recognises
from osler.modalities.timelines.read.options import Options, checked
from osler.modalities.timelines.read.source import KINDS, Source, reader

DEFAULT = tuple(f"events{ending}" for ending in (".parquet", *TEXT, *(e for e in TYPED if e != ".parquet")))


def found(options: Mapping[str, Any], *, folder: Path, key: str | None = None) -> tuple[Options, Source]:
    """Return the options read, and the source that they name; raises StudyError with all faults.

    `key`, the study table's column of subjects, is the surest name for the events' in a long table.
    """
    asked = checked(options, more=_more())
    place = _place(asked.source, folder=folder, kind=asked.kind)
    kind = asked.kind or _kind(place)
    _check_own(asked, kind=kind)
    own: dict[str, Any] = {"names": dict(asked.names), "clock": asked.clock, "zone": asked.zone, **asked.more}
    source = Source(place, kind, {k: v for k, v in own.items() if v})
    if kind == "long":
        source = Source(place, kind, {**source.options, "names": reader(kind).named(source, key=key)})
    return asked, source


def known_kinds() -> list[str]:
    """Return the kinds of source whose reader is there."""
    return [kind for kind, home in KINDS.items() if importlib.util.find_spec(home) is not None]


def _more() -> list[str]:
    """Return the options that the kinds of source know beside those of every timelines input."""
    return [name for kind in known_kinds() for name in getattr(reader(kind), "OPTIONS", ())]


def _check_own(asked: Options, *, kind: str) -> None:
    """Raise StudyError for options that this kind of source does not know: what is said in vain would be believed."""
    owners = {name: [k for k in known_kinds() if name in getattr(reader(k), "OPTIONS", ())] for name in asked.more}
    faults = [
        f"{name}: a source of the kind '{kind}' has no such option; it is one of {' and '.join(repr(k) for k in owners[name])}"
        for name in asked.more
        if kind not in owners[name] and name != "order"  # which reads the table's index times, too
    ]
    if faults:
        raise StudyError(faults)


def _place(source: str | None, *, folder: Path, kind: str | None) -> Path | str:
    if source is None:
        return _beside(folder, kind=kind)
    if "://" in source:
        return source
    if Path(source).is_absolute():
        path: Path | Refusal = Path(source)
    else:
        path = inside(folder, source, column="source")
    if isinstance(path, Refusal):
        raise StudyError(f"source: {path.sentence}; put the events beside the study's table, or give their absolute path")
    if not path.exists():
        near = did_you_mean(Path(source).name, sorted(p.name for p in folder.iterdir()) if folder.is_dir() else ())
        raise StudyError(f"source: there is no '{Path(source).name}'{near}")
    return path


def _beside(folder: Path, *, kind: str | None) -> Path:
    """Return the events that lie beside the table, where the study names none."""
    there = [folder / name for name in DEFAULT if (folder / name).is_file()]
    if kind in {None, "long"} and there:
        return there[0]
    kinds = [k for k in ([kind] if kind else known_kinds()) if k != "long"]
    if any(reader(k).recognises(folder) for k in kinds):
        return folder
    wanted = "'events.parquet', 'events.csv'" if kind in {None, "long"} else f"what a source of the kind '{kind}' consists of"
    raise StudyError(
        f"source: no events lie beside the study's table (looked for {wanted}, and for a folder of MEDS, FHIR or OMOP); "
        "say where they are with source: FILE, FOLDER or the address of a database"
    )


def _kind(place: Path | str) -> str:
    if isinstance(place, str):
        return "omop"
    # One file is MEDS only where it has the value column of MEDS: its reader would pass over one that is called otherwise.
    if place.is_file() and recognises(place) and "numeric_value" not in header(place):
        return "long"
    for kind in known_kinds():
        if reader(kind).recognises(place):
            return kind
    raise StudyError(
        f"source: '{place.name}' is no source of events that is known; wanted a long table "
        f"({', '.join((*TEXT, *TYPED))}), or a folder of one of the kinds: {', '.join(KINDS)}"
    )


def content_key(source: Source, *, version: int, place: Path) -> str:
    """Return what names the store of a source of files: a hash of their content and of how they are read."""
    home = Path(source.place)
    ledger = _Digests(place / "digests.json")
    read = sorted(reader(source.kind).files(source))
    parts = [(os.path.relpath(path, home), ledger.digest(path)) for path in read]
    ledger.keep()
    said = json.dumps([version, source.kind, dict(source.options), parts], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:40]


class _Digests:
    """Which file has which content, so that an unchanged file is not hashed twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._new: dict[str, str] = {}
        try:
            self._known: dict[str, str] = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self._known = {}

    def digest(self, path: Path) -> str:
        try:
            about = path.stat()
            mark = f"{path.absolute()}|{about.st_size}|{about.st_mtime_ns}|{about.st_ino}"
            if mark not in self._known:
                with path.open("rb") as stream:
                    self._known[mark] = self._new[mark] = hashlib.file_digest(stream, "blake2b").hexdigest()[:40]
        except OSError as error:
            raise StudyError(f"source: '{path.name}' cannot be read: {error.strerror or type(error).__name__}") from None
        return self._known[mark]

    def keep(self) -> None:
        if self._new:
            with whole(self._path) as fresh:
                fresh.write_text(json.dumps(dict(list(self._known.items())[-100_000:])), encoding="utf-8")
