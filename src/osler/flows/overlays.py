"""The page of single cases of a target on a grid: each is drawn under its marks, the worst first, beside the bundle and never in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.errors import OutputError, Refusal
from osler.core.state import State
from osler.core.table import Table
from osler.flows.cases import Cases, plain_text
from osler.flows.cohorts import Derived
from osler.flows.fitting import Fitted
from osler.flows.gathering import Seen
from osler.flows.opening import in_memory
from osler.flows.painting import Painter, grid_source, painted_block, painter_of
from osler.flows.predictor import Predictor
from osler.spine.fit import Source
from osler.spine.report import write_cases
from osler.spine.scan import column_values

MOST = 40  # cases that are drawn
LEAST, SECONDS = 5, 60.0  # so many are drawn whatever time it takes, the others while there is time
BYTES = 16 << 20  # of drawings: a page of 20 MB opens in a second or two
LISTED = 1_000  # further cases, in a table
REFUSED = 20
Drawn = Callable[[int], str | None]  # a case's row (from 0) → its drawing


@dataclass(frozen=True, slots=True)
class Marked:
    """What is listed: `statistics` (n, s) of the cases whose row numbers (from 0) are `rows` (n,), their ids by row, refusals by row, and
    what draws a case."""

    task: Task
    info: Mapping[str, Any]
    rows: np.ndarray
    statistics: np.ndarray
    refusals: Mapping[int, Refusal]
    name: Callable[[int], str]
    draw: Drawn


def list_trained(path: Path, cases: Cases, tested: Sequence[tuple[np.ndarray, Fitted]], *, statistics: np.ndarray) -> Path | None:
    """Write the page of the cases that trainings were `tested` on, each painted by one that never saw it; `statistics` (n, s) stand in
    the order of their rows. Returns `path`, None where the task tells nothing of single cases."""
    judges = {int(row): fitted for rows, fitted in tested for row in rows}

    def draw(row: int) -> str | None:
        trained = judges[row].trained
        painter = Painter(cases.task, trained.crews, trained.blend, trained.states["test"])
        return drawing(judges[row].source, painter, row)

    identity = cases.study.roles.id
    ids = None if identity is None else column_values(cases.table, identity)
    rows = np.concatenate([rows for rows, _ in tested])
    listed = Marked(
        cases.task, cases.target.info, rows, statistics, cases.refusals,
        lambda row: "" if ids is None else plain_text(ids[row]), draw,
    )  # fmt: skip
    return _write(path, listed, title=cases.study.title, language=cases.study.language)


def list_new(path: Path, predictor: Predictor, seen: Seen, *, table: Path | Derived, statistics: np.ndarray) -> Path | None:
    """Write the page of new cases: those that are drawn are read and painted once more."""
    identity, painter = predictor.contents.about["roles"]["id"], painter_of(predictor)
    told = predictor.task.telling(statistics, info=predictor.info)
    if told is None:
        return None
    order = worst_first(told.loss)
    wanted = {*(int(row) for row in seen.rows[order[:LISTED]]), *sorted(seen.refusals)[:REFUSED]}
    alone = dict(_single(table, wanted))

    def name(row: int) -> str:
        return plain_text(column_values(alone[row], identity)[0]) if identity in alone[row].columns else ""

    def draw(row: int) -> str | None:
        asked = predictor.asked(alone[row], parts=predictor.blend.parts, truth=True)
        source = grid_source(predictor, {name: one() for name, one in asked.items()})
        return drawing(source, painter, 0)

    listed = Marked(predictor.task, predictor.info, seen.rows, statistics, seen.refusals, name, draw)
    about = predictor.contents.about
    return _write(path, listed, title=about["title"], language=about["language"])


def shown(predictor: Predictor, one: Table) -> dict[str, Any]:
    """Return of a table's only case what JSON can hold: why it was "refused", else the "cells" of the table of predictions, what each of
    the "labels" stands for, and its "picture" under the marks where it can be looked at."""
    columns = predictor.columns(one)
    cases, refusals = painted_block(predictor, one, columns)
    told: dict[str, Any] = {"refused": str(refusals.get(0, ""))}
    for row, painted in cases:
        cells = {name: float(value) if np.isfinite(value) else None for name, value in painted.cells.items()}
        told |= {"cells": cells, "labels": {} if predictor.task.listed else label_names(predictor.info)}
        source, state = grid_source(predictor, columns), predictor.crews[0].states[str(predictor.anchor)]
        svg = _picture(source, row, {"marks": painted.marks}, state=state)
        told |= {"picture": svg} if svg else {}
    return told


def drawing(source: Source, painter: Painter, row: int) -> str | None:
    """Return case `row` under its marks and under what is true of it; None where it cannot be looked at, and then nothing is painted."""
    state = painter.crews[0].states[str(source.anchor)]
    if _picture(source, row, {}, state=state) is None:
        return None
    modality, columns = source.modalities[str(source.anchor)], source.columns[str(source.anchor)]
    layers = {"marks": painter(source, row, truth=True).marks, "truth": modality.truth(columns, row)}
    return _picture(source, row, layers, state=state)


def _picture(source: Source, row: int, layers: Mapping[str, np.ndarray], *, state: State) -> str | None:
    anchor = str(source.anchor)
    return source.modalities[anchor].picture(source.columns[anchor], row, layers=layers, state=state)


def worst_first(loss: np.ndarray) -> np.ndarray:
    """Return the places of all cases, those of the largest loss first, those without one last."""
    return np.argsort(np.where(np.isfinite(loss), -loss, np.inf), kind="stable")


def label_names(info: Mapping[str, Any]) -> dict[int, str]:
    """Return by the value of a mark what it stands for, where the target's info names it."""
    names, values = info.get("names", ()), info.get("values", ())
    if info.get("kind") == "exclusive" and len(values) == len(names):
        return {int(value[0]): str(name) for name, value in zip(names, values, strict=True) if value}
    return {at: str(name) for at, name in enumerate(names, start=1)}


