"""How many were left at each step from subjects to cases, after the flow diagram of CONSORT."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from osler.core.question import Flow, Question
from osler.language import Words
from osler.spine.report.canvas import Canvas
from osler.spine.report.numerals import few
from osler.spine.report.scale import breadth

WIDTH, MAIN, SIDE = 360.0, 196.0, 140.0
LINE, PAD = 15.0, 8.0
NOTHING: Mapping[str, int] = {}
LETTERS = {"main": 25, "side": 21}  # of a line in a box


@dataclass(frozen=True, slots=True)
class Step:
    """A box of the main column: its `lines`, `more` beneath them, and what was `lost` on the way to it, told beside the arrow."""

    lines: tuple[str, ...]
    lost: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


def draw_flow(question: Question, flow: Flow, words: Words) -> str:
    """Return the SVG of the flow."""
    steps = list(_steps(question, flow, words))
    heights = [2 * PAD + LINE * (len(step.lines) + len(step.more)) for step in steps]
    rooms = [max(24.0, 2 * PAD + LINE * len(step.lost) + 14) if step.lost else 24.0 for step in steps]
    total = sum(heights) + sum(rooms[1:]) + 2
    canvas = Canvas(WIDTH, total)
    top = 1.0
    for place, (step, height) in enumerate(zip(steps, heights, strict=True)):
        if place:
            _arrow(canvas, top, rooms[place], step.lost)
            top += rooms[place]
        canvas.rectangle((1, top), (MAIN, height), "box")
        _lines(canvas, step.lines, (1 + MAIN / 2, top + PAD), look="strong")
        _lines(canvas, step.more, (1 + MAIN / 2, top + PAD + LINE * len(step.lines)), look="name")
        top += height
    return canvas.svg(
        title=words.say("list.comma").join(line for step in steps for line in (*step.lost, *step.lines, *step.more))
    )


def _arrow(canvas: Canvas, top: float, room: float, lost: Sequence[str]) -> None:
    middle = 1 + MAIN / 2
    canvas.line((middle, top), (middle, top + room - 5), "frame")
    canvas.path([(middle - 4, top + room - 6), (middle + 4, top + room - 6), (middle, top + room)], "head", closed=True)
    if lost:
        height = 2 * PAD + LINE * len(lost)
        left, corner = WIDTH - SIDE - 1, top + (room - height) / 2
        canvas.line((middle, top + room / 2), (left, top + room / 2), "frame")
        canvas.rectangle((left, corner), (SIDE, height), "box aside")
        _lines(canvas, lost, (left + SIDE / 2, corner + PAD), look="name")


def _lines(canvas: Canvas, lines: Sequence[str], at: tuple[float, float], *, look: str) -> None:
    for row, line in enumerate(lines):
        canvas.text(line, (at[0], at[1] + LINE * row + 11), look)


def _steps(question: Question, flow: Flow, words: Words) -> Iterator[Step]:
    numbers = dict(flow.steps)
    yield _box(words, "subjects", numbers["subjects"])
    single = question.index.which != "every"
    lost = {"without": numbers["subjects"] - numbers["index"]} if single else {}
    yield _box(words, "index" if single else "index.every", numbers["index"], lost=lost)
    before = numbers["index"]
    asked = {"seen": True, "eligible": question.eligible != type(question.eligible)(), "washout": bool(question.washout)}
    for name, there in asked.items():
        gone = before - numbers[name]
        if there and (gone or name != "seen"):
            yield _box(words, name, numbers[name], lost={name: gone})
        before = numbers[name]
    if "followed" not in numbers:
        return
    last = _box(words, "followed", numbers["followed"], lost=flow.unknown)
    if flow.outcome is not None and flow.cases:
        told = few(flow.outcome, flow.outcome / flow.cases, words)
        more = tuple(wrapped(words.say("question.flow.outcome", name=question.target.name, told=told), LETTERS["main"]))
        last = Step(last.lines, last.lost, more)
    yield last


def _told(number: int, words: Words) -> str:
    return few(number, math.nan, words)


def _box(words: Words, name: str, number: int, *, lost: Mapping[str, int] = NOTHING) -> Step:
    """Return a step; `lost` counts by reason those who are no longer there."""
    beside = [
        line
        for code, n in lost.items()
        if n
        for line in wrapped(words.say(f"question.lost.{code}", n=_told(n, words)), LETTERS["side"])
    ]
    return Step(tuple(wrapped(words.say(f"question.flow.{name}", n=_told(number, words)), LETTERS["main"])), tuple(beside))


def wrapped(text: str, most: int) -> list[str]:
    """Return the text in lines of at most `most` letters; it breaks at spaces, and between any two Chinese signs."""
    pieces: list[str] = []
    for word in text.split(" "):
        signs = re.findall(r"（?(?:[\x00-\x7f]+|.)[）。，；：、]*", word) if breadth(word) > len(word) else [word]
        pieces += [" ", *signs]
    lines = [""]
    for piece in pieces[1:]:
        if lines[-1] and breadth(lines[-1] + piece) > most:
            lines.append("")
        lines[-1] += piece if lines[-1] or piece != " " else ""
    return [line.rstrip() for line in lines if line.strip()]
