"""The key `question` of a study, parsed with all its faults."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from osler.core.duration import MOST, duration
from osler.core.errors import StudyError, did_you_mean
from osler.core.question import TAKEN, Eligible, FollowUp, Goal, Moment, Question

KEYS = ("index", "which", "after", "window", "gap", "horizon", "target", "eligible", "washout", "followup", "death")
EVER = "ever"
LAST_EVENT = "last event"
NO_WINDOW = "window: nothing can be seen in a window of 0; leave it out to look at all that came before"
_EVERY = re.compile(r"every\s+(.+)")
_TAKES = ("first", "last", "max", "min", "mean")
_NAME = re.compile(r"[^\W\d][\w.-]{0,63}")


def parsed(raw: Any) -> Question:
    """Return the question that the plain value `raw` asks; raises StudyError with all its faults."""
    reader = _Reader()
    if not reader.keys(raw, "question", KEYS):
        raise StudyError(reader.faults)
    spans = {name: reader.span(raw.get(name), name) for name in ("after", "window", "gap", "horizon")}
    washout = MOST if raw.get("washout") == EVER else reader.span(raw.get("washout"), "washout")
    question = Question(
        index=reader.index(raw.get("index"), raw.get("which")),
        target=reader.target(raw.get("target"), raw.get("death")),
        after=spans["after"] or 0, window=spans["window"], gap=spans["gap"] or 0, horizon=spans["horizon"],
        eligible=reader.eligible(raw.get("eligible")), washout=washout or 0, followup=reader.followup(raw.get("followup")),
    )  # fmt: skip
    faults = [*reader.faults, *(() if reader.faults else _contradictions(question, raw))]
    if faults:
        raise StudyError(faults)
    return question


class _Reader:
    """Reads the parts of a question; what is wrong with them is gathered in `faults`."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def fault(self, sentence: str) -> None:
        self.faults.append(sentence)

    def keys(self, raw: Any, what: str, known: Iterable[str]) -> bool:
        """Return whether `raw` holds keys; says each that is not `known`."""
        if not isinstance(raw, dict):
            self.fault(f"{what}: wanted keys and values ({', '.join(known)}); it is {_kind(raw)}")
            return False
        for key in raw:
            if key not in known:
                self.fault(f"{what}: no key '{key}'{did_you_mean(str(key), known)}")
        return True

    def span(self, raw: Any, what: str) -> int | None:
        """Return microseconds, None where nothing is said; plain 0 needs no unit."""
        if raw is None or (isinstance(raw, int) and not isinstance(raw, bool) and raw == 0):
            return raw
        try:
            return duration(raw, of=f"question: {what}")
        except StudyError as error:
            self.faults.extend(error.faults)
            return None

    def codes(self, raw: Any, what: str) -> tuple[str, ...]:
        """Return one or several patterns of codes."""
        listed = [raw] if isinstance(raw, str) else raw
        good = isinstance(listed, list) and listed and all(isinstance(one, str) and one.strip() for one in listed)
        if not good:
            self.fault(f"question: {what}: wanted a code or a list of codes (* and ? stand for any letters); it is {_kind(raw)}")
            return ()
        return tuple(one.strip() for one in listed)

    def text(self, raw: Any, what: str) -> str | None:
        if isinstance(raw, str) and raw.strip():
            return raw
        self.fault(f"question: {what}: wanted the name of a column; it is {_kind(raw)}")
        return None

    def index(self, raw: Any, which: Any) -> Moment:
        """Return the index time, and which of several make cases."""
        if raw is None:
            self.fault("question: 'index' is missing: the event ('event:') or the column ('column:') with the index time")
            return Moment()
        if not self.keys(raw, "question: index", ("event", "column")) or not self._one_of(raw, "index", ("event", "column")):
            return Moment()
        if "column" in raw:
            if which is not None:
                self.fault("question: which: a column holds one time per case already; 'which' goes with an event")
            return Moment(column=self.text(raw["column"], "index: column"))
        every = _EVERY.fullmatch(which) if isinstance(which, str) else None
        if every:
            step = self.span(every[1], "which: every") or 0
            if not step:
                self.fault("question: which: wanted a span above 0, such as 'every 24h'")
            return Moment(self.codes(raw["event"], "index: event"), which="every", step=step)
        if which not in (None, "first", "last", "every"):
            self.fault(f"question: which: there is first, last, every, and 'every 24h'; what came is {_kind(which)}")
            which = None
        return Moment(self.codes(raw["event"], "index: event"), which=which or "first")

    def target(self, raw: Any, death: Any) -> Goal:
        """Return what is predicted."""
        known = ("event", "value", "column", "name", "above", "below", "take")
        if raw is None:
            self.fault("question: 'target' is missing: an 'event:', a 'value:' or a 'column:'")
            return Goal("")
        if not self.keys(raw, "question: target", known) or not self._one_of(raw, "target", ("event", "value", "column")):
            return Goal("")
        if "column" in raw:
            self._alone(raw, "column", ("name", "above", "below", "take"))
            column = self.text(raw["column"], "target: column") or ""
            return Goal(column, column=column)
        name = self._name(raw.get("name"))
        means = {None: "censored", "censored": "censored", "no": "no", False: "no"}  # YAML reads a bare no as false
        if isinstance(death, (dict, list)) or death not in means:
            self.fault("question: death: there is 'censored' (not known) and 'no' (a death before the horizon is no outcome)")
            death = None
        if "event" in raw:
            self._alone(raw, "event", ("above", "below", "take"))
            return Goal(name, self.codes(raw["event"], "target: event"), death="no" if means[death] == "no" else "censored")
        return self._value(raw, name, death="no" if means[death] == "no" else "censored")

    def _value(self, raw: Mapping[str, Any], name: str, *, death: Any) -> Goal:
        said = [key for key in ("above", "below", "take") if key in raw]
        if len(said) != 1:
            self.fault("question: target: a value needs one of 'above', 'below' (a limit) and 'take' (which value is predicted)")
        above, below = (self.number(raw[key], f"target: {key}") if key in raw else None for key in ("above", "below"))
        take = raw.get("take")
        if "take" in raw and take not in _TAKES:
            self.fault(f"question: target: take: there is {', '.join(_TAKES)}; what came is none of these")
            take = None
        return Goal(name, value=self.codes(raw["value"], "target: value"), above=above, below=below, take=take, death=death)

    def number(self, raw: Any, what: str) -> float | None:
        if isinstance(raw, (int, float)) and not isinstance(raw, bool) and math.isfinite(raw):
            return float(raw)
        self.fault(f"question: {what}: wanted a number; it is {_kind(raw)}")
        return None

    def eligible(self, raw: Any) -> Eligible:
        """Return who is asked of."""
        if raw is None or not self.keys(raw, "question: eligible", ("history", "age", "event", "without")):
            return Eligible()
        codes = {key: self.codes(raw[key], f"eligible: {key}") for key in ("event", "without") if raw.get(key) is not None}
        return Eligible(self.span(raw.get("history"), "eligible: history") or 0, self._age(raw.get("age")), **codes)

    def _age(self, raw: Any) -> tuple[float | None, float | None] | None:
        if raw is None:
            return None
        if not isinstance(raw, list) or len(raw) != 2 or raw == [None, None]:
            self.fault("question: eligible: age: wanted the least and the largest age in years, such as [18, 120] or [18, null]")
            return None
        low, high = (None if one is None else self.number(one, "eligible: age") for one in raw)
        if low is not None and high is not None and low > high:
            self.fault(f"question: eligible: age: nobody is at least {low:g} and at most {high:g} years old")
        return low, high

    def followup(self, raw: Any) -> FollowUp:
        """Return until when a subject is seen."""
        if raw is None or raw == LAST_EVENT:
            return FollowUp()
        if isinstance(raw, dict):
            if self.keys(raw, "question: followup", ("event",)) and "event" in raw:
                return FollowUp(self.codes(raw["event"], "followup: event"))
            self.fault("question: followup: wanted 'event:' with the codes that end it")
            return FollowUp()
        known = self.span(raw, "followup") if isinstance(raw, str) else 0
        if known == 0:
            self.fault(f"question: followup: there is '{LAST_EVENT}', 'event:' with codes, and a span above 0 after the index")
        return FollowUp(known=known or 0)

    def _name(self, raw: Any) -> str:
        if raw is None:
            self.fault("question: target: 'name' is missing: what the outcome is called, such as heart_failure")
        elif not isinstance(raw, str) or not _NAME.fullmatch(raw):
            self.fault("question: target: name: wanted letters, digits, '_', '-' and '.', beginning with a letter")
        elif raw in TAKEN:
            self.fault(f"question: target: name: '{raw}' is the name of a column of the cases; choose another")
        else:
            return raw
        return ""

    def _one_of(self, raw: Mapping[str, Any], what: str, known: tuple[str, ...]) -> bool:
        said = [key for key in known if key in raw]
        if len(said) != 1:
            self.fault(f"question: {what}: wanted one of {', '.join(known)}; it has {' and '.join(said) or 'none of them'}")
        return len(said) == 1

    def _alone(self, raw: Mapping[str, Any], key: str, others: tuple[str, ...]) -> None:
        for other in others:
            if other in raw:
                self.fault(f"question: target: '{other}' goes with a value, not with '{key}'")


