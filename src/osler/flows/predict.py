"""`osler predict`: any number of rows, in bounded memory, in their order, taken up where a killed run ended."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from osler.core.columns import Columns
from osler.core.errors import OutputError
from osler.core.table import Table
from osler.core.watch import SILENT, Watch
from osler.flows.cohorts import Derived, of_bundle
from osler.flows.files import Files, files_of
from osler.flows.opening import default_cache, in_memory
from osler.flows.predictor import Predictor, load
from osler.flows.sources import NONE, OPTION, Sources, place_of
from osler.spine.bundle import bundle_digest
from osler.spine.rows import Parts

ROWS = 1 << 16  # of a block at most


def predict(
    bundle: Path | str,
    table: Path | str,
    *,
    out: Path | str,
    sources: Sources = NONE,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Path:
    """Write one line per row of `table` to `out`; the ending of `out` chooses the format. Returns `out`.

    `table` may be a folder of files that the bundle's modality opens, or one such file: each is a case, named in the output. A
    bundle that derives its cases from events takes the place of new events; each line then names the subject and the moment. `sources` as in `load`.
    """
    bundle, table, out = Path(bundle), place_of(table), Path(out)
    if isinstance(table, Path) and out.resolve() == table.resolve():
        raise OutputError(f"'{out.name}' is the table itself; choose another --out, or its rows would be lost")
    watch.stage("loading")
    predictor = load(bundle, device=device, sources=sources)
    size = min(ROWS, predictor.block_cases)
    predictor, rows = of_bundle(predictor, table, purpose="predict", cache=default_cache())
    files = None
    if not isinstance(rows, Derived):
        files = files_of(rows, inputs=predictor.contents.about["inputs"], modalities=predictor.modalities)
    stamp = files.stamp() if files else events_digest(predictor, rows)
    parts = Parts(out, key=_key(bundle, rows.file if isinstance(rows, Derived) else rows, size=size, stamp=stamp))
    watch.stage("predicting", total=len(files.names) if files else 0)
    lacking = 0
    whole = files.blocks(size=size) if files else in_memory(rows, size=size)
    fresh = itertools.islice(whole, parts.done(), None)
    for block, columns in predictor.streamed(fresh, parts=predictor.blend.parts):
        lines = _lines(predictor, block, columns, files=files)
        lacking += int((lines["without"] != "").sum()) if "without" in lines else 0
        parts.write(lines)
        watch.advance(len(block))
    parts.join()
    if lacking:
        watch.say(f"{lacking:,} predictions were made without an input; the column 'without' names it")
    return out


def _lines(predictor: Predictor, block: Table, columns: Mapping[str, Columns], *, files: Files | None) -> dict[str, np.ndarray]:
    lines = predictor.lines(block, columns)
    if files is None:
        return lines
    names = np.array(block.rows.column(files.column).to_pylist(), object)
    return {"row": lines.pop("row"), files.column: names, **lines}


def events_digest(predictor: Predictor, rows: Path | Derived) -> str:
    """Return what changes when the files of inputs that lie beside the table change; nothing where there are none."""
    if not any(OPTION in modality.asked for modality in predictor.modalities.values()):
        return ""
    found = predictor.asked(next(iter(in_memory(rows, size=1))), parts=())
    sourced = [asked for name, asked in found.items() if OPTION in predictor.modalities[name].asked]
    return "|".join(one.modality.digest(one.locators, file_digest=str) for one in sourced)


def _key(bundle: Path, table: Path, *, size: int, stamp: str) -> str:
    """Return what must be equal for finished parts to be kept."""
    about = table.stat() if table.exists() else None
    length, changed = (about.st_size, about.st_mtime_ns) if about else (0, 0)
    text = f"{bundle_digest(bundle)}|{table.absolute()}|{length}|{changed}|{size}|{stamp}"
    return hashlib.sha256(text.encode()).hexdigest()
