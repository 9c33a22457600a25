"""From events to cases: who is asked of, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.core.errors import StudyError
from osler.core.question import REASONS, Eligible, Flow, Question
from osler.modalities.timelines.case import ALWAYS, BIRTH
from osler.modalities.timelines.cohort.marks import NEVER, Marks, flags, marked, timed
from osler.modalities.timelines.cohort.outcome import KNOWN, Outcomes, deaths, last_seen, outcomes, targets
from osler.modalities.timelines.read.store import Store

MOST = 20_000_000  # cases: about 3 GB while they are made


@dataclass(frozen=True, slots=True)
class Derived:
    """Cases by subject and time: `who` (n,) places of subjects in the store, `index` and `prediction` (n,) microseconds; `found`
    their outcomes where they were asked for."""

    who: np.ndarray
    index: np.ndarray
    prediction: np.ndarray
    found: Outcomes | None
    flow: Flow


def derive(store: Store, question: Question, *, outcome: bool) -> Derived:
    """Return the cases that `question` makes of `store`, with what came after where `outcome` is asked for.

    Raises StudyError where a step would make more than MOST cases.
    """
    who, index = moments(store, question)
    steps = [("subjects", len(store.subjects)), ("index", len(who))]
    for name, kept in (("seen", _seen), ("eligible", _eligible), ("washout", _washed)):
        chosen = np.flatnonzero(kept(store, question, who, index))
        who, index = who[chosen], index[chosen]
        steps.append((name, len(who)))
    prediction = index + question.after
    if not outcome:
        return Derived(who, index, prediction, None, Flow(tuple(steps)))
    found = outcomes(store, question, who=who, index=index)
    unknown = {code: int((found.why == place).sum()) for place, code in enumerate(REASONS)}
    steps.append(("followed", int((found.why == KNOWN).sum())))
    having = None if question.target.take else int(np.nansum(found.values))
    flow = Flow(tuple(steps), {code: n for code, n in unknown.items() if n}, having, int(found.gap.sum()))
    return Derived(who, index, prediction, found, flow)


def moments(store: Store, question: Question) -> tuple[np.ndarray, np.ndarray]:
    """Return the subjects (n,) and the times (n,) of the moments that may be asked of."""
    asked = question.index
    events = timed(marked(store, flags(store.names, asked.event)))
    owners = events.owners()
    if asked.which != "every":
        places = events.starts[:-1] if asked.which == "first" else events.starts[1:] - 1
        there = np.flatnonzero(np.diff(events.starts))
        return there, events.times[places[there]]
    if not asked.step:
        return owners, events.times
    return _repeated(store, question, events, owners)


def _repeated(store: Store, question: Question, events: Marks, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the index events and, every step after each, further moments: until the next index event, and while the subject is
    seen."""
    step = question.index.step
    following = np.full(len(owners), NEVER)
    following[:-1] = np.where(owners[1:] == owners[:-1], events.times[1:], NEVER)
    stop = np.minimum(last_seen(store)[owners], deaths(store)[owners])
    if question.followup.event:
        ends = timed(marked(store, flags(store.names, question.followup.event)))
        stop = np.minimum(stop, ends.following(owners, events.times))
    stop = np.minimum(stop, following)
    counts = np.maximum(1, -(-(stop - events.times) // step))  # moments in [event, stop)
    if counts.sum() > MOST:
        raise StudyError(
            f"question: which: a case so often makes {counts.sum():,} cases; at most {MOST:,} can be. Ask less often"
        )
    turn = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(owners, counts), np.repeat(events.times, counts) + turn * step


def _seen(store: Store, question: Question, who: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Whether the subject is alive and, where an event ends its follow-up, still followed at the prediction time."""
    prediction = index + question.after
    here = deaths(store)[who] > prediction
    if question.followup.event:
        ends = timed(marked(store, flags(store.names, question.followup.event)))
        here &= ends.following(who, index) > prediction
    return here


def _eligible(store: Store, question: Question, who: np.ndarray, index: np.ndarray) -> np.ndarray:
    asked = question.eligible
    prediction = index + question.after
    kept = np.ones(len(who), bool)
    if asked.history:
        kept &= _begins(store)[who] <= prediction - asked.history
    if asked.age is not None:
        kept &= _of_age(store, asked, who, prediction)
    for codes, wanted in ((asked.event, True), (asked.without, False)):
        if codes:
            kept &= marked(store, flags(store.names, codes)).until(who, prediction) == wanted
    return kept


def _begins(store: Store) -> np.ndarray:
    """Return (s,) the time of each subject's first event that has a time and is no birth, NEVER where there is none."""
    birth = flags(store.names, (BIRTH,))
    place, stop = store.offsets[:-1].copy(), store.offsets[1:]
    look = np.flatnonzero(place < stop)
    while look.size:  # as often as a subject has events at its head that tell of no contact: a few times
        passed = (store.times[place[look]] == ALWAYS) | birth[store.codes[place[look]]]
        place[look[passed]] += 1
        look = look[passed & (place[look] < stop[look])]
    found = np.full(len(place), NEVER)
    there = place < stop
    found[there] = store.times[place[there]]
    return found


def _of_age(store: Store, asked: Eligible, who: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    born = timed(marked(store, flags(store.names, (BIRTH,)))).first()[who]
    years = np.where(born < NEVER, _completed(np.minimum(born, prediction), prediction), -1)
    least, most = asked.age or (None, None)
    return (born < NEVER) & (years >= (0 if least is None else least)) & (years <= (np.inf if most is None else most))


def _completed(born: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Return the years (n,) of life completed by the calendar: one more on each birthday, at the hour of birth."""
    parts = []
    for moment in (born, when):
        stamp = moment.astype("datetime64[us]")
        month = stamp.astype("datetime64[M]")
        parts.append((month.astype(np.int64), (stamp - month).astype(np.int64)))
    (first, early), (last, late) = parts
    return np.asarray((last - first - (late < early)) // 12)


def _washed(store: Store, question: Question, who: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Whether no target event lies in [prediction - washout, prediction]."""
    if not question.washout:
        return np.ones(len(who), bool)
    prediction = index + question.after
    return ~targets(store, question.target).within(who, prediction - question.washout - 1, prediction)