def _contradictions(question: Question, raw: Mapping[str, Any]) -> list[str]:
    """Return a fault for what is well said and cannot be meant together."""
    if not question.derived:
        return list(_of_columns(question, raw))
    end = question.after + question.gap + (question.horizon or 0)
    value = question.target.take is not None
    checks = {
        "index: a target from events needs its index from events too ('event:'); or give the target as a column of the same table":
            question.index.column is not None,
        "'horizon' is missing: until when after the prediction the outcome counts, such as '30d'": question.horizon is None,
        "horizon: nothing can come in a horizon of 0": question.horizon == 0,
        NO_WINDOW: question.window == 0,
        "followup: it ends before the horizon does, so that nobody's outcome would be known": 0 < question.followup.known < end,
        "washout: it is for an outcome that happens, not for a value that is always there": value and question.washout > 0,
        "death: death is the outcome itself; leave 'death' out": question.target.death == "no" and question.names_death,
        "death: the value of one who died is not known; leave 'death' out": question.target.death == "no" and value,
    }  # fmt: skip
    return [f"question: {sentence}" for sentence, wrong in checks.items() if wrong]


def _of_columns(question: Question, raw: Mapping[str, Any]) -> Iterable[str]:
    if question.index.column is None and question.index.event:
        yield "question: target: an index event with a target column: a column is told of each row, not of each event; give index"
        " as a column too, or the target as an event"
    for key in ("eligible", "washout", "followup", "death"):
        if raw.get(key) is not None:
            yield f"question: {key}: with a target column the table's rows are the cases; choose them in the table"
    if question.window == 0:
        yield f"question: {NO_WINDOW}"


def _kind(raw: Any) -> str:
    """Return what came, without a value that is not the study's own word."""
    if raw is None:
        return "nothing"
    return f"'{raw}'" if isinstance(raw, str) and len(raw) <= 40 else f"a {type(raw).__name__}"
