"""The worst and the least sure predictions as single cases, for the person who has the data: beside the bundle, never in it.

Where cases can be looked at, the surest right ones and the refused ones are shown too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.errors import OutputError, Refusal
from osler.core.scores import Scores
from osler.core.state import State
from osler.core.telling import Telling
from osler.flows.cases import Cases, plain_text
from osler.flows.cohorts import Derived
from osler.flows.crew import Crew
from osler.flows.gathering import Seen
from osler.flows.opening import in_memory
from osler.flows.predictor import Predictor
from osler.flows.screening import as_trained
from osler.spine.report import write_cases
from osler.spine.scan import column_values

MOST = 20  # cases of each list
SHOWN = 8  # features of a case
Features = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what a case says: `states` and `facts` by input name, features in the order of `ranks` (their place by name)."""

    modalities: Mapping[str, Modality]
    states: Mapping[str, State]
    facts: Mapping[str, Mapping[str, Any]]
    ranks: Mapping[str, int]

    @classmethod
    def of(
        cls, modalities: Mapping[str, Modality], crew: Crew, *, facts: Mapping[str, Mapping[str, Any]], scores: Scores
    ) -> Reader:
        """Return the reader whose features stand in the order of what moves predictions, where that is known."""
        shares = scores.explanation.get("attribution", {}).get("shares", ())
        return cls(modalities, crew.states, facts, {one["name"]: place for place, one in enumerate(shares)})

    def features(self, columns: Mapping[str, Columns], row: int) -> list[Mapping[str, Any]]:
        """Return the features that matter most, with their values."""
        found: list[Mapping[str, Any]] = []
        for name, modality in self.modalities.items():
            if columns[name].present[row]:
                state = self.states[name]
                nothing = np.zeros(len(modality.features(columns[name], state=state)))
                told = modality.explain(nothing, columns[name], row, state=state, facts=self.facts.get(name, {}))
                found += [one for one in told["features"] if "value" in one]
        return sorted(found, key=lambda one: self.ranks.get(str(one["name"]), len(self.ranks)))[:SHOWN]

    def told(self, columns: Mapping[str, Columns], row: int) -> dict[str, Any]:
        """Return the features that matter most, and the pictures of a case."""
        shown = (m.picture(columns[name], row, state=self.states[name]) for name, m in self.modalities.items())
        return {"features": self.features(columns, row), "pictures": [svg for svg in shown if svg]}


@dataclass(frozen=True, slots=True)
class Listed:
    """What is listed: `told` of the cases whose row numbers (from 0) are `rows` (n,), and refusals by row. `case` tells of a row."""

    told: Telling
    rows: np.ndarray
    refusals: Mapping[int, Refusal]
    case: Callable[[int], dict[str, Any]]

    @property
    def places(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The places of each list's cases, and what they are ordered by."""
        told = self.told
        doubt = told.doubt if told.doubt is not None else told.loss
        return {
            "worst": (told.worst(MOST), told.loss),
            "doubtful": (told.doubtful(MOST), doubt),
            "right": (told.best(MOST), told.loss),
        }

    @property
    def wanted(self) -> set[int]:
        """All rows that are told."""
        found = {int(self.rows[place]) for places, _ in self.places.values() for place in places}
        return found | set(sorted(self.refusals)[:MOST])


def list_trained(path: Path, cases: Cases, *, rows: np.ndarray, statistics: np.ndarray, reader: Reader) -> Path | None:
    """Write the cases of a training's test `rows` (n,) with `statistics` (n, s); returns `path`, None where nothing is told."""
    told = cases.task.telling(statistics, info=cases.target.info)
    if told is None:
        return None
    identity = cases.study.roles.id
    names = None if identity is None else column_values(cases.table, identity)

    def case(row: int) -> dict[str, Any]:
        found = {"row": row + 1, "id": "" if names is None else plain_text(names[row])}
        return {**found, **reader.told(cases.columns, row)}

    listed = Listed(told, rows, cases.refusals, case)
    return _write(path, listed, title=cases.study.title, language=cases.study.language)


def list_new(
    path: Path, predictor: Predictor, seen: Seen, *, table: Path | Derived, statistics: np.ndarray, scores: Scores
) -> Path | None:
    """Write the cases of new data: those that are told are read once more."""
    told = predictor.task.telling(statistics, info=predictor.info)
    if told is None:
        return None
    reader = Reader.of(predictor.modalities, predictor.crews[0], facts=predictor.facts, scores=scores)
    found: dict[int, dict[str, Any]] = {}
    listed = Listed(told, seen.rows, seen.refusals, found.__getitem__)
    found.update(_read_again(predictor, table, listed.wanted, reader))
    about = predictor.contents.about
    return _write(path, listed, title=about["title"], language=about["language"])


def _read_again(
    predictor: Predictor, table: Path | Derived, wanted: set[int], reader: Reader
) -> Iterator[tuple[int, dict[str, Any]]]:
    identity = predictor.contents.about["roles"]["id"]
    for block in as_trained(in_memory(table), table, predictor=predictor):
        for row in sorted(wanted & set(range(block.first, block.first + len(block)))):
            at = row - block.first
            one = replace(block.slice(at, at + 1), rows=block.rows.take([at]))
            name = plain_text(column_values(one, identity)[0]) if identity in one.columns else ""
            yield row, {"row": row + 1, "id": name, **reader.told(predictor.columns(one), 0)}


def _write(path: Path, listed: Listed, *, title: str, language: str) -> Path:
    lists: dict[str, list[dict[str, Any]]] = {}
    for name, (places, weight) in listed.places.items():
        lists[name] = [
            {**listed.case(int(listed.rows[place])), "observed": observed, "predicted": predicted, "weight": float(weight[place])}
            for place, observed, predicted in zip(places, *listed.told.texts(places), strict=True)
        ]
    if any(one["pictures"] for own in lists.values() for one in own):
        some = sorted(listed.refusals)[:MOST]
        lists["refused"] = [{**listed.case(row), "reason": str(listed.refusals[row])} for row in some]
    else:
        del lists["right"]
    text = write_cases(lists, title=title, language=language)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path.name}: {error.strerror}; choose another --out") from None
    return path
