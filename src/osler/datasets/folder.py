"""A data set written as the folder of a study: `table.csv`, then `study.yaml`.

Each file appears whole, the study last: where it stands, the table is there. A killed run is completed by a repeat.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import os
from collections.abc import Mapping
from pathlib import Path

from osler.core.errors import OutputError, RequestError, RunError
from osler.core.watch import SILENT, Watch
from osler.datasets.local import package_folder
from osler.datasets.registry import Converted, Entry, entry

PARTIAL = ".partial"


def get(name: str, *, to: Path, mirror: Path | None = None, watch: Watch = SILENT) -> Path:
    """Write the data set `name` into the folder `to` and return the path of its study.yaml.

    Its files come from the package that ships them, or from the folder `mirror`; pictures and records are fetched from their home where no
    mirror is named, the one time that Osler opens a connection by itself. They are compared with the checksums of
    the registry before, and the table after; nothing is written where one differs. A folder that holds the same study
    already is left as it is.

    Raises RequestError for an unknown name and for a file that is missing or differs, OutputError where `to` cannot be
    written or has something else in it.
    """
    asked = entry(name)
    if asked.archive is not None:
        from osler.datasets.pictures import get_pictures

        return get_pictures(asked, to=Path(to), mirror=mirror, watch=watch)
    if asked.collection is not None:
        from osler.datasets.records import get_records

        return get_records(asked, to=Path(to), mirror=mirror, watch=watch)
    if asked.pictured:
        from osler.datasets.pictures import write_study

        return write_study(asked, lambda: (_sources(asked, mirror=mirror), ""), to=Path(to), watch=watch)
    content = _content(asked, _sources(asked, mirror=mirror))
    to = Path(to)
    if not _holds(to, content):
        _write(to, content)
    return to / "study.yaml"


def _sources(asked: Entry, *, mirror: Path | None) -> dict[str, Path]:
    if asked.made:
        return {}
    if mirror is None and not asked.package:
        raise RequestError(
            f"no package ships the data set '{asked.name}': fetch its files from {asked.home}, and name their folder with --mirror"
        )
    home = package_folder(asked.package) if mirror is None else Path(mirror)
    faults = []
    for file in asked.files:
        path = home / file.name
        if not path.is_file():
            faults.append(f"'{file.name}' is not in {home}")
        elif (found := _sha256(path.read_bytes())) != file.sha256:
            faults.append(f"'{file.name}' is not the file that was tested: sha256 {found[:12]}…, wanted {file.sha256[:12]}…")
    if faults:
        cure = "name a --mirror folder that holds the original" if mirror is None else "fetch the original again"
        raise RequestError(f"data set '{asked.name}': {'; '.join(faults)}; {cure}")
    return {file.name: home / file.name for file in asked.files}


def _content(asked: Entry, sources: Mapping[str, Path]) -> dict[str, bytes]:
    module, _, function = asked.convert.partition(":")
    converted: Converted = getattr(importlib.import_module(module), function)(sources)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(converted.header)
    writer.writerows(converted.rows)
    table = text.getvalue().encode()
    if _sha256(table) != asked.table_sha256:
        raise RunError(f"data set '{asked.name}': the converted table is not the one that was tested; nothing was written")
    return {"table.csv": table, "study.yaml": _study(asked, converted).encode()}


def _study(asked: Entry, converted: Converted) -> str:
    import yaml

    source = f"made by Osler after {asked.home}" if asked.made else f"from {asked.home}"
    head = f"# {asked.title}\n# {asked.rows} rows {source}\n# Licence: {asked.licence}\n"
    keys = {"table": "table.csv", "title": asked.title, **converted.study}
    return head + yaml.safe_dump(keys, sort_keys=False, allow_unicode=True, width=200)


def _holds(to: Path, content: Mapping[str, bytes]) -> bool:
    """Return whether `to` has all of this content; raises OutputError where it has something else instead."""
    try:
        present = {path.name: path for path in to.iterdir()} if to.exists() else {}
        same = {name for name, data in content.items() if name in present and present[name].read_bytes() == data}
    except OSError as error:
        raise OutputError(f"'{to}' is no folder that can be read: {error.strerror}; choose another with --to") from None
    others = {name for name in present if not name.endswith(PARTIAL)} - same
    if same != set(content) and others:
        raise OutputError(f"'{to}' exists and holds something else, which is left as it is; choose another folder with --to")
    return same == set(content)


def _write(to: Path, content: Mapping[str, bytes]) -> None:
    try:
        to.mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            partial = to / f".{name}.{os.getpid()}{PARTIAL}"
            partial.write_bytes(data)
            partial.replace(to / name)
    except OSError as error:
        raise OutputError(f"'{to}' cannot be written: {error.strerror}; choose another folder with --to") from None
    finally:
        for partial in to.glob(f".*.{os.getpid()}{PARTIAL}"):
            partial.unlink(missing_ok=True)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
