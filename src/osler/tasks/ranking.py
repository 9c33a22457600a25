"""How good ranked lists of labels are: precision and recall of their first places, and the order of the whole list.

Label ranking average precision and coverage error are those of Tsoumakas, Katakis and Vlahavas (2010), and equal scikit-learn's.
A label that was not observed in a case is left out of that case's list. Micro averages take every label of every case as one
answer; the macro averages stand among the main measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.measure import Measure
from osler.core.ranks import BLOCK, Ranking, Runs, Tally, areas
from osler.core.sums import Sums
from osler.core.view import View
from osler.tasks import binary
from osler.tasks.conformal import once

FIRST = (1, 3, 5)  # places of a list that are scored
PRECISION = Measure("precision_at", "higher", "logit")
RECALL = Measure("recall_at", "higher", "logit")
FOUND = Measure("found_at", "higher", "logit", proportion=True)
WHOLE = (
    Measure("ranking_precision", "higher", "logit"),
    Measure("coverage_error", "lower", "log"),
    Measure("micro_auroc", "higher", "logit"),
    Measure("micro_auprc", "higher", "logit"),
)
_CHUNK = 1 << 16
_NOTE = "Labels are ranked by their calibrated probability. A label that was not observed in a case is left out of its list."
_ANY = "Recall and cases found are of the cases with at least one label."


def views(info: Mapping[str, Any]) -> tuple[View, ...]:
    """Return the scores of the first places of lists, and those of whole lists; nothing where there are no several labels."""
    if info["kind"] != "multilabel":
        return ()
    places = [place for place in FIRST if place <= len(info["names"])]
    lists = once(lambda statistics: per_case(statistics, places=places))
    return (*(_places(lists, at, place) for at, place in enumerate(places)), _whole(lists, width=3 * len(places)))


def _places(lists: Any, at: int, place: int) -> View:
    def columns(statistics: np.ndarray) -> np.ndarray:
        found = lists(statistics)
        return np.concatenate([found[:, :3], found[:, 3 + 3 * at : 6 + 3 * at]], axis=1)

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        cases, having, _, share, recall, any_found = sums.T
        with np.errstate(invalid="ignore", divide="ignore"):
            return {PRECISION.name: share / cases, RECALL.name: recall / having, FOUND.name: any_found / having}

    def support(statistics: np.ndarray) -> Mapping[str, float]:
        cases, having = lists(statistics)[:, :2].sum(axis=0)
        return {PRECISION.name: float(cases), RECALL.name: float(having), FOUND.name: float(having)}

    sums = Sums(columns, measures)
    return View("first_labels", f"first {place}", (PRECISION, RECALL, FOUND), sums.of, support, {}, (_NOTE, _ANY), sums=sums)


def _whole(lists: Any, *, width: int) -> View:
    answers = once(_Answers.of)

    def columns(statistics: np.ndarray) -> np.ndarray:
        found = lists(statistics)
        return np.concatenate([found[:, :1], found[:, 2:3], found[:, 3 + width :]], axis=1)

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        cases, precision, reach = sums.T
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"ranking_precision": precision / cases, "coverage_error": reach / cases}

    def more(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        auroc, auprc = answers(statistics).areas(counts)
        return {"micro_auroc": auroc, "micro_auprc": auprc}

    def support(statistics: np.ndarray) -> Mapping[str, float]:
        having = float(lists(statistics)[:, 1].sum())
        return {"micro_auroc": having, "micro_auprc": having}

    sums = Sums(columns, measures, more)
    return View("ranking", "whole lists", WHOLE, sums.of, support, {}, (_NOTE,), sums=sums)


def per_case(statistics: np.ndarray, *, places: list[int]) -> np.ndarray:
    """Return (n, 4 + 3 p): whether the case has an observed label, and a positive one; its label ranking average precision; for
    each of `places` the precision and recall of so many first labels and whether one of them is right; its coverage error."""
    truth, score = statistics[:, binary.TRUTH :: binary.WIDTH], statistics[:, binary.LOGIT :: binary.WIDTH]
    out = np.empty((len(statistics), 4 + 3 * len(places)))
    for start in range(0, len(out), _CHUNK):
        block = slice(start, start + _CHUNK)
        out[block] = _lists(truth[block], score[block], places)
    return out


def _lists(truth: np.ndarray, score: np.ndarray, places: list[int]) -> np.ndarray:
    known = ~np.isnan(truth)
    score = np.where(known, score, -np.inf)  # to the end of the list, where nothing counts them
    order = np.argsort(-score, axis=1, kind="stable")
    score, right = (np.take_along_axis(part, order, axis=1) for part in (score, truth > 0))
    seen, having = known.sum(axis=1), right.sum(axis=1)
    ends = np.ones(score.shape, bool)
    ends[:, :-1] = score[:, 1:] != score[:, :-1]
    rank = np.where(ends, np.arange(1, score.shape[1] + 1), score.shape[1])
    rank = np.minimum.accumulate(rank[:, ::-1], axis=1)[:, ::-1]  # labels of equal score share the last rank among them
    upto = np.cumsum(right, axis=1)
    precise = np.take_along_axis(upto, rank - 1, axis=1) / rank
    mean = (right * precise).sum(axis=1) / np.maximum(having, 1)
    # where no label, or every one, is right, any order is perfect (scikit-learn)
    parts = [seen > 0, having > 0, np.where((having == 0) | (having == seen), 1.0, mean) * (seen > 0)]
    for place in places:
        hits = upto[:, place - 1]
        parts += [hits / np.clip(seen, 1, place), hits / np.maximum(having, 1), hits > 0]
    return np.stack([*parts, np.where(right, rank, 0).max(axis=1)], axis=1)


class _Answers:
    """Every observed label of every case as one answer: `case` (m,) whose it is, its `score` and `truth` (m,)."""

    def __init__(self, case: np.ndarray, score: np.ndarray, truth: np.ndarray) -> None:
        self.case, self.score, self.truth = case, score, truth
        runs = Runs.of(score, truth)
        self.runs = replace(runs, order=case[runs.order])  # resamples count cases, not answers

    @classmethod
    def of(cls, statistics: np.ndarray) -> _Answers:
        truth, score = statistics[:, binary.TRUTH :: binary.WIDTH], statistics[:, binary.LOGIT :: binary.WIDTH]
        case, label = np.nonzero(~np.isnan(truth))
        return cls(case.astype(np.int32), score[case, label], truth[case, label] > 0)

    def areas(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return AUROC and average precision (r,): a single sample exactly, many over runs of neighbours."""
        if not len(self.case):
            return np.full(len(counts), np.nan), np.full(len(counts), np.nan)
        if len(counts) == 1:
            ranking = Ranking.of(self.score, self.truth)
            return Tally.of(counts[:, self.case], ranking).areas(ranking)
        step = max(1, BLOCK // len(self.case))
        parts = [areas(*self.runs.tally(counts[start : start + step])) for start in range(0, len(counts), step)]
        return np.concatenate([one[0] for one in parts]), np.concatenate([one[1] for one in parts])
