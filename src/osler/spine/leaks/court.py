"""Is a suspect a leak? Each is compared, case by case, with what the columns that are no suspects reach together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from osler.contract import Modality
from osler.core.clue import Clues
from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.ranks import ranked
from osler.spine.leaks.alone import AUROC as WELL_ORDERED
from osler.spine.leaks.alone import Question
from osler.spine.leaks.binned import binned, counted
from osler.spine.leaks.pure import CHANCE, Pure
from osler.spine.leaks.rest import Answers, answered, clearly_above

CASES = 5_000  # compared, at most
RARE = 1_000  # of the rarer of two classes, at most: kept although the others are thinned
NOBODY = np.empty(0, np.int64)
CURE = "leave it out with --exclude '{name}'"

Key = tuple[str, str]  # input and name


@dataclass(frozen=True, slots=True)
class Study:
    """The inputs and the development `rows` that are looked at, with the `groups` (m,) of these rows."""

    modalities: Mapping[str, Modality]
    columns: Mapping[str, Columns]
    rows: np.ndarray
    groups: np.ndarray

    def clues(self) -> Iterator[tuple[str, Clues]]:
        """Yield the clues of every input with its name."""
        for name, modality in self.modalities.items():
            for clues in modality.clues(self.columns[name], self.rows):
                yield name, clues


@dataclass(frozen=True, slots=True)
class Court:
    """`picked` (j,) of the study's rows are compared; `asked` and `rest` are of these, `weights` (2,) undo what thinning one class
    did; `suspects` their values."""

    asked: Question
    rest: Answers
    weights: np.ndarray
    thinned: float
    suspects: Mapping[Key, Clues]
    codes: int

    @classmethod
    def gathered(cls, study: Study, asked: Question, *, suspects: set[Key], others: Sequence[Key], codes: int) -> Court:
        """Return the court with the values of suspects and the answers of the `others` at its hands."""
        picked, weights = _picked(asked)
        own = replace(asked, values=asked.values[:, picked], fold=asked.fold[picked])
        wanted, features, held = set(others), [], {}
        for where, clues in replace(study, rows=study.rows[picked], groups=study.groups[picked]).clues():
            for name, values in zip(clues.names, clues.values, strict=True):
                if (where, name) in suspects:
                    held[where, name] = Clues((name,), values[None])
                elif (where, name) in wanted:
                    features.append(_feature(Clues((name,), values[None]), own))
        matrix = np.concatenate(features, axis=0).T if features else np.empty((len(picked), 0))
        thinned = len(picked) / asked.values.shape[1]
        return cls(own, answered(matrix, own), weights, thinned, held, codes)

    def judged(self, key: Key, pure: Sequence[Pure], *, outcome: str) -> Leak | None:
        """Return the finding on one suspect, None where the other columns know as much."""
        clues = self.suspects[key]
        for answers in _answers(clues, self.asked):
            near = answers.left(self.asked) <= self.asked.perfect
            near = near or (self.asked.classes == 2 and self.measure(answers) >= WELL_ORDERED)
            if near and clearly_above(answers, self.rest, self.asked, suspects=len(self.suspects)):
                return self._leak(key, "stop", self._told(answers, outcome))
        for code in sorted(pure, key=lambda p: (p.severity(self.codes) != "stop", -p.cases)):
            # words are no scale: a word whose cases all have one outcome is no far end of one, whatever other columns know
            if clues.categorical or not self._expected(code, clues):
                return self._leak(key, code.severity(self.codes) or "warn", _same(code, outcome))
        return None

    def measure(self, answers: Answers) -> float:
        """Return AUROC of two classes, the share of right answers of more, R² of the ranks of a number."""
        if self.asked.classes != 2:
            return 1 - float(answers.wrong(self.asked).mean()) if self.asked.classes else 1 - answers.left(self.asked)
        truth = self.asked.values[0] > 0
        ranks = ranked(answers.values[0])
        positive = int(truth.sum())
        return float((ranks[truth].sum() - positive * (positive + 1) / 2) / max(positive * (len(truth) - positive), 1))

    def _told(self, answers: Answers, outcome: str) -> str:
        name = {0: "R² of the ranks", 2: "AUROC"}.get(self.asked.classes, "accuracy")
        own, others = self.measure(answers), self.measure(self.rest)
        return (
            f"alone it predicts '{outcome}' with {name} {own:.3f}, all columns that are not suspected together with {others:.3f}"
        )

    def _expected(self, code: Pure, clues: Clues) -> bool:
        """Whether the other columns know that the cases with this code have one outcome: they expect hardly any with another."""
        if code.outcome < 0:
            return self.rest.left(self.asked) <= self.asked.perfect
        (table,) = binned(clues)
        cells = counted(table, np.ones(table.codes.shape[1]), self.asked.fold).counts.sum(axis=2)[0]
        place = 0 if self.asked.classes == 2 else code.outcome
        truth = self.asked.values[place] if code.outcome or self.asked.classes > 2 else 1 - self.asked.values[place]
        means = np.bincount(table.codes[0], truth, table.size) / np.maximum(cells, 1)
        alike = [c for c in range(table.size) if cells[c] and means[c] == 1.0 and table.single[0, c]]
        own = np.isin(table.codes[0], alike)
        chance = np.clip(self.rest.values[place][own], 1e-3, 1 - 1e-3)
        chance = chance * self.weights[1] / (chance * self.weights[1] + (1 - chance) * self.weights[0])
        other = 1 - chance if code.outcome or self.asked.classes > 2 else chance
        expected = float(other.mean()) * code.groups if own.any() else math.inf
        return self.codes * math.exp(-expected) > CHANCE

    def _leak(self, key: Key, severity: Literal["stop", "warn"], why: str) -> Leak:
        name = key[1]
        sentence = f"column '{name}' gives the outcome away: {why}; {CURE.format(name=name)}"
        return Leak("tells-outcome", severity, sentence, NOBODY, NOBODY, column=name)


def _same(code: Pure, outcome: str) -> str:
    where = "where it is empty" if code.missing else "with one of its values"
    return (
        f"all {code.cases:,} development cases {where} have the same '{outcome}', which {100 * code.share:.3g}% of all cases have"
    )


def _picked(asked: Question) -> tuple[np.ndarray, np.ndarray]:
    """Return which cases to compare, ascending, and by how much each of two classes was thinned."""
    count = asked.values.shape[1]
    if count <= CASES:
        return np.arange(count), np.ones(2)
    draw = np.random.default_rng(1)
    if asked.classes != 2:
        return np.sort(draw.choice(count, CASES, replace=False)), np.ones(2)
    sides = [np.flatnonzero(asked.values[0] == k) for k in (0, 1)]
    rare = min((0, 1), key=lambda k: len(sides[k]))
    sizes = {rare: min(len(sides[rare]), max(RARE, CASES * len(sides[rare]) // count))}
    sizes[1 - rare] = CASES - sizes[rare]
    parts = [draw.choice(sides[k], sizes[k], replace=False) for k in (0, 1)]
    return np.sort(np.concatenate(parts)), np.array([len(s) / len(p) for s, p in zip(sides, parts, strict=True)])


def _feature(clues: Clues, asked: Question) -> np.ndarray:
    """Return (f, j) features of one column: ranks of a number and whether it is missing; of a category the mean outcome of each
    word in the other folds."""
    if clues.categorical:
        return _means(clues, asked)
    there = ~np.isnan(clues.values)
    ranks = ranked(np.where(there, clues.values, np.inf), axis=1)
    ranks = np.where(there, ranks / max(1, there.sum()), np.nan)
    return ranks if there.all() else np.concatenate([ranks, ~there * 1.0])


def _means(clues: Clues, asked: Question) -> np.ndarray:
    (table,) = binned(clues)
    cells = (counted(table, values, asked.fold).means(overall=float(values.mean())) for values in asked.values)
    return np.stack([c[0, table.codes[0], asked.fold] for c in cells])


def _answers(clues: Clues, asked: Question) -> Iterator[Answers]:
    """Yield what one column answers alone: the mean of its code in the other folds, and by the order of a number."""
    yield Answers(_means(clues, asked))
    if clues.categorical or asked.classes > 2:
        return
    there = ~np.isnan(clues.values[0])
    ranks = ranked(clues.values[0][there]) / max(1, there.sum())
    truth = asked.values[0]
    if asked.classes:
        for sign in (1, -1):
            for end in (-2.0, 2.0):
                scores = np.full(len(there), end)
                scores[there] = sign * ranks
                yield Answers(scores[None])
        return
    line = np.full(len(there), truth[~there].mean() if not there.all() else 0.0)
    if there.sum() > 2 and np.ptp(ranks) > 0:
        line[there] = np.polyval(np.polyfit(ranks, truth[there], 1), ranks)
    yield Answers(line[None])
