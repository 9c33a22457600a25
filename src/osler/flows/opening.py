"""Open what the user named: a table, or a study that names one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from osler.contract import Modality
from osler.core import registry
from osler.core.errors import RequestError, TableError
from osler.core.study import Study
from osler.core.table import Table
from osler.core.watch import SILENT, Watch
from osler.flows import cohorts
from osler.spine.columns.shards import private
from osler.spine.scan import blocks, open_table
from osler.spine.study import Request, ask, describe, table_path


def default_cache() -> Path:
    """Return the folder for what may be made anew: $XDG_CACHE_HOME/osler or ~/.cache/osler."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "osler"


def open_study(request: Request, *, cache: Path, watch: Watch = SILENT) -> tuple[Study, Table]:
    """Return the study, completed from its table, and the table."""
    private(cache)
    watch.stage("opening")
    derived = cohorts.of_study(request, cache=cache, watch=watch)
    table = derived.table if derived else open_table(table_path(request), cache=cache)
    modalities = {name: registry.modality(name) for name in registry.MODALITIES}
    if derived is None:
        table = with_added(table, request, modalities=modalities, cache=cache)
    study = replace(ask(request, table=table, modalities=modalities), flow=derived.flow if derived else None)
    for note in study.notes:
        watch.say(note)
    return study, table


def with_added(table: Table, request: Request, *, modalities: Mapping[str, Modality], cache: Path) -> Table:
    """Return the table with the columns that the files of its written inputs know of it (an official split); its own win."""
    found: dict[str, Any] = {}
    for one in describe(request).inputs.values():
        if one.modality in modalities:
            with contextlib.suppress(
                RequestError
            ):  # what is wrong with an input is told when it is located, after the study's faults
                known = modalities[one.modality].added(table, columns=one.columns, options=one.options, cache=cache)
                found = {**known, **found}
    new = {name: values for name, values in found.items() if name not in table.columns}
    if not new:
        return table
    import pyarrow as pa

    rows = table.rows
    for name, values in new.items():
        rows = rows.append_column(name, pa.array(values))
    return replace(table, rows=rows, file=None)  # the file lacks them


def in_memory(table: Any, *, size: int = 1 << 16) -> Iterator[Table]:
    """Yield `table` in blocks of at most `size` rows: a path is streamed; an Arrow table, a frame, a mapping of columns is cut."""
    if isinstance(table, cohorts.Derived):
        yield from table.blocks(size=size)
        return
    if isinstance(table, (str, Path)):
        yield from blocks(Path(table), size=size)
        return
    import pyarrow as pa

    if isinstance(table, Mapping):
        rows = pa.table(dict(table))
    elif isinstance(table, pa.Table):
        rows = table
    elif hasattr(table, "__arrow_c_stream__"):
        rows = pa.table(table)
    else:
        raise TableError(f"a {type(table).__name__} is no table; give a path, an Arrow table, a frame or a mapping of columns")
    whole = Table(rows, Path.cwd())
    for start in range(0, max(1, len(whole)), size):
        yield whole.slice(start, min(start + size, len(whole)))
