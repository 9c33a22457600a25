"""The time line of a question. It is not to scale: a gap of hours beside a window of years would not be seen."""

from __future__ import annotations

from collections.abc import Mapping

from osler.core.question import Question
from osler.language import Words
from osler.spine.report.canvas import Canvas
from osler.spine.report.scale import shortened

WIDTH, LEFT, RIGHT = 360.0, 6.0, 350.0
LEAD, GAP = 84.0, 62.0  # from the index time to the prediction, and of the gap
TOP, THICK = 46.0, 16.0  # of the bars
AXIS = TOP + THICK + 7


def draw_timeline(question: Question, spans: Mapping[str, str], words: Words, *, title: str) -> str:
    """Return the SVG; `spans` are the lengths in words, `title` the text alternative."""
    ends = bool(question.horizon)
    short = question.window is not None and question.window < question.after  # what is looked at begins after the index time
    index = (56.0 if short else 96.0) if question.after else 150.0
    now = index + ((LEAD + 44 if short else LEAD) if question.after else 0)
    open_ = now + (GAP if question.gap else 0)
    close = RIGHT - 22 if ends else RIGHT - 10
    canvas = Canvas(WIDTH, AXIS + (74 if question.washout else 44))
    _axis(canvas)
    _seen(canvas, question, spans, words, places=(index, now))
    if question.gap:
        canvas.rectangle((now, TOP), (GAP, THICK), "gap")
        _over(canvas, words.say("question.drawn.gap"), (now + open_) / 2, room=10)
        _under(canvas, spans["gap"], (now + open_) / 2)
    canvas.rectangle((open_, TOP), (close - open_, THICK), "bar f1" if ends else "band f1")
    _over(canvas, words.say("question.drawn.outcome"), (open_ + close) / 2, room=22)
    if ends:
        _under(canvas, spans["horizon"], (open_ + close) / 2)
        canvas.line((close, TOP - 4), (close, AXIS + 5), "tickmark")
    _moments(canvas, question, spans, words, places=(index, now))
    if question.washout:
        _washout(canvas, spans, words, now=now)
    return canvas.svg(title=title)


def _axis(canvas: Canvas) -> None:
    canvas.line((LEFT, AXIS), (RIGHT, AXIS), "frame")
    canvas.path([(RIGHT - 1, AXIS - 4), (RIGHT + 6, AXIS), (RIGHT - 1, AXIS + 4)], "head", closed=True)


def _seen(
    canvas: Canvas, question: Question, spans: Mapping[str, str], words: Words, *, places: tuple[float, float]
) -> None:  # fmt: skip
    """Draw what is looked at: with no window from the very left, with one from its begin, before or after the index time."""
    index, now = places
    window = question.window
    start = LEFT if window is None else 26.0 if window >= question.after else index + (now - index) / 3
    canvas.rectangle((start, TOP), (now - start, THICK), "bar f0")
    if window is not None:
        canvas.line((start, TOP - 4), (start, AXIS + 5), "tickmark")
    middle = (start + now) / 2
    _over(canvas, words.say("question.drawn.window"), middle, room=24)
    told = spans["window"] if window is not None else words.say("question.drawn.all")
    canvas.text(shortened(told, 24), (middle, TOP + THICK / 2 + 4), "inside")


def _moments(
    canvas: Canvas, question: Question, spans: Mapping[str, str], words: Words, *, places: tuple[float, float]
) -> None:  # fmt: skip
    index, now = places
    canvas.line((now, 20), (now, AXIS + 8), "now")
    canvas.text(words.say("question.drawn.prediction"), (now, 14), "strong")
    if not question.after:
        canvas.line((now, AXIS + 8), (now, AXIS + 26), "stem")
        canvas.text(words.say("question.drawn.index"), (now, AXIS + 38), "tick")
        return
    canvas.line((index, TOP + THICK), (index, AXIS + 8), "tickmark")
    canvas.text(words.say("question.drawn.index"), (index, AXIS + 38), "tick")
    canvas.line((index, AXIS + 8), (index, AXIS + 26), "stem")
    _under(canvas, spans["after"], (index + now) / 2)


def _washout(canvas: Canvas, spans: Mapping[str, str], words: Words, *, now: float) -> None:
    place = AXIS + 52
    canvas.line((LEFT + 12, place), (now, place), "line c3")
    for end in (LEFT + 12, now):
        canvas.line((end, place - 4), (end, place + 4), "line c3")
    told = words.say("question.drawn.washout", washout=spans["washout"])
    canvas.text(told, (now + 8, place + 4), "tick", anchor="start")


def _over(canvas: Canvas, text: str, at: float, *, room: int) -> None:
    canvas.text(shortened(text, room), (at, TOP - 8), "name", full=text)


def _under(canvas: Canvas, text: str, at: float) -> None:
    canvas.text(shortened(text, 14), (at, AXIS + 18), "tick", full=text)
