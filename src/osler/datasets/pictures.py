"""A data set of pictures written as a study: `images/`, then `table.csv`, then `study.yaml`.

Pictures are written beside, each whole, and the folder takes its name when all are there; a killed run is completed by a repeat.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from osler.core.errors import OutputError, RequestError
from osler.core.watch import SILENT, Watch
from osler.datasets.download import fetch, is_whole
from osler.datasets.mirror import SUMS, parsed_sums
from osler.datasets.registry import Archive, Entry, Pictured

IMAGES, FRESH = "images", ".images.partial"


def get_pictures(asked: Entry, *, to: Path, mirror: Path | None, watch: Watch = SILENT) -> Path:
    """Write the data set into the folder `to` and return the path of its study.yaml; a folder that holds it already stays as it is.

    Raises RequestError for a mirror that lacks the data or differs from its own SHA256SUMS, RunError where fetching fails,
    OutputError where `to` cannot be written or has something else in it.
    """
    archive = asked.archive
    assert archive is not None
    study = write_study(asked, lambda: _source(archive, to=to, mirror=mirror, watch=watch), to=to, watch=watch)
    (to / _partial(archive)).unlink(missing_ok=True)
    return study


def write_study(
    asked: Entry, source: Callable[[], tuple[Path | Mapping[str, Path], str]], *, to: Path, watch: Watch = SILENT
) -> Path:
    """Write what the converter makes of `source`: its file(s), checked, and what is to be said of them. A finished study stays.

    Raises what `source` raises, and OutputError where `to` cannot be written or has something else in it.
    """
    study = to / "study.yaml"
    mark = f"# {asked.title}\n"
    if _finished(to, mark):
        return study
    try:
        to.mkdir(parents=True, exist_ok=True)
        files, note = source()
        module, _, function = asked.convert.partition(":")
        converted: Pictured = getattr(importlib.import_module(module), function)(files)
        table = _write_pictures(converted, to, watch=watch)
        _put(to / "table.csv", table.encode())
        _put(study, _study(asked, converted, mark=mark, note=note).encode())
    except OSError as error:
        raise OutputError(f"'{to}' cannot be written: {error.strerror}; choose another folder with --to") from None
    if note:
        watch.say(note)
    return study


def _finished(to: Path, mark: str) -> bool:
    """Return whether `to` holds this study; raises OutputError where it holds something else."""
    try:
        names = {path.name for path in to.iterdir()} if to.exists() else set()
        if "study.yaml" in names and (to / "study.yaml").read_text(encoding="utf-8").startswith(mark):
            return {IMAGES, "table.csv"} <= names
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(
            f"'{to}' is no folder that can be read: {getattr(error, 'strerror', 'it holds no text')}; choose another with --to"
        ) from None
    others = {name for name in names if not name.endswith(".partial")} - {IMAGES, "table.csv"}
    if others or ("table.csv" in names and IMAGES not in names):
        raise OutputError(f"'{to}' exists and holds something else, which is left as it is; choose another folder with --to")
    return False


def _source(archive: Archive, *, to: Path, mirror: Path | None, watch: Watch) -> tuple[Path, str]:
    """Return the file or folder that holds the data, checked, and what is to be said of it."""
    if mirror is None and archive.by_hand:
        raise RequestError(
            f"{archive.by_hand}; fetch it from {archive.url} into a folder, list its files there with sha256sum as {SUMS}, "
            "and name that folder with --mirror"
        )
    if mirror is None:
        partial = to / _partial(archive)
        fetch(archive, partial, watch=watch)
        return partial, ""
    found = next((mirror / name for name in archive.mirrored if (mirror / name).exists()), None)
    if found is None:
        names = " or ".join(f"'{name}'" for name in archive.mirrored)
        raise RequestError(
            f"{names} is not in {mirror}; name a --mirror folder that holds it"
            + (
                f": {archive.by_hand}, at {archive.url}"
                if archive.by_hand
                else f", or none, and it is fetched from {archive.url}"
            )
        )
    if found.is_file() and is_whole(archive, found):
        return found, ""
    _check_sums(mirror, found)
    return found, (
        f"'{found.name}' of the mirror is as the mirror's {SUMS} says, and is not the official file: "
        "figures need not agree with published ones."
    )


def _check_sums(mirror: Path, found: Path) -> None:
    """Raise RequestError where `found` is not, file by file, what the mirror's own list says."""
    try:
        sums = parsed_sums((mirror / SUMS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise RequestError(
            f"'{found.name}' in {mirror} is not the official file, and there is no {SUMS} beside it to check it by"
        ) from None
    held = sorted(p for p in found.rglob("*") if p.is_file()) if found.is_dir() else [found]
    names = [path.relative_to(mirror).as_posix() for path in held]
    wrong = [n for n, p in zip(names, held, strict=True) if sums.get(n) != hashlib.sha256(p.read_bytes()).hexdigest()]
    lacking = [n for n in sums if n.startswith(f"{found.name}/") and n not in set(names)]
    if wrong or lacking:
        shown = ", ".join(f"'{n}'" for n in (*wrong, *lacking)[:3])
        raise RequestError(
            f"{len(wrong) + len(lacking)} files of {mirror} are not what its {SUMS} says ({shown} …); fetch the mirror again"
        )


def _write_pictures(converted: Pictured, to: Path, *, watch: Watch) -> str:
    """Write each picture, and return the table as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(converted.header)
    whole, fresh = to / IMAGES, to / FRESH
    watch.stage("writing", total=converted.total)
    for picture in converted.pictures:
        if not whole.exists():
            for path, content in ((picture.path, picture.content), *picture.beside):
                _put(fresh / path, content)
        writer.writerow((f"{IMAGES}/{picture.path}", *picture.cells))
        watch.advance()
    if fresh.exists():
        if whole.exists():
            shutil.rmtree(fresh)
        else:
            fresh.rename(whole)
    return text.getvalue()


def _put(path: Path, content: bytes) -> None:
    """Write a file whole, unless it is there already."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _partial(archive: Archive) -> str:
    return f".{archive.name}.partial"


def _study(asked: Entry, converted: Pictured, *, mark: str, note: str) -> str:
    import yaml

    lines = [f"{converted.total} pictures from {asked.home}", f"Licence: {asked.licence}", *([note] if note else [])]
    keys = {"table": "table.csv", "title": asked.title, **converted.study}
    return mark + "".join(f"# {line}\n" for line in lines) + yaml.safe_dump(keys, sort_keys=False, allow_unicode=True, width=200)
