"""The first lines: what was asked, the answer with its numbers, and what a reader must know before quoting it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from osler.core.account import Account
from osler.core.leak import Leak
from osler.core.scores import Value, Verdict
from osler.language import Words
from osler.spine.report.data import (
    UNGROUPED,
    cases,
    classes_of,
    listed,
    marked_labels,
    only_class,
    rarest,
    refused,
    shifted,
    test_cases,
    ungrouped,
)
from osler.spine.report.drift import sentence
from osler.spine.report.numerals import FEWEST, alone, closed, columns, count, has_interval, interval, share
from osler.spine.report.table import PARTS, hint, label, lower_is_better, primary

TRACKS = "tracks"  # the task whose target has a value for each letter
SMALL_TEST = 100  # fewer cases, or cases of the rarer class, give intervals too wide to choose by (Collins 2016, Vergouwe 2005)
FEW_GROUPS = 50  # below, resampled groups say little about other groups
MANY_REFUSED = 0.05
MOST_SENTENCES = 5
HOLDS = "Intervals are 95% and hold for this trained model"
SAID = re.compile(r"Input '.*' is made of .* and read as|Target '.*' holds (classes|many)")  # in the headings already
ROUTINE = (
    "Intervals ",
    "No group column",
    "With ",
    "The network and its comp",
    "The baseline and its comp",
)  # notes on how intervals were made stand below the scores


@dataclass(frozen=True, slots=True)
class Answer:
    """`asked` and `found` are sentences, `verdict` two; the rest is the primary measure in large type."""

    title: str
    asked: str
    found: str
    measure: str
    hint: str
    value: str
    interval: str
    predicts: str
    verdict: tuple[str, str]
    forest: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Warn:
    """A box of the first screen: how grave, a title, sentences."""

    level: Literal["stop", "warn", "note"]
    title: str
    sentences: tuple[str, ...]


def answer(account: Account, words: Words) -> Answer:
    """Return the first lines."""
    name = primary(account)
    value = account.scores.test[name] if name else None
    told = value is not None and math.isfinite(value.value)
    return Answer(
        title=title(account, words),
        asked=asked(account, words),
        found=found(account, words),
        measure=label(name, words) if name and told else "",
        hint=hint(name, words) if name and told else "",
        value=alone(value) if value and told else "",
        interval=interval(value, words) if value and told else "",
        predicts=predicts(account, words),
        verdict=verdict(account, words),
        forest=_forest(account, words) if name else None,
    )


def title(account: Account, words: Words) -> str:
    """Return the study's title, or one made of its targets."""
    if labels := marked_labels(account):
        return account.study.title or words.say("answer.title.marks", labels=listed(labels, words, most=3))
    targets = listed(account.study.targets, words, most=3)
    key = "answer.title.track" if account.study.task == TRACKS else "answer.title"
    return account.study.title or words.say(key, targets=targets)


def asked(account: Account, words: Words) -> str:
    """Return what was asked in a sentence."""
    study = account.study
    total = sum(len(i.columns) for i in study.inputs)
    modalities = listed(
        list(dict.fromkeys(words[f"modality.{i.modality}"].removeprefix("modality.") for i in study.inputs)), words
    )
    targets = listed(study.targets, words, most=3)
    classes = classes_of(account)
    known = {"targets": targets, "columns": columns(total, words), "modalities": modalities}
    if labels := marked_labels(account):
        return words.say("answer.asked.marks", **known, labels=listed(labels, words))
    if study.task != "classification":
        return words.say("answer.asked.track" if study.task == TRACKS else "answer.asked.number", **known)
    if not 2 <= len(classes) <= 6:
        return (
            words.say("answer.asked.many", **known, n=count(len(classes)))
            if classes
            else words.say("answer.asked.number", **known)
        )
    return words.say("answer.asked.classes", **known, classes=either(classes, words))


def either(names: list[str], words: Words) -> str:
    """Return `a, b or c`."""
    return words.say("list.or").join([*([words.say("list.comma").join(names[:-1])] if len(names) > 1 else []), names[-1]])


