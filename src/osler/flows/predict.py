"""`osler predict`: any number of rows, in bounded memory, in their order, taken up where a killed run ended."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

from osler.core.errors import OutputError
from osler.core.watch import SILENT, Watch
from osler.flows.predictor import load
from osler.spine.bundle import bundle_digest
from osler.spine.rows import Parts
from osler.spine.scan import blocks

ROWS = 1 << 16  # of a block at most


def predict(bundle: Path | str, table: Path | str, *, out: Path | str, device: str | None = None, watch: Watch = SILENT) -> Path:
    """Write one line per row of `table` to `out`; the ending of `out` chooses the format. Returns `out`."""
    bundle, table, out = Path(bundle), Path(table), Path(out)
    if out.resolve() == table.resolve():
        raise OutputError(f"'{out.name}' is the table itself; choose another --out, or its rows would be lost")
    watch.stage("loading")
    predictor = load(bundle, device=device)
    size = min(ROWS, predictor.block_cases)
    parts = Parts(out, key=_key(bundle, table, size=size))
    watch.stage("predicting")
    lacking = 0
    fresh = itertools.islice(blocks(table, size=size), parts.done(), None)
    for block, columns in predictor.streamed(fresh, parts=predictor.blend.parts):
        lines = predictor.lines(block, columns)
        lacking += int((lines["without"] != "").sum()) if "without" in lines else 0
        parts.write(lines)
        watch.advance(len(block))
    parts.join()
    if lacking:
        watch.say(f"{lacking:,} predictions were made without an input; the column 'without' names it")
    return out


def _key(bundle: Path, table: Path, *, size: int) -> str:
    """Return what must be equal for finished parts to be kept."""
    about = table.stat() if table.exists() else None
    length, changed = (about.st_size, about.st_mtime_ns) if about else (0, 0)
    text = f"{bundle_digest(bundle)}|{table.absolute()}|{length}|{changed}|{size}"
    return hashlib.sha256(text.encode()).hexdigest()
