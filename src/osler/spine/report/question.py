"""The question as it was asked: in sentences, on a time line, and how many were left at each step from subjects to cases."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from osler.core.account import Account
from osler.core.duration import MOST
from osler.core.question import Goal, Question, written
from osler.language import Words
from osler.spine.report.consort import draw_flow
from osler.spine.report.data import listed
from osler.spine.report.numerals import count, few
from osler.spine.report.timeline import draw_timeline

MOST_NAMED = 6  # codes in a sentence


@dataclass(frozen=True, slots=True)
class Told:
    """The sentences of the question, its time line as SVG, and, where cases were derived from events, the flow of cases as SVG
    with its sentences."""

    sentences: tuple[str, ...]
    timeline: str
    flow: str
    notes: tuple[str, ...]


def question_told(account: Account, words: Words) -> Told | None:
    """Return what the report tells of the question; None where none was asked."""
    question, flow = account.study.question, account.study.flow
    if question is None:
        return None
    sentences = tuple(_sentences(question, words))
    spans = {name: span(getattr(question, name) or 0, words) for name in ("after", "window", "gap", "horizon", "washout")}
    line = draw_timeline(question, spans, words, title=words.say("list.sentence").join(sentences))
    if flow is None:
        return Told(sentences, line, "", ())
    return Told(sentences, line, draw_flow(question, flow, words), tuple(_notes(account, words)))


def flow_told(account: Account, words: Words) -> str:
    """Return the flow of cases in a sentence, for texts without a figure; nothing where there is none."""
    question, flow = account.study.question, account.study.flow
    if question is None or flow is None:
        return ""
    steps = [words.say(f"question.flow.{name}", n=few(n, math.nan, words)) for name, n in flow.steps]
    lost = [words.say(f"question.lost.{code}", n=few(n, math.nan, words)) for code, n in flow.unknown.items()]
    return words.say("question.flow.told", steps=words.say("list.comma").join([*steps, *lost]))


def span(microseconds: int, words: Words) -> str:
    """Return a span of time as a person says it."""
    if microseconds >= MOST:
        return words.say("span.ever")
    amount, unit = re.fullmatch(r"([\d.]+)([a-z]+)", written(microseconds)).groups()  # type: ignore[union-attr]
    return words.say(f"span.{unit}.one") if amount == "1" else words.say(f"span.{unit}", n=number_text(amount))


def number_text(amount: str) -> str:
    """Return a written number with grouped thousands and no zeros at its end."""
    return count(int(amount)) if "." not in amount else amount.rstrip("0").rstrip(".")


def _sentences(question: Question, words: Words) -> Iterator[str]:
    index, after = question.index, span(question.after, words)
    if index.column is not None:
        yield words.say("question.index.column", column=index.column)
    else:
        key = "step" if index.step else index.which
        yield words.say(f"question.index.{key}", codes=_codes(index.event, words), step=span(index.step, words))
    yield words.say("question.prediction.after", after=after) if question.after else words.say("question.prediction")
    seen = "question.window" if question.window else "question.window.all"
    yield words.say(seen, window=span(question.window or 0, words))
    if question.gap:
        yield words.say("question.gap", gap=span(question.gap, words))
    yield _target(question, words)
    if question.derived:
        yield from _who(question, words)
        yield from _until(question, words)


def _target(question: Question, words: Words) -> str:
    goal = question.target
    start = words.say("question.from.gap" if question.gap else "question.from.prediction")
    known = {"name": goal.name, "codes": _codes(goal.codes, words), "from": start, "horizon": span(question.horizon or 0, words)}
    if goal.column is not None:
        return words.say("question.target.column" if question.horizon is None else "question.target.column.horizon", **known)
    if goal.event:
        return words.say("question.target.event", **known)
    return words.say(f"question.target.{_kind(goal)}", **known, limit=number_of(goal))


def _kind(goal: Goal) -> str:
    return "above" if goal.above is not None else "below" if goal.below is not None else str(goal.take)


def number_of(goal: Goal) -> str:
    """Return the limit of a value, nothing where none is asked for."""
    limit = goal.above if goal.above is not None else goal.below
    return "" if limit is None else f"{limit:g}"


def _who(question: Question, words: Words) -> Iterator[str]:
    eligible = question.eligible
    if eligible.history:
        yield words.say("question.eligible.history", history=span(eligible.history, words))
    if eligible.age is not None:
        low, high = eligible.age
        key = "between" if None not in eligible.age else "least" if high is None else "most"
        yield words.say(f"question.eligible.age.{key}", low=f"{low or 0:g}", high=f"{high or 0:g}")
    for name in ("event", "without"):
        if codes := getattr(eligible, name):
            yield words.say(f"question.eligible.{name}", codes=_codes(codes, words))
    if question.washout:
        yield words.say("question.washout", washout=span(question.washout, words))


def _until(question: Question, words: Words) -> Iterator[str]:
    followup = question.followup
    if followup.event:
        yield words.say("question.followup.event", codes=_codes(followup.event, words))
    elif followup.known:
        yield words.say("question.followup.known", known=span(followup.known, words))
    else:
        yield words.say("question.followup.last")
    if not question.names_death:
        yield words.say(f"question.death.{question.target.death}")


def _codes(codes: Sequence[str], words: Words) -> str:
    return words.say("list.or").join(codes) if len(codes) <= MOST_NAMED else listed(codes, words, most=MOST_NAMED)


def _notes(account: Account, words: Words) -> Iterator[str]:
    question, flow = account.study.question, account.study.flow
    assert question is not None
    assert flow is not None
    if flow.outcome is not None and flow.cases:
        yield words.say(
            "question.note.outcome", name=question.target.name, told=few(flow.outcome, flow.outcome / flow.cases, words)
        )  # fmt: skip
    lost = sum(flow.unknown.values())
    if lost:
        whole = lost + flow.cases
        yield words.say("question.note.unknown", told=few(lost, lost / whole, words))
    if flow.gap:
        yield words.say("question.note.gap", n=few(flow.gap, math.nan, words))