def found(account: Account, words: Words) -> str:
    """Return the answer in a sentence with its numbers."""
    name = primary(account)
    n = count(test_cases(account))
    if name is None:
        why = account.scores.origin.get("withheld")
        return words[why] if why else words.say("answer.none", n=n)
    value = account.scores.test[name]
    if not math.isfinite(value.value):
        return words.say("answer.no_value", n=n, measure=label(name, words), why=_lacking(account, value, words))
    told = _within(value, words)
    return words.say(by_origin("answer.found", account, words), n=n, measure=label(name, words), value=told)


def _lacking(account: Account, value: Value, words: Words) -> str:
    """Return why a measure has no value."""
    if only := only_class(account):
        return words.say("answer.one_class", target=account.study.targets[0], name=only)
    return closed(words[value.note], words) if value.note else ""


def by_origin(key: str, account: Account, words: Words) -> str:
    """Return the key of the sentence for where the scores come from (folds, sites, recalibrated), else the plain `key`."""
    own = f"{key}.{account.scores.origin.get('kind', '')}"
    if key == "answer.found" and own not in words and account.study.leaks == "allow" and _grave(account):
        return "answer.found.leaked"
    return own if own in words else key


def _grave(account: Account) -> bool:
    return any(leak.severity == "stop" and leak.column is None for leak in account.leaks)


def predicts(account: Account, words: Words) -> str:
    """Return what the bundle predicts with. Scores that are equal in every measure come from the same model."""
    scores = account.scores
    if scores.origin.get("refit"):
        return ""  # the scores are of other trainings than the one that predicts
    for part in ("network", "baseline"):
        values = getattr(scores, part)
        if values and scores.test and all(_same(values.get(name), value) for name, value in scores.test.items()):
            return words.say(f"answer.predicts.{part}")
    return words.say("answer.predicts.blend") if scores.network and scores.baseline else ""


def verdict(account: Account, words: Words) -> tuple[str, str]:
    """Return the comparison of network and baseline: a sentence in words, and one with its numbers."""
    told = account.scores.verdict
    if told is None:
        return words.say("verdict.none"), ""
    name = label(told.measure, words)
    if not math.isfinite(told.difference.value):
        return words.say("verdict.no_value", measure=name), ""
    if not has_interval(told.difference):
        return words.say("verdict.unknown"), words.say("verdict.unknown.detail", measure=name, difference=alone(told.difference))
    if told.word == "no difference shown":
        detail = words.say("verdict.equal.detail", measure=name, difference=_within(told.difference, words))
        return words.say("verdict.equal"), detail
    if told.word in ("better", "worse"):
        key = f"verdict.{told.word}.{_direction(told)}.detail"
        return words.say(f"verdict.{told.word}"), words.say(key, measure=name, difference=_size(told, words))
    return told.sentence, ""


def warnings(account: Account, words: Words) -> tuple[Warn, ...]:
    """Return what must be known before a number is quoted, gravest first."""
    return (*leaks_told(account, words), *_cautions(account, words), *_notes(account, words))


def routine_notes(account: Account, words: Words) -> tuple[str, ...]:
    """Return the notes on how the intervals were made."""
    return tuple(words[n] for n in account.scores.notes if n.startswith(ROUTINE))


def leaks_told(account: Account, words: Words) -> Iterator[Warn]:
    """Return what was found of leaks, and what was done about it."""
    for of_columns, tail in ((False, ""), (True, ".column")):
        own = [leak for leak in account.leaks if (leak.column is not None) == of_columns]
        grave = [words[leak.sentence] for leak in own if leak.severity == "stop"]
        light = [leak for leak in own if leak.severity == "warn"]
        if grave and account.study.leaks == "drop":
            yield Warn("warn", words.say(f"warn.dropped{tail}"), _first(grave, words))
        elif grave:
            yield Warn("stop", words.say(f"warn.allowed{tail}"), _first(grave, words))
        for kind in ("", ".validation", ".giveaway") if not of_columns else (tail,):
            told = [words[leak.sentence] for leak in light if of_columns or _side(leak) == kind]
            if told:
                yield Warn("warn", words.say(f"warn.leaks{kind}"), _first(told, words))


def _side(leak: Leak) -> str:
    """Return whether a finding touches the test, only the validation part, or no case more than another."""
    return "" if len(leak.test_rows) else ".validation" if len(leak.rows) else ".giveaway"


