"""The verbs as Python functions, for scripts and notebooks."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from osler.core.errors import StudyError, did_you_mean
from osler.core.watch import SILENT, Watch
from osler.flows.explain import Asked
from osler.flows.explain import explain as explain_flow
from osler.flows.inspect import Inspection
from osler.flows.inspect import inspect as inspect_flow
from osler.flows.making import Opened, is_made, open_made
from osler.flows.opening import default_cache, in_memory
from osler.flows.predictor import Predictor, load
from osler.flows.sources import NONE, Sources
from osler.flows.train import train as train_flow
from osler.spine.columns.shards import private
from osler.spine.study import Request

Several = str | Sequence[str]


def train(
    table: Any,
    *,
    out: Path | str,
    target: Several = (),
    settings: Mapping[str, Any] | None = None,
    plan: Path | str | None = None,
    cache: Path | None = None,
    device: str | None = None,
    watch: Watch = SILENT,
    **asked: Any,
) -> Predictor | Opened:
    """Train on `table` and return the predictor of the bundle written to `out`, or what was made by a task that does not predict.

    `table` is a path to a table or study.yaml, a frame (polars, pandas), an Arrow table or a mapping of columns. `asked`
    are the fields of `Request` (task, group, split, budget, seed, …); `settings` decisions by name.
    """
    request = request_of(table, target=target, settings=settings, cache=cache, asked=asked)
    train_flow(request, out=Path(out), plan=Path(plan) if plan else None, cache=cache, device=device, watch=watch)
    return opened(out, device=device)


def opened(bundle: Path | str, *, device: str | None = None) -> Predictor | Opened:
    """Return the predictor in the folder `bundle`, or what was made by a task that does not predict."""
    return open_made(bundle, device=device) if is_made(bundle) else load(bundle, device=device)


def inspect(
    table: Any,
    *,
    target: Several = (),
    settings: Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    cache: Path | None = None,
    device: str | None = None,
    **asked: Any,
) -> Inspection:
    """Return what `train` would do; arguments as there."""
    request = request_of(table, target=target, settings=settings, cache=cache, asked=asked)
    return inspect_flow(request, out=Path(out) if out else None, cache=cache, device=device)


def explain(
    bundle: Path | str,
    table: Any,
    *,
    out: Path | str,
    language: str | None = None,
    sources: Sources = NONE,
    device: str | None = None,
    **asked: Any,
) -> list[dict[str, Any]]:
    """Write what in each case that is asked for speaks for its prediction, as a page and as JSON, into the folder `out`.

    `asked`: `case` ids, `row` numbers (from 1), `target` and `level` (a class), each one or several. `motifs` is a file of known motifs that name
    those that recur in sequences. `table` is as in `train`, `sources` as in `load`.
    """
    return explain_flow(bundle, table, out=out, asked=Asked.of(**asked), language=language, sources=sources, device=device)


def request_of(
    table: Any, *, target: Several, settings: Mapping[str, Any] | None, cache: Path | None, asked: Mapping[str, Any]
) -> Request:
    """Return the request; a table in memory is written to the cache first."""
    path = Path(table) if isinstance(table, (str, Path)) else _written(table, cache or default_cache())
    pairs = tuple(f"{name}={json.dumps(value)}" for name, value in (settings or {}).items())
    known = {field.name for field in fields(Request)}
    faults = [f"there is no argument '{name}'{did_you_mean(name, known)}" for name in asked if name not in known]
    if faults:
        raise StudyError(faults)
    listed: dict[str, Any] = {
        k: (v,) if k in {"inputs", "exclude", "subgroups"} and isinstance(v, str) else v for k, v in asked.items()
    }
    targets = (target,) if isinstance(target, str) else tuple(target)
    return Request(table_or_study=path, target=targets, settings=pairs, **listed)


def _written(table: Any, cache: Path) -> Path:
    import pyarrow as pa

    private(cache)
    rows = next(in_memory(table, size=sys.maxsize)).rows
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    data = sink.getvalue().to_pybytes()
    folder = cache / "frames"
    folder.mkdir(exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:32]}.arrow"
    if not path.exists():
        path.write_bytes(data)
    return path
