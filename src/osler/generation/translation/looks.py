"""What is shown of translated cases: a strip of images for the page of cases, and how bright what is made of what is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osler.core.figure import Figure, Series
from osler.core.judgement import Section
from osler.generation.translation.lines import plain
from osler.generation.translation.told import BRIGHTNESS, CASES, NAMES, NETWORK, STRIP

BINS = 24  # of the range of real brightness
FEWEST = 5  # groups that a point of the figure rests on
SHOWN, MOST = 3, 192  # cases a kind, and pixels along a side


@dataclass(frozen=True, slots=True)
class Look:
    """One case to look at: slices (i, j) uint8 of source, translated, real and their difference; and by bin of real brightness the sum of
    made brightness and the count, of all places inside (2, BINS), with the bins' `edges`."""

    strip: tuple[np.ndarray, ...]
    sums: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(
        cls, source: np.ndarray, images: dict[str, np.ndarray], truth: np.ndarray, body: np.ndarray, *, span: float
    ) -> Look:  # fmt: skip
        """Return the look of a case: the slice with the most body, first channels."""
        found = images[NETWORK]
        low = float(np.median(truth[:, ~body])) if not body.all() else float(truth.min())
        edges = np.linspace(low, low + 1.25 * span, BINS + 1)
        at = np.clip(np.digitize(truth[:, body], edges) - 1, 0, BINS - 1).ravel()
        sums = np.stack([np.bincount(at, weights=found[:, body].ravel(), minlength=BINS), np.bincount(at, minlength=BINS)])
        middle = int(body.sum((0, 1)).argmax()) if body.ndim == 3 else None
        one, made, real = (_slice(image, middle) for image in (source, found, truth))
        away = np.abs(made - real)
        top = low + span
        strip = (_grey(one, -1.0, 1.0), _grey(made, low, top), _grey(real, low, top), _grey(away, 0.0, span / 2))
        return cls(tuple(_upright(part, volume=middle is not None) for part in strip), sums, edges)


def _slice(image: np.ndarray, at: int | None) -> np.ndarray:
    return np.asarray(image[0] if at is None else image[0, ..., at], np.float32)


def _grey(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.asarray(np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255, np.uint8)


def _upright(shown: np.ndarray, *, volume: bool) -> np.ndarray:
    """Return a slice as radiologists look at it: a stored one runs to the right and to the front, and is seen from the feet."""
    turned = shown.T[::-1, ::-1] if volume else shown
    step = -(-max(turned.shape) // MOST)
    return np.ascontiguousarray(turned[::step, ::step])


def brightness(looks: Sequence[Look]) -> Figure:
    """Return the figure of mean made brightness over real brightness: below the line bright places are made too dark."""
    if not looks:
        return Figure("brightness", *BRIGHTNESS)
    sums, edges = sum(look.sums for look in looks), looks[0].edges
    assert isinstance(sums, np.ndarray)
    carried = sum((look.sums[1] > 0).astype(int) for look in looks)
    enough = np.asarray(carried) >= FEWEST
    middle = (edges[:-1] + edges[1:]) / 2
    x, y = middle[enough], sums[0][enough] / sums[1][enough]
    series = (
        Series(NAMES[NETWORK], x.tolist(), y.tolist()),
        Series("exact", x.tolist(), x.tolist(), style="reference"),
    )
    return Figure("brightness", *BRIGHTNESS, series)


def pages(cases: Sequence[tuple[int, Look, tuple[float, float, float]]]) -> tuple[Section, ...]:
    """Return the nearest, middle and farthest cases by structural similarity, each as a strip: source, translated, real, difference."""
    order = sorted(cases, key=lambda one: -one[2][1])
    many = min(SHOWN, -(-len(order) // 3))  # no case is shown twice
    middle = max(many, len(order) // 2 - many // 2)
    last = max(middle + many, len(order) - many)
    kinds = (("nearest", order[:many]), ("middle", order[middle : middle + many]), ("farthest", order[last:]))
    return tuple(
        Section(
            kind,
            CASES[kind],
            (STRIP,),
            images=tuple((f"row {row + 1}: MAE {plain(one[0])}, SSIM {one[1]:.3f}", strip(look)) for row, look, one in found),
        )
        for kind, found in kinds
        if found
    )


def strip(look: Look) -> bytes:
    """Return the four slices of a case beside one another as a PNG."""
    gap = np.full((look.strip[0].shape[0], 4), 255, np.uint8)
    parts = [part for one in look.strip for part in (one, gap)][:-1]
    return png(np.concatenate(parts, axis=1))


def png(pixels: np.ndarray) -> bytes:
    """Return grey pixels (i, j) uint8 as a PNG."""
    import PIL.Image

    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
