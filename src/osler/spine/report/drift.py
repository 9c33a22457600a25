"""How new cases differ from the training cases, as sentences and a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osler.core.drift import Drift, OutcomeShift, Shift
from osler.language import Words
from osler.spine.report.numerals import NONE, count, number, share

MOST_LINES = 200  # columns in the table
MOST_SENTENCES = 20
MOST_NAMED = 3  # columns in the one line of a terminal


@dataclass(frozen=True, slots=True)
class DriftLine:
    """One column of the table: figures of training and new cases side by side."""

    name: str
    marked: bool
    typical: tuple[str, str]
    difference: str
    missing: tuple[str, str]
    strange: tuple[str, str]


@dataclass(frozen=True, slots=True)
class DriftTold:
    """What the section shows: how much differs, the outcome, sentences on findings, one line per column."""

    summary: str
    outcome: tuple[str, ...]
    sentences: tuple[str, ...]
    lines: tuple[DriftLine, ...]
    columns: int
    pictures: bool = False


def drift_told(drift: Drift | None, words: Words) -> DriftTold | None:
    """Return the content of the section, None where there is no drift to tell."""
    if drift is None or not (drift.columns or drift.outcome):
        return None
    found = drift.found
    sentences = [sentence(s, words) for s in found[:MOST_SENTENCES]]
    if len(found) > MOST_SENTENCES:
        sentences.append(words.say("warn.more", n=count(len(found) - MOST_SENTENCES)))
    rest = [s for shifts in drift.inputs.values() for s in shifts if not s.finding]
    lines = tuple(_line(s, words) for s in (*found, *rest)[:MOST_LINES])
    return DriftTold(
        _summary(drift, words),
        tuple(_outcome(o, words) for o in drift.outcome),
        tuple(sentences),
        lines,
        drift.columns,
        _pictures(drift),
    )


def drift_line(drift: Drift, words: Words) -> str:
    """Return one line for a terminal."""
    parts = [_summary(drift, words)]
    parts += [sentence(s, words) for s in drift.found[:MOST_NAMED]]
    parts += [_outcome(o, words) for o in drift.outcome[:1]]
    return words.say("drift.line", told=words.say("list.sentence").join(parts))


def sentence(shift: Shift, words: Words) -> str:
    """Return the finding on one column as a sentence."""
    detail = shift.detail or {}
    known = {"column": words[shift.column], "times": detail.get("times", ""), "unit": words[detail.get("unit", "")]}
    told = {f"{k}_now": _figure(k, v) for k, v in shift.now.items()} | {
        f"{k}_before": _figure(k, v) for k, v in shift.before.items()
    }
    told |= {"difference": number(shift.difference, decimals=1), "distance": share(shift.distance)}
    return words.say(f"drift.{_key(shift)}", **known, **told)


def _key(shift: Shift) -> str:
    if shift.finding == "unit":
        detail = shift.detail or {}
        return "unit.pair" if not detail.get("times") else "unit.named" if detail.get("unit") else "unit"
    return "unknown" if shift.finding == "outside" and shift.kind == "category" else shift.finding


def _figure(name: str, value: float | None) -> str:
    return number(value) if name in {"mean", "sd"} else share(value)


def _summary(drift: Drift, words: Words) -> str:
    key = "drift.summary.pictures" if _pictures(drift) else "drift.summary"
    return words.say(key, n=count(len(drift.found)), columns=count(drift.columns), cases=count(drift.cases))


def _pictures(drift: Drift) -> bool:
    """Return whether all that was compared are measures of pictures rather than columns."""
    return all(s.column.startswith("picture ") for shifts in drift.inputs.values() for s in shifts) and drift.columns > 0


def _outcome(shift: OutcomeShift, words: Words) -> str:
    show = share if shift.label else number
    ends = words.say("interval.ends", low=show(shift.low), high=show(shift.high))
    name = f"{shift.outcome} = {shift.label}" if shift.label else shift.outcome
    key = "same" if not shift.clear else "changed" if shift.label else "moved"
    kind = words.say("drift.outcome.share" if shift.label else "drift.outcome.mean", name=name)
    return words.say(f"drift.outcome.{key}", what=kind, now=show(shift.now), before=show(shift.before), interval=ends)


def _line(shift: Shift, words: Words) -> DriftLine:
    strange = "unknown" if shift.kind == "category" else "outside"
    size = shift.distance if shift.kind == "category" else shift.difference
    shown = (share(size) if shift.kind == "category" else number(size, decimals=2)) if size is not None else NONE
    return DriftLine(
        words[shift.column], bool(shift.finding), _pair(shift, "mean"), shown, _pair(shift, "missing"), _pair(shift, strange)
    )  # fmt: skip


def _pair(shift: Shift, name: str) -> tuple[str, str]:
    parts: tuple[Mapping[str, float | None], ...] = (shift.before, shift.now)
    first, second = (_figure(name, p.get(name)) if name in p else "" for p in parts)
    return first, second
