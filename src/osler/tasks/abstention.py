"""Abstention: how sure a bundle must be before its answer counts, and what is gained by leaving the rest to a person.

The threshold on sureness is learned on calibration cases, which neither trained the models nor test them. Selective prediction
with a chosen risk is El-Yaniv and Wiener's (2010); that the error among the kept stays at or below what was accepted is tested as by
Geifman and El-Yaniv (2017), by the fixed sequence of Angelopoulos, Bates, Candès, Jordan and Lei (Learn then Test, 2021): from the
surest cases down, each threshold is a hypothesis "the error among the kept is above what is accepted", rejected by the exact
binomial test, and the first that is not rejected ends the scan. Nothing is paid for the number of thresholds. Where the cases are
too few for 90% confidence, the same is done with 50%, and said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import bdtr, expit

from osler.core.errors import PlanError, did_you_mean
from osler.core.measure import Measure
from osler.core.plan import Brief, Decision
from osler.core.state import State
from osler.core.sums import Sums
from osler.core.view import View
from osler.tasks import binary, label_sets, operating
from osler.tasks.calibration import LARGEST_LOGIT
from osler.tasks.settings import setting
from osler.tasks.sureness import Sureness, of_statistics

HOW, AUTO = "target.abstain", "target.abstain_error"
KINDS = ("auto", "off", "error", "coverage")
LADDER = (0.05, 0.1, 0.2)  # accepted errors that the report tells of, asked for or not
RISK = 0.1  # chance that an error among the kept is above what was accepted after all
PANEL = "abstention"
DOUBTFUL, UNKNOWN = "doubtful", "not among those I know"
MEASURES = (
    Measure("kept", "higher", "logit", proportion=True),
    Measure("error_rate", "lower", "logit", proportion=True),
    Measure("error_left", "higher", "logit", proportion=True),
)
_STEP = 0.05  # of the grid of log-odds on which thresholds lie: no threshold is one patient's score
_FEWEST = 5  # cases whose error rate may be told
_SURE = "with 90% confidence from {n} calibration cases"
_EVEN = "as likely as not: {n} calibration cases are too few to promise it"
_NOTE = (
    "A case is kept where the bundle is at least as sure as a threshold that was learned on calibration cases; the others are left"
    " to a person."
)
_WRONG = {
    "binary": "An answer is wrong where the predicted class is; it is the surer, the farther its probability lies from the threshold.",
    "multiclass": "An answer is wrong where the predicted class is; it is the surer, the more probable that class.",
    "multilabel": "An answer is wrong where the case does not have the label that heads its list; it is the surer, the more"
    " probable that label.",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: at most `share` of errors among the kept, or a `share` of cases kept."""

    kind: Literal["auto", "off", "error", "coverage"]
    share: float = 0.0


