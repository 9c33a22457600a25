"""How good vectors that were learned without labels are: what can be read off them, beside the input that they were made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.core.judgement import Section
from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.core.split import Split
from osler.generation.embedding.embedded import Embedded
from osler.generation.embedding.neighbours import alike, alike_by_chance, of_own_group, read_off
from osler.generation.embedding.probe import Read, probed
from osler.generation.embedding.questions import Question, questions
from osler.generation.embedding.rated import ALIKE, OWN_GROUP, share, statistics
from osler.generation.embedding.spaces import EMBEDDING, RAW, Space
from osler.spine.evaluate.statistic import Found, Statistic, found

CHANCE = "by chance"
NO_LABEL = "The study names no label, so how good the embedding is cannot be measured. Name a column with --target to have it measured: training does not see it."
ONE_CLASS = "The label has one class alone in training, so nothing can be read off the embedding."
LEARNED = "What had to be chosen was chosen on the tuning cases, with all cases that are not test learned from afterwards, in each space alike."
Reader = Callable[..., Read]


@dataclass(frozen=True, slots=True)
class Judged:
    """A section, and what was found for the headline: values by space and measure."""

    section: Section
    values: Mapping[tuple[str, str], Value]
    measure: str
    more: Value


def asked(cases: Embedded) -> tuple[Question, ...]:
    """Return what the vectors can be asked: what has answers, and of classes two, among both the cases that readers learn from and test."""
    return tuple(q for q in questions(cases.target) if _answered(q, cases.split))


def _answered(question: Question, split: Split) -> bool:
    learned, test = question.within(split.training), question.within(split.test)
    if not question.classes:
        return len(learned) > 2 and len(test) > 2
    return len(np.unique(question.values[learned])) > 1 and len(test) > 0


def by_line(cases: Embedded, wanted: Sequence[Question], among: Sequence[Space]) -> Judged:
    """Return what a linear model reads off each space."""
    return _read(cases, wanted, among, reader=probed, name="linear_probe", about="penalty")


def by_neighbours(cases: Embedded, wanted: Sequence[Question], among: Sequence[Space]) -> Judged:
    """Return what the nearest cases tell in each space, and how many of these are of a case's class, or of its group."""
    told = _read(cases, wanted, among, reader=read_off, name="nearest_neighbours", about="neighbours")
    panels = [*told.section.panels, *_likeness(cases, wanted, among)]
    return replace(told, section=replace(told.section, panels=tuple(panels)))


def _read(
    cases: Embedded, wanted: Sequence[Question], among: Sequence[Space], *, reader: Reader, name: str, about: str
) -> Judged:
    test = cases.split.test
    every: dict[str, Statistic] = {}
    chosen: dict[str, float] = {}
    rows = [np.flatnonzero(question.known[test]) for question in wanted]
    answered = [_tested(question, test) for question in wanted]
    for space in among:
        reads = [reader(space.vectors, q, split=cases.split, groups=cases.groups, seed=cases.seed) for q in wanted]
        rated = statistics(answered, [read.scores for read in reads], rows)
        every |= {f"{space.name}|{measure}": one for measure, one in rated.items()}
        chosen[space.name] = reads[0].chosen
    told = _valued(every, cases)
    measures = list(dict.fromkeys(key.partition("|")[2] for key in every))
    first = measures[0]
    lines = [
        Row(
            space.name,
            len(np.unique(np.concatenate(rows))),
            {m: told.values[f"{space.name}|{m}"] for m in measures} | _more(told, space.name, first),
            {"dimensions": int(space.vectors.shape[1]), **({about: _whole(chosen[space.name])} if len(wanted) == 1 else {})},
        )
        for space in among
    ]
    values = {(space.name, m): told.values[f"{space.name}|{m}"] for space in among for m in measures}
    panel = Panel(name, tuple(lines), (LEARNED, *told.notes))
    more = told.difference(f"{EMBEDDING}|{first}", f"{RAW}|{first}")
    return Judged(Section(name, f"section.{name}", panels=(panel,)), values, first, more)


def _whole(value: float) -> float:
    return int(value) if value.is_integer() else value


def _more(told: Found, space: str, measure: str) -> dict[str, Value]:
    return {} if space == EMBEDDING else {"embedding_gain": told.difference(f"{EMBEDDING}|{measure}", f"{space}|{measure}")}


def _tested(question: Question, test: np.ndarray) -> Question:
    rows = question.within(test)
    return replace(question, values=question.values[rows], known=np.ones(len(rows), bool))


def _valued(every: Mapping[str, Statistic], cases: Embedded, rows: np.ndarray | None = None) -> Found:
    test = cases.split.test if rows is None else rows
    groups = cases.groups[test] if cases.grouped else None
    return found(every, cases=len(test), groups=groups, seed=cases.seed)


def _likeness(cases: Embedded, wanted: Sequence[Question], among: Sequence[Space]) -> list[Panel]:
    panels = []
    question = wanted[0]
    if question.classes and len(wanted) == 1:
        rows = question.within(cases.split.test)
        shares = {space.name: alike(space.vectors, question, split=cases.split) for space in among}
        shares[CHANCE] = alike_by_chance(question, split=cases.split)
        told = _valued({name: share(ALIKE, values) for name, values in shares.items()}, cases, rows)
        panels.append(Panel("same_class", _lines(told, ALIKE.name, len(rows))))
    if cases.grouped:
        panels += _own_group(cases, among)
    return panels


def _own_group(cases: Embedded, among: Sequence[Space]) -> list[Panel]:
    shares: dict[str, Any] = {}
    rows = cases.split.test
    for space in among:
        places, near, chance = of_own_group(space.vectors, rows, cases.groups)
        if len(places) < 5:
            return []
        shares |= {space.name: share(OWN_GROUP, near), CHANCE: share(OWN_GROUP, chance)}
    told = _valued(shares, cases, rows[places])
    return [Panel("same_group", _lines(told, OWN_GROUP.name, len(places)))]


def _lines(told: Found, measure: str, cases: int) -> tuple[Row, ...]:
    order = sorted(told.values, key=lambda name: name == CHANCE)
    return tuple(Row(name, cases, {measure: told.values[name]}) for name in order)