def _cautions(account: Account, words: Words) -> Iterator[Warn]:
    groups = account.scores.counts.get("groups")
    name, away = primary(account), refused(account)
    if (why := account.scores.origin.get("withheld")) is not None:
        yield Warn("warn", words[why], (words.say("warn.withheld.why"),))
        return
    yield from _small(account, words)
    if account.drift is None and (moved := shifted(account)) is not None:
        level, before, now = moved
        title = words.say("warn.prevalence", name=level, now=share(now), before=share(before))
        yield Warn("warn", title, (words.say("warn.prevalence.why"),))
    if ungrouped(account):
        yield Warn("warn", words.say("warn.group"), (words.say("warn.group.why"),))
    if groups is not None and account.study.roles.group and groups < FEW_GROUPS:
        yield Warn("warn", words.say("warn.groups", n=count(groups)), (words.say("warn.groups.why"),))
    if name and not has_interval(value := account.scores.test[name]):
        what = "interval" if math.isfinite(value.value) else "value"
        why = words.say("warn.why", why=words[value.note]) if what == "interval" and value.note else ""
        why = why or _lacking(account, value, words)
        yield Warn("warn", words.say(f"warn.{what}", measure=label(name, words)), (why,) if why else ())
    if account.drift is not None and account.drift.grave:
        yield Warn("warn", words.say("warn.drift"), _first([sentence(s, words) for s in account.drift.grave], words))
    if away > MANY_REFUSED * (away + cases(account)):
        part = share(away / (away + cases(account)))
        yield Warn("warn", words.say("warn.refused", n=count(away), share=part), (words.say("warn.refused.why"),))


def _small(account: Account, words: Words) -> Iterator[Warn]:
    """Tell of few cases, or of few with the rarer class: what is measured rests on these."""
    tested, few = test_cases(account), rarest(account)
    if few is not None and 0 < few[1] < SMALL_TEST:
        title = words.say("warn.small.events", n=events(few[1]), name=few[0], all=count(few[2]))
        yield Warn("warn", title, (words.say("warn.small.why"), words.say("warn.small.events.why", n=SMALL_TEST)))
    elif tested < SMALL_TEST:
        yield Warn("warn", words.say("warn.small", n=count(tested)), (words.say("warn.small.why"),))


def events(cases: int) -> str:
    """Return a number of cases; fewer than five are not counted out."""
    return count(cases) if cases >= FEWEST else f"<{FEWEST}"


def _notes(account: Account, words: Words) -> Iterator[Warn]:
    own = [n for n in account.scores.notes if not n.startswith(ROUTINE)]
    asked_for = [n for n in account.study.notes if not n.startswith(UNGROUPED) and not SAID.match(n)]
    notes = [words[n] for n in dict.fromkeys((*own, *asked_for))]
    if notes:
        yield Warn("note", words.say("warn.notes"), tuple(notes))


def _first(sentences: list[str], words: Words) -> tuple[str, ...]:
    more = len(sentences) - MOST_SENTENCES
    return (*sentences[:MOST_SENTENCES], *([words.say("warn.more", n=more)] if more > 0 else []))


def _within(value: Value, words: Words) -> str:
    if not has_interval(value):
        return alone(value)
    return words.say("interval.said", value=alone(value), interval=interval(value, words))


def _direction(told: Verdict) -> str:
    return "lower" if lower_is_better(told.measure) else "higher"


def _size(told: Verdict, words: Words) -> str:
    """The difference without its sign, which the sentence says in words; its interval is turned with it."""
    value = told.difference
    if value.value >= 0 or not has_interval(value):
        return _within(Value(abs(value.value), value.low, value.high), words)
    return _within(Value(-value.value, -float(value.high or 0), -float(value.low or 0)), words)


def _same(one: Value | None, other: Value) -> bool:
    if one is None:
        return False
    return one.value == other.value or (math.isnan(one.value) and math.isnan(other.value))


def _forest(account: Account, words: Words) -> dict[str, Any] | None:
    """The primary measure of each part as points with whiskers."""
    name = primary(account) or ""
    rows = [(words.say(f"part.{p}"), v) for p in PARTS if (v := getattr(account.scores, p).get(name)) and math.isfinite(v.value)]
    if len(rows) < 2:
        return None
    names, values = zip(*rows, strict=True)
    ends = {"low": [v.low for v in values], "high": [v.high for v in values]}
    series = {"label": label(name, words), "x": names, "y": [v.value for v in values], **ends, "style": "points"}
    return {"name": "primary", "title": label(name, words), "series": [series]}
