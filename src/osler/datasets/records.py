"""A data set of records written as a study: `events.parquet`, `table.csv`, `counts.json`, then the studies.

Each file appears whole, study.yaml last: where it stands, the others are there. A killed run is completed by a repeat.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from osler.core.disk import telling, whole
from osler.core.errors import OutputError, RequestError, RunError
from osler.core.watch import SILENT, Watch
from osler.datasets.download import fetch, fetch_text
from osler.datasets.mirror import mirrored, parsed_sums
from osler.datasets.registry import Archive, Collection, Entry, Recorded

STUDY, TABLE, EVENTS, COUNTS = "study.yaml", "table.csv", "events.parquet", "counts.json"
_TORN = (".partial", ".part")  # endings of what a killed run leaves


def get_records(asked: Entry, *, to: Path, mirror: Path | None, watch: Watch = SILENT) -> Path:
    """Write the data set into the folder `to` and return the path of its study.yaml; a folder that holds it already stays as it is.

    Raises RequestError for a mirror that lacks files or differs from its sums and for files that cannot be read, RunError
    where fetching fails, OutputError where `to` cannot be written or has something else in it.
    """
    assert asked.collection is not None
    if _finished(to, mark=_mark(asked)):
        return to / STUDY
    if mirror is None:
        with telling(to / STUDY):
            to.mkdir(parents=True, exist_ok=True)
        sources, note = _fetched(asked.collection, to, watch=watch), ""
    else:
        sources, note = mirrored(asked.collection, Path(mirror))
    watch.stage("converting")
    converted = _converted(asked, sources)
    _write(asked, converted, to, note=note)
    for line in (note,) if note else ():
        watch.say(line)
    return to / STUDY


def _mark(asked: Entry) -> str:
    return f"# {asked.title}\n"


def _finished(to: Path, *, mark: str) -> bool:
    """Return whether `to` holds this study; raises OutputError where it holds something else."""
    try:
        names = {path.name for path in to.iterdir()} if to.exists() else set()
        ours = {n for n in names if n.endswith(".yaml") and (to / n).read_text(encoding="utf-8").startswith(mark)}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "it holds no text")
        raise OutputError(f"'{to}' is no folder that can be read: {reason}; choose another with --to") from None
    if ours | {TABLE, EVENTS, COUNTS} <= names and STUDY in ours:
        return True
    torn = {n for n in names if n.startswith(".") and n.endswith(_TORN)}
    # the events are written first: a folder with a table and none is somebody's
    begun = {EVENTS, TABLE, COUNTS} if EVENTS in names and STUDY not in names - ours else set()
    if names - torn - ours - begun:
        raise OutputError(f"'{to}' exists and holds something else, which is left as it is; choose another folder with --to")
    return False


def _fetched(collection: Collection, to: Path, *, watch: Watch) -> dict[str, Path]:
    """Return the files, fetched from their home and compared with its sums; what arrived of a broken one is kept for the next try."""
    sums = parsed_sums(fetch_text(collection.address + collection.sums)) if collection.sums else {}
    found = {}
    for file in collection.files:
        url, sha256 = collection.address + file.name, file.sha256 or sums.get(file.name, "")
        if not sha256:
            raise RunError(f"{collection.address}{collection.sums} does not list '{file.name}'; name a --mirror folder")
        archive = Archive(url, md5="", sha256=sha256, most_bytes=collection.most_bytes, mirrored=())
        found[file.name] = _partial(to, file.name)
        fetch(archive, found[file.name], watch=watch)
    return found


def _partial(to: Path, name: str) -> Path:
    return to / f".{name}.partial"


def _converted(asked: Entry, sources: Mapping[str, Path]) -> Recorded:
    module, _, function = asked.convert.partition(":")
    convert: Callable[[Mapping[str, Path]], Recorded] = getattr(importlib.import_module(module), function)
    try:
        return convert(sources)
    except MemoryError:
        raise RunError(f"data set '{asked.name}': the machine has too little memory to convert it") from None
    except RequestError as error:
        raise RequestError(f"data set '{asked.name}': {error}; fetch the files again") from None


def _write(asked: Entry, converted: Recorded, to: Path, *, note: str) -> None:
    with telling(to / STUDY):
        to.mkdir(parents=True, exist_ok=True)
    with whole(to / EVENTS) as path:
        converted.events.write_parquet(path, compression="zstd", statistics=False)
    with whole(to / TABLE) as path:
        converted.table.write_csv(path)
    with whole(to / COUNTS) as path:
        path.write_text(json.dumps(converted.counts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    remarks = (*([note] if note else []), *converted.remarks)
    for name in sorted(converted.studies, key=lambda name: (name == STUDY, name)):
        with whole(to / name) as path:
            path.write_text(
                _study(asked, converted.studies[name], rows=converted.table.height, remarks=remarks), encoding="utf-8"
            )
    with telling(to / STUDY):
        for file in asked.collection.files if asked.collection else ():
            _partial(to, file.name).unlink(missing_ok=True)
        for left in to.glob(".*.part"):
            left.unlink(missing_ok=True)


def _study(asked: Entry, study: Mapping[str, Any], *, rows: int, remarks: tuple[str, ...]) -> str:
    import yaml

    lines = [f"{rows} cases from {asked.home}", f"Licence: {asked.licence}", *remarks]
    keys = {"table": TABLE, "title": asked.title, **study}
    said = "".join(f"# {line}\n" for line in lines)
    return _mark(asked) + said + yaml.safe_dump(keys, sort_keys=False, allow_unicode=True, width=200)
