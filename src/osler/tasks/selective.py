"""Selective prediction: how much the risk falls when the model may keep silent on the cases that it is least sure of.

The curve is risk over the share of cases kept (El-Yaniv and Wiener 2010), its mean height the AURC (Geifman, Uziel and
El-Yaniv 2019). Cases that are equally sure have no order among them: where a share ends among them, each counts for a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.core.figure import Figure, Series
from osler.core.measure import Measure
from osler.core.ranks import blocks
from osler.core.state import State
from osler.core.target import logarithms
from osler.core.view import View
from osler.tasks import binary, conformal, continuous, multiclass, multilabel
from osler.tasks.curves import LEAST_IN_BIN, rounded, wilson_band
from osler.tasks.labels import safe_names
from osler.tasks.sureness import of_statistics

SHARES = (100, 90, 80, 50)  # percent of the cases that are kept
_SINGLY, _RUNS = 2_000, 500  # above so many answers the area of a resample is summed over so many runs
_GRID = np.arange(5, 101, 5) / 100
ERRORS = Measure("error_rate", "lower", "logit", proportion=True)
AREA = Measure("aurc", "lower", "log")
_NOTE = "Each row keeps the given share of the test cases, those that the model is surest of, and leaves the others to a person."
_HOW = {
    "multiclass": "A case is the surer, the more probable the predicted class.",
    "other": "A case is the surer, the farther its probability lies from the threshold of the decision.",
    "number": "A case is the surer, the smaller errors usually are at its prediction.",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Answers from the surest to the least sure: `case` (m,) whose answer it is, its `loss` (m,); `runs` (g + 1,) where answers
    that are equally sure begin, and m."""

    case: np.ndarray
    loss: np.ndarray
    runs: np.ndarray

    @classmethod
    def of(cls, sure: np.ndarray, loss: np.ndarray) -> Doubt:
        """Sort answers by how `sure` (n, L) they are, NaN where there is no truth; `loss` (n, L)."""
        cases, outputs = np.nonzero(~np.isnan(sure))
        sure, loss = sure[cases, outputs], loss[cases, outputs].astype(float)
        order = np.argsort(-sure, kind="stable")
        begins = np.append([True][: len(sure)], np.diff(sure[order]) != 0)
        return cls(cases[order], loss[order], np.append(np.flatnonzero(begins), len(sure)))

    def weight(self, share: float) -> np.ndarray:
        """Return (m,) how much of each answer is among the surest `share`: of equals at its end, each an equal part."""
        upto = int(np.ceil(share * len(self.case) - 1e-9))
        end = int(np.searchsorted(self.runs, upto))
        first, last = self.runs[end - 1], self.runs[end]
        out = np.zeros(len(self.case))
        out[:first] = 1.0
        out[first:last] = (upto - first) / (last - first)
        return out

    def kept(self, share: float, cases: int) -> tuple[np.ndarray, np.ndarray]:
        """Return per case (n,) the loss and the number of its answers among the surest `share`."""
        if not len(self.case):
            return np.zeros(cases), np.zeros(cases)
        weight = self.weight(share)
        return tuple(np.bincount(self.case, part, minlength=cases) for part in (weight * self.loss, weight))  # type: ignore[return-value]

    def area(self, counts: np.ndarray) -> np.ndarray:
        """Return the mean risk (r,) over all shares, of resamples `counts` (r, n); of many resamples of many answers over runs of
        neighbours. Equally sure answers have the risk of all of them."""
        edges = self.runs
        if len(edges) < 2:
            return np.full(len(counts), np.nan)
        if len(counts) > 1 and len(edges) > _SINGLY:
            edges = edges[np.linspace(0, len(edges) - 1, _RUNS + 1).astype(np.int64)]
        wrong = np.flatnonzero(self.loss)
        upto_wrong = np.searchsorted(wrong, edges[1:])
        out = np.empty(len(counts))
        for block in blocks(counts):
            drawn = np.add.reduceat(counts[block][:, self.case], edges[:-1], axis=1, dtype=np.int32).astype(float)
            lost = np.cumsum(counts[block][:, self.case[wrong]] * self.loss[wrong], axis=1)
            lost = np.concatenate([np.zeros((len(lost), 1)), lost], axis=1)[:, upto_wrong]
            upto = np.cumsum(drawn, axis=1)
            out[block] = np.einsum("ij,ij->i", drawn, lost / np.maximum(upto, 1)) / np.maximum(1, upto[:, -1])
        return out


