"""Drawings of a case on a grid with its marks: three slices of a volume, or the picture itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np

from osler.core.marks import UNMARKED
from osler.modalities.images.explain import GAP, PANEL, encoded, visible
from osler.modalities.images.explain.contour import outlines, path

LARGEST = 256  # pixels along a side of what is drawn
# Told apart by colour-blind readers (Okabe and Ito 2008), those first that stand out from grey.
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#0072B2")
FILL, LINE = 0.25, 1.6
FOOT, LETTER = 20, 11
# Volumes are stored in RAS+ order and drawn as radiologists look at them: from the feet, the patient's right at the left.
LETTERS = {2: "RLAP", 1: "RLSI", 0: "APSI"}  # by the axis that is cut: left, right, top, bottom of its slice
CUT = (2, 1, 0)  # axial, coronal, sagittal


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice as it is drawn: `ground` (rows, columns[, 3]) uint8, `marks` and `truth` (channels, rows, columns) or None, `size`
    (wide, high) in the drawing's units, `letters` at its left, right, top and bottom edge. `alone` (rows, columns) is a truth whose values
    are no labels of the marks: one outline stands for all of it."""

    ground: np.ndarray
    marks: np.ndarray | None
    truth: np.ndarray | None
    size: tuple[float, float]
    letters: str = ""
    alone: np.ndarray | None = None


def grid_picture(
    values: np.ndarray,
    marks: np.ndarray | None,
    truth: np.ndarray | None,
    *,
    spacing: Sequence[float],
    names: Mapping[int, str] | None = None,
) -> str:
    """Return an SVG of a case: `values` (channels, i, j[, k]) under its `marks` as predicted, filled with a full line, and the
    `truth`, with a broken line, each (channels, i, j[, k]) uint8.

    Of one channel of marks each value is a label; of several each channel is one, counted from 1. Places with the value UNMARKED
    have none. `spacing` (axes) in mm gives the proportions. A volume in RAS+ order is shown in three slices, those with the
    most errors, or where there are none with the most marks. `names` by label stand in the legend in place of numbers.
    """
    flat = values.ndim == 3
    slices = _picture(values, marks, truth, spacing) if flat else _slices(values, marks, truth, spacing)
    if truth is not None and marks is not None and len(truth) == 1 < len(marks):
        slices = [replace(one, alone=_marked(one.truth), truth=None) if one.truth is not None else one for one in slices]
        truth = None
    labels = sorted({label for one in (marks, truth) if one is not None for label in _present(one)})
    colours = {label: COLOURS[(label - 1) % len(COLOURS)] for label in labels}
    parts, left, high = [], 0.0, max(one.size[1] for one in slices)
    for one in slices:
        parts.append(f'<g transform="translate({left:.1f} 0)">{_drawn(one, colours)}</g>')
        left += one.size[0] + GAP
    wide = left - GAP
    legend, foot = _legend(colours, names or {}, top=high, wide=wide)
    box = f'viewBox="0 0 {wide:.1f} {high + foot:.1f}" width="{wide:.0f}" height="{high + foot:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {box} role="img">{"".join(parts)}{legend}</svg>'


def _picture(values: np.ndarray, marks: np.ndarray | None, truth: np.ndarray | None, spacing: Sequence[float]) -> list[Slice]:
    """Return the picture alone, and once more under its marks."""
    scale = PANEL / max(n * s for n, s in zip(values.shape[1:], spacing, strict=True))
    plain = sliced(values, None, None, spacing=spacing, scale=scale)
    return [plain, sliced(values, marks, truth, spacing=spacing, scale=scale)]


def _slices(values: np.ndarray, marks: np.ndarray | None, truth: np.ndarray | None, spacing: Sequence[float]) -> list[Slice]:
    """Return the axial, the coronal and the sagittal slice, at one scale."""
    places = planes(marks, truth, values.shape[1:])
    scale = PANEL / max(n * s for n, s in zip(values.shape[1:], spacing, strict=True))
    found = []
    for axis in CUT:
        cut = [None if a is None else turned(a.take(places[axis], axis=axis + 1)) for a in (values, marks, truth)]
        assert cut[0] is not None
        rest = [s for at, s in enumerate(spacing) if at != axis]
        found.append(sliced(cut[0], cut[1], cut[2], spacing=rest[::-1], scale=scale, letters=LETTERS[axis]))
    return found


def turned(values: np.ndarray) -> np.ndarray:
    """Return a slice (channels, a, b) of a volume in RAS+ order as rows and columns: b from top to bottom, a from left to right,
    both from their high end."""
    return values[:, ::-1, ::-1].swapaxes(1, 2)