def _single(table: Path | Derived, wanted: set[int]) -> Iterator[tuple[int, Table]]:
    for block in in_memory(table):
        for row in sorted(wanted & set(range(block.first, block.first + len(block)))):
            at = row - block.first
            yield row, replace(block.slice(at, at + 1), rows=block.rows.take([at]))


def _write(path: Path, listed: Marked, *, title: str, language: str) -> Path | None:
    lists = _lists(listed)
    if lists is None:
        return None
    labels, kind = ({}, "tracked") if listed.task.listed else (label_names(listed.info), "marked")
    text = write_cases(lists, title=title, language=language, labels=labels, kind=kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path.name}: {error.strerror}; choose another --out") from None
    return path


def _lists(listed: Marked) -> dict[str, list[dict[str, Any]]] | None:
    told = listed.task.telling(listed.statistics, info=listed.info)
    if told is None:
        return None
    order = worst_first(told.loss)[:LISTED]
    texts = zip(order, *told.texts(order), strict=True)
    lines: list[dict[str, Any]] = [
        {
            "row": int(listed.rows[place]) + 1, "id": listed.name(int(listed.rows[place])), "observed": observed,
            "predicted": predicted, "weight": float(told.loss[place]), "features": (), "pictures": (),
        }
        for place, observed, predicted in texts
    ]  # fmt: skip
    pictures = _pictures([int(row) for row in listed.rows[order]], listed.draw)
    drawn = [{**line, "pictures": (svg,)} for line, svg in zip(lines, pictures, strict=False)]
    some = sorted(listed.refusals)[:REFUSED]
    refused = [{"row": row + 1, "id": listed.name(row), "reason": str(listed.refusals[row]), "features": ()} for row in some]
    return {
        "tracked" if listed.task.listed else "marked": drawn,
        "others": lines[len(drawn) :],
        **({"refused": refused} if drawn else {}),
    }


def _pictures(rows: Sequence[int], draw: Drawn) -> list[str]:
    """Return the drawings of the first of the cases `rows`: as many as there is time and room for, none where they cannot be drawn."""
    began, found, size = time.monotonic(), list[str](), 0
    for row in rows[:MOST]:
        if len(found) >= LEAST and (time.monotonic() - began > SECONDS or size > BYTES):
            break
        svg = draw(row)
        if svg is None:
            break
        found.append(svg)
        size += len(svg)
    return found