def of_classes(statistics: np.ndarray, info: Mapping[str, Any]) -> Doubt:
    """Return the answers of a classification: sure by the distance of the log-odds from the threshold, of many classes by the
    probability of the class that is answered; the loss is 1 where the answer is wrong."""
    if info["kind"] == "multiclass":
        truth, chosen = statistics[:, [multiclass.TRUTH]], statistics[:, [multiclass.CHOSEN]]
        sure = np.take_along_axis(statistics[:, multiclass.FIRST :], chosen.astype(np.int64), axis=1)
    else:
        parts = [multilabel.label(statistics, number) for number in range(statistics.shape[1] // binary.WIDTH)]
        truth, chosen = (np.stack([part[:, at] for part in parts], axis=1) for at in (binary.TRUTH, binary.CHOSEN))
        sure = np.stack([_distance(part[:, binary.LOGIT], part[:, binary.CHOSEN] > 0) for part in parts], axis=1)
    return Doubt.of(np.where(np.isnan(truth), np.nan, sure), truth != chosen)


def _distance(logit: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    if not len(logit):
        return logit
    below = logit[~chosen].max() if not chosen.all() else logit.min()
    above = logit[chosen].min() if chosen.any() else logit.max()
    return np.abs(logit - (below + above) / 2)


def of_numbers(statistics: np.ndarray, number: int) -> Doubt:
    """Return the answers for target `number`: sure by the usual error at the prediction; the loss is the squared error."""
    part = continuous.part(statistics, number)
    error = part[:, [continuous.TRUTH]] - part[:, [continuous.GUESS]]
    return Doubt.of(np.where(np.isnan(error), np.nan, -part[:, [continuous.SPREAD]]), np.nan_to_num(error) ** 2)


def class_views(info: Mapping[str, Any]) -> tuple[View, ...]:
    """Return the error rate among the surest cases, share by share; of all cases the area too."""
    several = info["kind"] == "multilabel"
    how = _HOW["multiclass" if info["kind"] == "multiclass" else "other"]
    rate = Measure(ERRORS.name, ERRORS.better, ERRORS.scale, proportion=not several)

    doubt = conformal.once(lambda statistics: of_classes(statistics, info))

    def view(share: int) -> View:
        def pairs(statistics: np.ndarray) -> conformal.Pairs:
            return {rate.name: doubt(statistics).kept(share / 100, len(statistics))}

        def area(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
            return {AREA.name: doubt(statistics).area(counts)}

        def support(statistics: np.ndarray) -> dict[str, float]:
            return {rate.name: float((pairs(statistics)[rate.name][1] > 0).sum())}

        measured = (rate, AREA) if share == 100 else (rate,)
        sums = conformal.ratios(pairs, names=[rate.name], more=area if share == 100 else None)
        return View("selective", f"{share}%", measured, sums.of, support, {"kept": share / 100}, notes=(_NOTE, how), sums=sums)

    return tuple(view(share) for share in SHARES)


def number_views(info: Mapping[str, Any], *, told: np.ndarray) -> tuple[View, ...]:
    """Return the RMSE among the surest cases, share by share, of the targets that are `told` (L,) apart by their errors."""
    numbers = np.flatnonzero(told).tolist()
    names = [f"_{name}" if len(info["names"]) > 1 else "" for name in safe_names(info["names"])]
    heads = ["rmse_log10" if log else "rmse" for log in logarithms(info)]
    measured = tuple(Measure(heads[number] + names[number], "lower", "log") for number in numbers)

    doubts = conformal.once(lambda statistics: [of_numbers(statistics, number) for number in numbers])

    def view(share: int) -> View:
        def pairs(statistics: np.ndarray) -> conformal.Pairs:
            found = [doubt.kept(share / 100, len(statistics)) for doubt in doubts(statistics)]
            return {m.name: one for m, one in zip(measured, found, strict=True)}

        def support(statistics: np.ndarray) -> dict[str, float]:
            found = pairs(statistics).items()
            return {name: min(float(under.sum()), continuous.freedom(over[under > 0])) for name, (over, under) in found}

        sums, notes = conformal.ratios(pairs, names=[m.name for m in measured], turned=np.sqrt), (_NOTE, _HOW["number"])
        return View("selective", f"{share}%", measured, sums.of, support, {"kept": share / 100}, notes=notes, sums=sums)

    return tuple(view(share) for share in SHARES) if measured else ()


def class_figure(statistics: np.ndarray, info: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the share of wrong answers over the share of cases kept, with Wilson's band."""
    found = _curve(of_classes(statistics, info))
    if found is None:
        return ()
    share, risk, size = found
    low, high = wilson_band(risk, size)
    line = Series("model", rounded(share), rounded(risk), rounded(low), rounded(high))
    return (_figure("selective", "Error rate", line),)


def first_figure(statistics: np.ndarray) -> tuple[Figure, ...]:
    """Return, of several labels, the share of ranked lists whose first label is wrong over the share of cases kept."""
    found = of_statistics(statistics, state=State(), info={"kind": "multilabel"})
    curve = _curve(Doubt.of(np.where(found.judged, found.sure, np.nan)[:, None], np.nan_to_num(found.wrong)[:, None]))
    if curve is None:
        return ()
    share, risk, size = curve
    low, high = wilson_band(risk, size)
    line = Series("model", rounded(share), rounded(risk), rounded(low), rounded(high))
    return (replace(_figure("selective_first", "First label wrong", line), title="Selective prediction of ranked lists"),)


def number_figure(statistics: np.ndarray, number: int, *, tail: str) -> tuple[Figure, ...]:
    """Return the RMSE of target `number` over the share of cases kept, where its cases are told apart by their errors."""
    spread = continuous.part(statistics, number)[:, continuous.SPREAD]
    found = _curve(of_numbers(statistics, number)) if len(spread) and np.ptp(spread) > 0 else None
    if found is None:
        return ()
    share, risk, _ = found
    root = [float(f"{value:.4g}") for value in np.sqrt(risk)]
    return (_figure(f"selective{tail}", "RMSE", Series("model", rounded(share), root)),)


def _curve(doubt: Doubt) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    size = np.ceil(_GRID * len(doubt.loss) - 1e-9)
    kept = size >= 2 * LEAST_IN_BIN
    if not kept.any():
        return None
    risk = np.array([doubt.weight(share) @ doubt.loss for share in _GRID[kept]]) / size[kept]
    return _GRID[kept], risk, size[kept]


def _figure(name: str, risk: str, line: Series) -> Figure:
    height = float(line.y[-1])
    level = Series("all cases", [0.0, 1.0], [height, height], style="reference")
    return Figure(name, "Selective prediction", "Share of cases kept", risk, (line, level))