def planes(marks: np.ndarray | None, truth: np.ndarray | None, shape: Sequence[int]) -> tuple[int, ...]:
    """Return where along each axis a volume of `shape` is cut: where most is wrong, else where most is marked, else in the middle."""
    known = [one for one in (marks, truth) if one is not None]
    wrong = _wrong(marks, truth) if marks is not None and truth is not None and marks.shape == truth.shape else None
    for shown in ([] if wrong is None else [wrong], [_marked(one) for one in known]):
        whole = np.logical_or.reduce(shown) if shown else None
        if whole is not None and whole.any():
            axes = range(whole.ndim)
            return tuple(int(whole.sum(axis=tuple(a for a in axes if a != axis)).argmax()) for axis in axes)
    return tuple(n // 2 for n in shape)


def _wrong(marks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.logical_or.reduce([(m != t) & (t != UNMARKED) for m, t in zip(marks, truth, strict=True)])


def _marked(one: np.ndarray) -> np.ndarray:
    return np.logical_or.reduce([(part > 0) & (part != UNMARKED) for part in one])


def sliced(
    values: np.ndarray, marks: np.ndarray | None, truth: np.ndarray | None, *, spacing: Sequence[float], scale: float,
    letters: str = "",
) -> Slice:  # fmt: skip
    """Return a slice (channels, rows, columns) with its marks as it is drawn; `scale` is units of the drawing for a millimetre."""
    high, wide = values.shape[1] * spacing[0] * scale, values.shape[2] * spacing[1] * scale
    shown = [None if one is None else _smaller(one) for one in (marks, truth)]
    return Slice(visible(_within(values), most=LARGEST), shown[0], shown[1], (max(wide, 1.0), max(high, 1.0)), letters)


def _within(values: np.ndarray) -> np.ndarray:
    """Return values of which none is infinite or unknown, so that a window can be laid over them."""
    return values if values.dtype.kind in "ui" else np.nan_to_num(values, posinf=0.0, neginf=0.0)


def _smaller(marks: np.ndarray) -> np.ndarray:
    """Return every so-manieth place, so that no side is longer than what is drawn."""
    steps = [-(-side // LARGEST) for side in marks.shape[1:]]
    return marks[:, :: steps[0], :: steps[1]]


def _drawn(one: Slice, colours: Mapping[int, str]) -> str:
    wide, high = one.size
    ground = (
        f'<image x="0" y="0" width="{wide:.1f}" height="{high:.1f}" preserveAspectRatio="none" style="image-rendering:pixelated"'
        f' href="{encoded(one.ground)}"/>'
    )
    over = "".join(_outlined(one.marks, label, colour, one.size, broken=False) for label, colour in colours.items())
    over += "".join(_outlined(one.truth, label, colour, one.size, broken=True) for label, colour in colours.items())
    over += "" if one.alone is None else _line(one.alone, "#fff", one.size)
    return ground + over + lettered(one)


def _outlined(marks: np.ndarray | None, label: int, colour: str, size: tuple[float, float], *, broken: bool) -> str:
    inside = None if marks is None else _of_label(marks, label)
    if inside is None or not inside.any():
        return ""
    if broken:
        return _line(inside, colour, size)
    line = _path(inside, size)
    look = f'fill="{colour}" fill-opacity="{FILL}" fill-rule="evenodd" stroke="{colour}" stroke-width="{LINE}"'
    return f'<path d="{line}" {look}/>'


def _line(inside: np.ndarray, colour: str, size: tuple[float, float]) -> str:
    """Return a broken line over a dark one, so that it stands out from every ground."""
    line = _path(inside, size)
    under = f'<path d="{line}" fill="none" stroke="#000" stroke-opacity=".55" stroke-width="{LINE + 1.2:.1f}"/>'
    return (
        f'{under}<path d="{line}" fill="none" stroke="{colour}" stroke-width="{LINE}" stroke-dasharray="3 2.5"/>' if line else ""
    )


def _path(inside: np.ndarray, size: tuple[float, float]) -> str:
    return path(outlines(inside), down=size[1] / inside.shape[0], across=size[0] / inside.shape[1])


def _of_label(marks: np.ndarray, label: int) -> np.ndarray | None:
    if len(marks) == 1:
        return np.asarray(marks[0] == label)
    return np.asarray((marks[label - 1] > 0) & (marks[label - 1] != UNMARKED)) if label <= len(marks) else None


def _present(marks: np.ndarray) -> list[int]:
    """Return the labels that lie anywhere in `marks`."""
    if len(marks) == 1:
        counts = sum(np.bincount(part.reshape(-1), minlength=UNMARKED + 1) for part in marks[0])  # by slab: it counts in int64
        return [int(value) for value in np.flatnonzero(counts) if value not in {0, UNMARKED}]
    return [at for at, part in enumerate(marks, start=1) if _marked(part[None]).any()]


def lettered(one: Slice) -> str:
    """Return the letters of a slice as a part of its SVG."""
    if not one.letters:
        return ""
    wide, high = one.size
    places = (
        (4, high / 2 + 4, "start"),
        (wide - 4, high / 2 + 4, "end"),
        (wide / 2, LETTER + 1, "middle"),
        (wide / 2, high - 4, "middle"),
    )
    look = f'font-size="{LETTER}" fill="#fff" stroke="#000" stroke-width="2" paint-order="stroke"'
    return "".join(
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {look}>{letter}</text>'
        for (x, y, anchor), letter in zip(places, one.letters, strict=True)
    )


def _legend(colours: Mapping[int, str], names: Mapping[int, str], *, top: float, wide: float) -> tuple[str, float]:
    """Return the labels with their colours, in as many lines as they need under a drawing of that width, and their height."""
    parts, left, line = [], 0.0, 1
    for label, colour in colours.items():
        name = names.get(label, str(label))
        breadth = 26 + 6.4 * len(name)
        if left and left + breadth > wide:
            left, line = 0.0, line + 1
        down = top + FOOT * line
        parts.append(
            f'<rect x="{left:.1f}" y="{down - 10:.1f}" width="10" height="10" fill="{colour}"/>'
            f'<text x="{left + 14:.1f}" y="{down:.1f}" font-size="{LETTER}" fill="currentColor">{escape(name)}</text>'
        )
        left += breadth
    return "".join(parts), FOOT * line + 4.0 if parts else 0.0