def asked(written: Any) -> Wish:
    """Return the wish written as `auto`, `off`, `error=0.1` or `coverage=0.8`; raises PlanError.

    >>> asked("error = 0.1"), asked("off").kind
    (Wish(kind='error', share=0.1), 'off')
    """
    kind, equals, share = (part.strip() for part in str(written).partition("="))
    if kind not in KINDS:
        raise PlanError(f"'{HOW}' cannot be '{written}'{did_you_mean(kind, KINDS)}; as in error=0.1 or coverage=0.8")
    if kind in ("auto", "off"):
        if equals:
            raise PlanError(f"'{HOW}' cannot be '{written}'; '{kind}' takes no number")
        return Wish(kind)  # type: ignore[arg-type]
    try:
        value = float(share)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise PlanError(f"'{HOW}' cannot be '{written}'; write a share between 0 and 1, as in {kind}=0.1")
    return Wish(kind, value)  # type: ignore[arg-type]


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return the decisions, whether and how the bundle abstains; raises PlanError for what cannot be."""
    asked(brief.settings.get(HOW, "auto"))
    accepted = brief.settings.get(AUTO, 0.5)
    if isinstance(accepted, (int, float)) and not 0 < accepted < 1:
        raise PlanError(f"'{AUTO}' cannot be {accepted!r}; write a share between 0 and 1")
    half = max(0.01, float(np.ceil(50 * _blind(brief.target)) / 100))
    labels = brief.target["kind"] == "multilabel"
    why = "told in predictions" if labels else "told in the report; error=0.1 or coverage=0.8 adds a column to predictions"
    return (
        Decision(HOW, "auto", f"where the bundle is too unsure to be believed is {why}"),
        Decision(AUTO, half, "error among the kept that 'auto' accepts: half of that of the same answer for everyone"),
    )


def _blind(facts: Mapping[str, Any]) -> float:
    """Return the error of the best answer that looks at no case: the most frequent class, or label."""
    if facts["kind"] != "multilabel":
        sizes = facts["counts"][0]
        return float(1 - max(sizes) / max(1, sum(sizes)))
    places = (list(c).index(p) for c, p in zip(facts["classes"], facts["positive"], strict=True))
    return float(1 - max(sizes[at] / max(1, sum(sizes)) for sizes, at in zip(facts["counts"], places, strict=True)))


def learned(found: Sureness, *, plan: Mapping[str, Any], groups: np.ndarray | None) -> State:
    """Return `abstain` (p,), the least sureness of each row of the panel, the first in use, with their names and how each was found.

    With `groups` (n,) one case of each stands for it: cases of one patient are no separate trials. A plan of an older Osler, or
    one that switches abstention off, learns nothing.
    """
    wish = asked(setting(plan, HOW, default="off"))
    if wish.kind == "off":
        return State()
    kept = np.flatnonzero(found.judged)
    if groups is not None:
        kept = kept[_one_of_each(groups[kept])]
    sure, wrong = found.sure[kept], found.wrong[kept] > 0
    accepted = float(setting(plan, AUTO, default=0.5)) if wish.kind == "auto" else wish.share
    ladder = [Wish("error", share) for share in LADDER if (wish.kind, share) != ("error", accepted)]
    first = _threshold(sure, wrong, wish if wish.kind == "coverage" else Wish("error", accepted))
    if not np.isfinite(first[0]):  # who asked for an error is not told what would break it; who did not is told everything
        first = (-np.inf if wish.kind == "auto" else np.inf), first[1]
    rows = [("in use", *first), *((f"error = {one.share:g}", *_threshold(sure, wrong, one)) for one in ladder)]
    names, least, hows = zip(*rows, strict=True)
    values = {"abstain_names": list(names), "abstain_how": list(hows), "abstain_written": wish.kind in ("error", "coverage")}
    return State({"abstain": np.array(least, float)}, values)


def _one_of_each(groups: np.ndarray) -> np.ndarray:
    drawn = np.random.default_rng(0).permutation(len(groups))
    return drawn[np.unique(groups[drawn], return_index=True)[1]]


def _threshold(sure: np.ndarray, wrong: np.ndarray, wish: Wish) -> tuple[float, str]:
    size = len(sure)
    if wish.kind == "coverage":
        if size < operating.LEAST_CASES:
            return float("nan"), f"not found: {size} calibration cases are fewer than {operating.LEAST_CASES}"
        at = operating.quantile(sure, 1 - wish.share)
        return float(np.floor(at / _STEP + 1e-9) * _STEP), f"coverage = {wish.share:g} on {size} calibration cases"
    least, kept, errors = _steps(sure, wrong)
    told = f"at most {wish.share:g} of errors among the kept"
    for risk, said in ((RISK, _SURE), (0.5, _EVEN)):
        tested = _tested(kept, errors, accepted=wish.share, risk=risk)
        if tested is not None:
            return float(least[tested]), f"{told}, {said.format(n=size)}"
    return float("nan"), f"not found: {told} cannot be reached on {size} calibration cases"


def _steps(sure: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return thresholds (t,) from the surest down, the cases (t,) that each keeps and the errors (t,) among them."""
    if not len(sure):
        return np.empty(0), np.empty(0), np.empty(0)
    cell = np.floor(sure / _STEP + 1e-9).astype(np.int64)
    top = int(cell.max())
    kept, errors = (np.cumsum(np.bincount(top - cell, weights)) for weights in (np.ones(len(cell)), wrong.astype(float)))
    return (top - np.arange(len(kept))) * _STEP, np.rint(kept), np.rint(errors)


