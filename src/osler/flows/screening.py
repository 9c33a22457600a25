"""Screening a library: files of molecules or sequences in place of a table, and the best predictions of very many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import RequestError, did_you_mean
from osler.core.table import Table
from osler.spine.rows import Best
from osler.spine.scan import cases_column

if TYPE_CHECKING:
    from osler.flows.making import Opened
    from osler.flows.predictor import Predictor

MOST = 1 << 20  # lines that --top may keep: each block holds as many


@dataclass(frozen=True, slots=True)
class Top:
    """How many of the best predictions are kept, by which column (None: the bundle's own answer), the highest or the `lowest`."""

    most: int
    by: str | None = None
    lowest: bool = False


def chosen(predictor: Predictor, top: Top) -> Best:
    """Return which rows are kept; raises RequestError for a number or a column that cannot be.

    The bundle's own answer is the probability of the positive class, or the first target's value. Of three or more classes there is
    none, and a column must be named.
    """
    if predictor.anchor is not None:
        raise RequestError("--top keeps the best of one answer per case, and this bundle answers each place of it; leave it out")
    if not 1 <= top.most <= MOST:
        raise RequestError(f"--top is {top.most}; it is from 1 to {MOST:,}; without it every row is written")
    answers = predictor.task.answers(predictor.output("test"), info=predictor.info, plan=predictor.contents.plan)
    known = list(dict.fromkeys(answer.column for answer in answers if answer.column))
    own = [answer.column for answer in answers if answer.main and answer.column]
    if top.by is not None and top.by not in known:
        raise RequestError(f"--by names no prediction: there is no column '{top.by}'{did_you_mean(top.by, known)}")
    if top.by is None and not own:
        raise RequestError(f"the best by what? of several classes none comes first; name one with --by: {', '.join(known[:8])}")
    return Best(top.most, top.by or own[0], top.lowest)


def told(counts: Mapping[str, int], best: Best) -> str:
    """Return how many rows were looked through."""
    seen, refused = counts.get("rows", 0), counts.get("refused", 0)
    kept = min(best.most, seen - refused)
    return f"{seen:,} rows were seen and {refused:,} of them refused; the {kept:,} {'lowest' if best.lowest else 'highest'} by '{best.by}' are kept"


def checked_workers(workers: int | None) -> int | None:
    """Return the number of processes; raises RequestError below 1."""
    if workers is not None and workers < 1:
        raise RequestError(f"--workers is {workers}; it is at least 1, which reads in this process")
    return workers


def as_trained(blocks: Iterator[Table], place: Any, *, predictor: Predictor | Opened) -> Iterator[Table]:
    """Yield the blocks; of a file of molecules or sequences its column takes the name of the bundle's only column that the file lacks."""
    column = cases_column(place) if isinstance(place, Path) else None
    for block in blocks:
        yield block if column is None else _named(block, column, predictor)


def _named(block: Table, column: str, predictor: Predictor | Opened) -> Table:
    asked = [str(name) for one in predictor.contents.about["inputs"] for name in one["columns"]]
    lacking = [name for name in asked if name not in block.columns]
    if len(lacking) != 1 or column in asked:
        return block
    return replace(block, rows=block.rows.rename_columns([lacking[0] if name == column else name for name in block.columns]))
