"""`osler predict`: any number of rows, in bounded memory, in their order, taken up where a killed run ended."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from osler.core.columns import Columns
from osler.core.disk import telling
from osler.core.errors import OutputError
from osler.core.table import Table
from osler.core.watch import SILENT, Watch
from osler.flows import alerts as structural
from osler.flows import masks
from osler.flows.cohorts import Derived, of_bundle
from osler.flows.files import Files, files_of
from osler.flows.opening import default_cache, in_memory
from osler.flows.predictor import Predictor, load
from osler.flows.screening import Top, as_trained, checked_workers, chosen, told
from osler.flows.sources import NONE, Sources, has_source, place_of
from osler.spine.bundle import bundle_digest
from osler.spine.rows import Best, Parts

ROWS = 1 << 16  # of a block at most
Lines = dict[str, np.ndarray]
More = Callable[..., Lines]


def _as_they_are(lines: Lines, predictor: Predictor, *, block: Table, columns: Mapping[str, Columns]) -> Lines:  # noqa: ARG001
    return lines


def predict(  # noqa: PLR0913 - each is an option of the command
    bundle: Path | str,
    table: Path | str,
    *,
    out: Path | str,
    top: Top | None = None,
    workers: int | None = None,
    alerts: bool = False,
    sources: Sources = NONE,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Path:
    """Write one line per row of `table` to `out`, or the `top` ones alone; the ending of `out` chooses the format. Returns `out`.

    A bundle whose target lies on a grid writes into the folder `out`: cases.csv, one line per row, and under masks/ a file for each
    case in the geometry of its own; one of tracks writes the table, a list of numbers in a cell.
    With `alerts` a column names the structural alerts of each molecule that is written, which takes far longer than its prediction.
    `workers` processes read, as many as there are processors if not told. Of a file of molecules or sequences (.smi, .sdf, .fa; packed) each record is a row.
    `table` may be a folder of files that the bundle's modality opens, or one such file: each is a case, named in the output. A
    bundle that derives its cases from events takes the place of new events; each line then names the subject and the moment. `sources` as in `load`.
    """
    bundle, table, out = Path(bundle), place_of(table), Path(out)
    if isinstance(table, Path) and out.resolve() == table.resolve():
        raise OutputError(f"'{out.name}' is the table itself; choose another --out, or its rows would be lost")
    watch.stage("loading")
    predictor = load(bundle, device=device, sources=sources)
    cache = default_cache() if any(one.sourced for one in predictor.modalities.values()) else predictor.cache
    predictor = replace(predictor, workers=checked_workers(workers), cache=cache)
    size = min(ROWS, predictor.block_cases)
    best = None if top is None else chosen(predictor, top)
    in_folder = predictor.anchor is not None and not predictor.task.listed
    if in_folder:
        masks.check_folder(out)
    if alerts:
        structural.check(predictor)
    predictor, rows = of_bundle(predictor, table, purpose="predict", cache=default_cache())
    files = None
    if not isinstance(rows, Derived):
        readings = {name: predictor.reading(name) for name in predictor.modalities}
        files = files_of(rows, inputs=predictor.contents.about["inputs"], modalities=predictor.modalities, readings=readings)
    stamp = files.stamp() if files else events_digest(predictor, rows)
    key = parts_key(bundle, rows.file if isinstance(rows, Derived) else rows, size=size, stamp=stamp)
    watch.stage("predicting", total=len(files.names) if files else 0)
    whole = files.blocks(size=size) if files else as_trained(in_memory(rows, size=size), rows, predictor=predictor)
    if not in_folder:
        key = "|".join([key, *([str(best)] if best else []), *(["alerts"] if alerts else [])])
        more = structural.with_alerts if alerts else _as_they_are
        with Parts(out, key=key) as parts:
            lacking = _table(predictor, whole, files, parts=parts, best=best, more=more, watch=watch)
    else:
        lacking = _folder(predictor, whole, files, out=out, key=key, watch=watch)
    if lacking:
        watch.say(f"{lacking:,} predictions were made without an input; the column 'without' names it")
    return out


def _table(
    predictor: Predictor, blocks: Iterable[Table], files: Files | None, *, parts: Parts, best: Best | None, more: More, watch: Watch
) -> int:  # fmt: skip
    """Write the table, with what `more` adds to the lines that are written; return how many predictions were made without an input."""
    lacking = 0
    fresh = itertools.islice(blocks, parts.done(), None)
    for block, columns in predictor.streamed(fresh, parts=predictor.blend.parts):
        added = partial(more, predictor=predictor, block=block, columns=columns)
        lacking += _keep(parts, predictor.lines(block, columns), block, files=files, best=best, more=added)
        watch.advance(len(block))
    if best is not None:
        watch.say(told(parts.counts(), best))
    parts.join(best=best)
    return lacking


def _folder(
    predictor: Predictor, blocks: Iterable[Table], files: Files | None, *, out: Path, key: str, watch: Watch
) -> int:  # fmt: skip
    """Write masks and their table into the folder `out`; return how many were made without an input."""
    folder = out / masks.MASKS
    with telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
    names = masks.Names.of_bundle(predictor, files)
    lacking = 0
    with Parts(out / masks.TABLE, key=key) as parts:
        fresh = masks.named(blocks, names, done=parts.done())
        for block, columns in predictor.streamed(fresh, parts=predictor.blend.parts):
            lines = masks.write_block(predictor, block, columns, folder=folder, names=names.held.pop(block.first))
            lacking += _keep(parts, lines, block, files=files)
            watch.advance(len(block))
        parts.join()
    return lacking


def _keep(
    parts: Parts, lines: dict[str, np.ndarray], block: Table, *, files: Files | None, best: Best | None = None,
    more: Callable[[Lines], Lines] | None = None,
) -> int:  # fmt: skip
    """Write the lines of a block, or its `best`, where its cases are files with their names; return how many were made without an
    input."""
    if files is not None:
        names = np.array(block.rows.column(files.column).to_pylist(), object)
        lines = {"row": lines.pop("row"), files.column: names, **lines}
    counts = {"rows": len(block), "refused": int((lines["refused"] != "").sum())}
    kept = lines if best is None else best.of_block(lines)
    parts.write(kept if more is None else more(kept), counts=counts)
    return int((lines["without"] != "").sum()) if "without" in lines else 0


def events_digest(predictor: Predictor, rows: Path | Derived) -> str:
    """Return what changes when the files of inputs that lie beside the table change; nothing where there are none."""
    if not any(map(has_source, predictor.modalities.values())):
        return ""
    found = predictor.asked(next(iter(in_memory(rows, size=1))), parts=())
    sourced = [asked for name, asked in found.items() if has_source(predictor.modalities[name])]
    return "|".join(one.modality.digest(one.locators, file_digest=str) for one in sourced)


def parts_key(bundle: Path, table: Path, *, size: int, stamp: str) -> str:
    """Return what must be equal for finished parts to be kept."""
    about = table.stat() if table.exists() else None
    length, changed = (about.st_size, about.st_mtime_ns) if about else (0, 0)
    text = f"{bundle_digest(bundle)}|{table.absolute()}|{length}|{changed}|{size}|{stamp}"
    return hashlib.sha256(text.encode()).hexdigest()
