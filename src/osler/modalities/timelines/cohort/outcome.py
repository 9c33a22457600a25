"""What came after the prediction time: the outcome of each case, or why it is not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.core.question import REASONS, Goal, Question
from osler.modalities.timelines.case import DEATH
from osler.modalities.timelines.cohort.marks import Marks, flags, marked, timed
from osler.modalities.timelines.read.store import Store

KNOWN = -1
CENSORED, DIED, UNMEASURED = range(len(REASONS))
DEATHS = (DEATH, f"{DEATH}//*")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of n cases: `values` (n,) float64, 1 and 0 where an event is asked for, NaN where unknown; `why` (n,) int8, the place in
    REASONS of what makes it unknown, KNOWN where nothing does; `gap` (n,) bool, whether a target event lies in the gap."""

    values: np.ndarray
    why: np.ndarray
    gap: np.ndarray


def last_seen(store: Store) -> np.ndarray:
    """Return (s,) the time of each subject's last event."""
    return np.asarray(store.times[store.offsets[1:] - 1])


def deaths(store: Store) -> np.ndarray:
    """Return (s,) when each subject died, NEVER where that is not known."""
    return marked(store, flags(store.names, DEATHS)).first()


def targets(store: Store, goal: Goal) -> Marks:
    """Return the events that are the outcome where they come in time; of values those beyond the limit, or all that are known."""
    found = marked(store, flags(store.names, goal.codes))
    if not goal.value:
        return timed(found)
    known = ~np.isnan(found.values)
    if goal.above is not None:
        known &= found.values > goal.above
    if goal.below is not None:
        known &= found.values < goal.below
    return found.where(known)


def outcomes(store: Store, question: Question, *, who: np.ndarray, index: np.ndarray) -> Outcomes:
    """Return the outcome of cases: subjects at places `who` (n,) with their index times at `index` (n,)."""
    goal = question.target
    sought = targets(store, goal)
    prediction = index + question.after
    start = prediction + question.gap
    end = start + (question.horizon or 0)
    seen = _seen(store, question, who=who, index=index, prediction=prediction)
    death = deaths(store)[who]
    stop = np.minimum(end, seen)
    low, high = sought.ranges(who, start, stop)
    there = low < high
    # a death that is seen ends what can be observed; one in the gap leaves nothing to observe, whatever death is taken to mean
    died = (death < end) & (death <= seen)
    known = there if goal.take in (None, "first") else np.zeros(len(who), bool)
    unknown = ~known
    why = np.full(len(who), KNOWN, np.int8)
    why[unknown & (seen < end)] = CENSORED
    why[unknown & died & ((goal.death == "censored") | (death <= start))] = DIED
    if goal.death == "no":
        why[unknown & died & (death > start)] = KNOWN
    if goal.value:
        measured = there if goal.take else _measured(store, goal, who, (start, stop))
        why[unknown & ~died & ~measured & (why == KNOWN)] = UNMEASURED
    values = there.astype(np.float64) if goal.take is None else _taken(sought, goal, low, high)
    values[why != KNOWN] = np.nan
    return Outcomes(values, why, sought.within(who, prediction, start))


def _seen(store: Store, question: Question, *, who: np.ndarray, index: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return (n,) until when each case's subject is seen."""
    last = last_seen(store)[who]
    followup = question.followup
    if followup.known:
        return np.maximum(last, index + followup.known)
    if not followup.event:
        return last
    return np.minimum(last, timed(marked(store, flags(store.names, followup.event))).following(who, prediction))


def _measured(store: Store, goal: Goal, who: np.ndarray, span: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    every = Goal(goal.name, value=goal.value)
    return targets(store, every).within(who, *span)


def _taken(sought: Marks, goal: Goal, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return (n,) the value of each range of marks that is asked for, NaN where it is empty."""
    found = np.full(len(low), np.nan)
    there = low < high
    first, last = low[there], high[there]
    if goal.take in ("first", "last"):
        found[there] = sought.values[first if goal.take == "first" else last - 1]
        return found
    # reduceat takes pairs (from, to) in any order; a last 0 lets "to" be the end
    values = np.append(sought.values.astype(np.float64), 0.0)
    pairs = np.stack([first, last], axis=1).ravel()
    if len(pairs):
        reduce = {"max": np.maximum, "min": np.minimum, "mean": np.add}[str(goal.take)].reduceat
        found[there] = reduce(values, pairs)[::2] / ((last - first) if goal.take == "mean" else 1)
    return found
