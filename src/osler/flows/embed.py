"""`osler embed`: a vector for each row of a table, in bounded memory, in their order, taken up where a killed run ended."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from osler.core.columns import Columns
from osler.core.errors import OutputError, Refusal
from osler.core.processors import processors
from osler.core.table import Table
from osler.core.watch import SILENT, Watch
from osler.flows.embedding_map import Asked, Drawn, draw_map
from osler.flows.files import files_of
from osler.flows.making import Opened, blocks, open_made
from osler.flows.making.opened import usable
from osler.flows.opening import in_memory
from osler.flows.planning import threads
from osler.flows.predict import parts_key
from osler.flows.screening import as_trained, checked_workers
from osler.flows.sources import NONE, Sources
from osler.spine.rows import Parts

if TYPE_CHECKING:
    import pyarrow as pa

    from osler.generation.representation.objective import RepresentationObjective

Lines = dict[str, "np.ndarray | pa.Array"]


def embed(
    bundle: Path | str,
    table: Path | str,
    *,
    out: Path | str,
    workers: int | None = None,
    sources: Sources = NONE,
    device: str | None = None,
    map_to: Asked = None,
    watch: Watch = SILENT,
) -> Path:
    """Write one line per row of `table` to `out`: its number, the study's id, the numbers of its vector in columns `v001`, `v002`, …, and
    why it was refused where it was; the ending of `out` chooses the format. Returns `out`.

    `anomaly` is its distance from the middle of the training cases, `anomaly_place` the percent of known cases that are nearer. `map_to` is a
    file, .html or .svg, for a map with a point for each row, or such a file and the column that colours it. Of a method that restores cases, `restoring_error` tells how badly each is restored. `table` may be a folder of files that the
    bundle's modality opens, or one such file: each is a case. `sources` as in `load`.
    """
    bundle, table, out = Path(bundle), Path(table), Path(out)
    if out.resolve() == table.resolve():
        raise OutputError(f"'{out.name}' is the table itself; choose another --out, or its rows would be lost")
    drawn = Drawn.of(map_to)
    if drawn is not None:
        drawn.check(vectors=out, table=table)
    watch.stage("loading")
    opened = open_made(bundle, task="representation", device=device, sources=sources)
    count = checked_workers(workers) or processors()
    readings = {name: opened.reading(name) for name in opened.modalities}
    files = files_of(table, inputs=opened.contents.about["inputs"], modalities=opened.modalities, readings=readings)
    size = opened.block_cases
    key = parts_key(bundle, table, size=size, stamp=files.stamp() if files else "")
    watch.stage("embedding", total=len(files.names) if files else 0)
    with Parts(out, key=f"embed|{key}") as parts:
        whole = files.blocks(size=size) if files else as_trained(in_memory(table, size=size), table, predictor=opened)
        fresh = itertools.islice(whole, parts.done(), None)
        for block, columns, refusals in blocks(opened, fresh, workers=count):
            found = lines(opened, block, columns, refusals)
            if files is not None:
                names = np.array(block.rows.column(files.column).to_pylist(), object)
                found = {"row": found.pop("row"), files.column: names, **found}
            parts.write(found)
            watch.advance(len(block))
        parts.join()
    if drawn is not None:
        watch.stage("drawing the map")
        draw_map(
            drawn, vectors=out, table=None if files else table, language=str(opened.contents.about["language"]), title=opened.name
        )
    return out


def lines(opened: Opened, block: Table, columns: Mapping[str, Columns], refusals: Mapping[int, Refusal]) -> Lines:
    """Return the output columns of one block, each (n,): what names a row, its vector, why it was refused."""
    from osler.generation.representation.vectors import vectors_of

    objective = cast("RepresentationObjective", opened.objective)
    kept, width = usable(block, refusals), objective.width
    with threads(opened.plan):
        vectors, errors = vectors_of(objective, opened.source(columns), kept)
    whole = np.full((len(block), width), np.nan, np.float32)
    whole[kept] = vectors.reshape(len(kept), width)
    found: Lines = {"row": block.first + 1 + np.arange(len(block))}
    if opened.identity in block.columns:
        found[str(opened.identity)] = np.array(block.rows.column(opened.identity).to_pylist(), object)
    found |= {name: _plain(whole[:, at]) for at, name in enumerate(names_of(width))}
    found |= _anomalies(opened, whole)
    if objective.restores:
        error = np.full(len(block), np.nan, np.float32)
        error[kept] = errors if errors is not None else np.nan
        found["restoring_error"] = _plain(error)
    found["refused"] = np.array([refusals[row].whole if row in refusals else "" for row in range(len(block))], object)
    return found


def _anomalies(opened: Opened, vectors: np.ndarray) -> Lines:
    """Return how unlike the training cases those with `vectors` (n, d) are, and their place among cases that training did not learn from."""
    from osler.generation.embedding.anomaly import distance, known, place

    if not known(opened.judged):
        return {}
    away = distance(vectors, opened.judged)
    return {"anomaly": _plain(away.astype(np.float32)), "anomaly_place": _plain(place(away, opened.judged).astype(np.float32))}


def names_of(width: int) -> tuple[str, ...]:
    """Return the names of the columns of a vector with `width` numbers.

    >>> names_of(3), names_of(1000)[0]
    (('v001', 'v002', 'v003'), 'v0001')
    """
    digits = max(3, len(str(width)))
    return tuple(f"v{at:0{digits}d}" for at in range(1, width + 1))


def _plain(values: np.ndarray) -> pa.Array:
    """Return single floats as they were computed, NaN as null: half the size of doubles."""
    import pyarrow as pa

    return pa.array(values, from_pandas=True)