def _tested(kept: np.ndarray, errors: np.ndarray, *, accepted: float, risk: float) -> int | None:
    """Return the last threshold of the sequence whose hypothesis is rejected, as are all before it; None where the first is not.

    The sequence begins where so many are kept that half of the accepted error would pass: fewer prove nothing.
    """
    most = kept[-1] if len(kept) else 0  # a tiny error would want more trials than there are cases, and than memory holds
    trials = np.arange(1, int(min(100 / accepted, most)) + 2)
    passing = np.flatnonzero(bdtr(np.ceil(accepted * trials / 2), trials, accepted) <= risk)
    if not len(passing):
        return None
    begin = int(np.searchsorted(kept, int(trials[passing[0]])))
    rejected = bdtr(errors[begin:], kept[begin:].astype(np.int64), accepted) <= risk
    run = int(np.argmin(rejected)) if len(rejected) and not rejected.all() else len(rejected)
    return begin + run - 1 if run else None


def column(sure: np.ndarray, none: np.ndarray, state: State, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return `unsure` (n,): empty where the answer counts, else in a word why not; no column where nobody asked for one.

    `none` (n,) marks cases for which no label reaches its threshold and none is left in its set.
    """
    labels = info["kind"] == "multilabel"
    if "abstain" not in state.arrays or not (labels or state.values["abstain_written"]):
        return {}
    doubtful = ~_kept(sure, float(state.arrays["abstain"][0]))
    return {"unsure": np.where(none, UNKNOWN, np.where(doubtful, DOUBTFUL, "")).astype(object)}


def _kept(sure: np.ndarray, least: float) -> np.ndarray:
    return np.asarray(sure >= least - 1e-6 * _STEP)


def views(state: State, *, info: Mapping[str, Any]) -> tuple[View, ...]:
    """Return what abstaining gives, for the threshold in use and for each accepted error of the ladder."""
    rows = zip(
        state.arrays.get("abstain", ()), state.values.get("abstain_names", ()), state.values.get("abstain_how", ()), strict=True
    )
    return tuple(
        _view(float(least), str(name), str(how), state=state, info=info, used=place == 0)
        for place, (least, name, how) in enumerate(rows)
    )


def _view(least: float, name: str, how: str, *, state: State, info: Mapping[str, Any], used: bool) -> View:
    labels = info["kind"] == "multilabel"

    def columns(statistics: np.ndarray) -> np.ndarray:
        found = of_statistics(statistics, state=state, info=info)
        kept = _kept(found.sure, least)
        if used and labels:
            logits, chosen = (statistics[:, at :: binary.WIDTH] for at in (binary.LOGIT, binary.CHOSEN))
            kept = kept & ~label_sets.none_left(logits, chosen, state, info=info)
        wrong = found.wrong > 0
        parts = (found.judged, found.judged & kept, wrong, wrong & kept)
        return np.stack(parts, axis=1) & (not np.isnan(least))

    def support(statistics: np.ndarray) -> Mapping[str, float]:
        judged, kept, _, _ = columns(statistics).sum(axis=0)
        return {"kept": float(judged), "error_rate": float(kept), "error_left": float(judged - kept)}

    sums = Sums(columns, _from_sums)
    about: dict[str, Any] = {"how": how}
    if info["kind"] != "binary":
        about = {"threshold": float(f"{expit(least):.6g}") if abs(least) <= LARGEST_LOGIT else None, **about}
    elif abs(least) <= LARGEST_LOGIT:
        about["distance"] = round(least, 6)
    mark = (f"selective{'_first' if labels else ''}", "kept", "error_rate") if used else ()
    notes = (_NOTE, _WRONG[info["kind"]])
    return View(PANEL, name, MEASURES, sums.of, support, about, notes=notes, sums=sums, mark=mark)


def _from_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    judged, kept, wrong, among = sums.T
    left = judged - kept
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "kept": kept / judged,
            # of fewer, the rate could tell what became of one of them
            "error_rate": np.where(kept >= _FEWEST, among / kept, np.nan),
            "error_left": np.where(left >= _FEWEST, (wrong - among) / left, np.nan),
        }
