"""The worst and the least sure predictions as single cases, for the person who has the data: beside the bundle, never in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.errors import OutputError
from osler.core.scores import Scores
from osler.core.state import State
from osler.core.telling import Telling
from osler.flows.cases import Cases, plain_text
from osler.flows.crew import Crew
from osler.flows.gathering import Seen
from osler.flows.predictor import Predictor
from osler.spine.report import write_cases
from osler.spine.scan import blocks, column_values

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


def list_trained(path: Path, cases: Cases, *, rows: np.ndarray, statistics: np.ndarray, reader: Reader) -> Path | None:
    """Write the cases of a training's test `rows` (n,) with `statistics` (n, s); returns `path`, None where nothing is told."""
    told = cases.task.telling(statistics, info=cases.target.info)
    if told is None:
        return None
    identity = cases.study.roles.id
    names = None if identity is None else column_values(cases.table, identity)

    def case(place: int) -> dict[str, Any]:
        row = int(rows[place])
        found = {"row": row + 1, "id": "" if names is None else plain_text(names[row])}
        return {**found, "features": reader.features(cases.columns, row)}

    return _write(path, told, case=case, title=cases.study.title, language=cases.study.language)


def list_new(path: Path, predictor: Predictor, seen: Seen, *, table: Path, statistics: np.ndarray, scores: Scores) -> Path | None:
    """Write the cases of new data: those that are told are read once more."""
    told = predictor.task.telling(statistics, info=predictor.info)
    if told is None:
        return None
    wanted = {int(seen.rows[place]) for place in (*told.worst(MOST), *told.doubtful(MOST))}
    reader = Reader.of(predictor.modalities, predictor.crews[0], facts=predictor.facts, scores=scores)
    found = dict(_read_again(predictor, table, wanted, reader))
    about = predictor.contents.about
    return _write(path, told, case=lambda place: found[int(seen.rows[place])], title=about["title"], language=about["language"])


def _read_again(predictor: Predictor, table: Path, wanted: set[int], reader: Reader) -> Iterator[tuple[int, dict[str, Any]]]:
    identity = predictor.contents.about["roles"]["id"]
    for block in blocks(table):
        for row in sorted(wanted & set(range(block.first, block.first + len(block)))):
            at = row - block.first
            one = replace(block.slice(at, at + 1), rows=block.rows.take([at]))
            name = plain_text(column_values(one, identity)[0]) if identity in one.columns else ""
            yield row, {"row": row + 1, "id": name, "features": reader.features(predictor.columns(one), 0)}


def _write(path: Path, told: Telling, *, case: Callable[[int], dict[str, Any]], title: str, language: str) -> Path:
    lists = {}
    for name, places, weight in (
        ("worst", told.worst(MOST), told.loss),
        ("doubtful", told.doubtful(MOST), told.doubt if told.doubt is not None else told.loss),
    ):
        lists[name] = [
            {**case(int(place)), "observed": observed, "predicted": predicted, "weight": float(weight[place])}
            for place, observed, predicted in zip(places, *told.texts(places), strict=True)
        ]
    text = write_cases(lists, title=title, language=language)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path.name}: {error.strerror}; choose another --out") from None
    return path
