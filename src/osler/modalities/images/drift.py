"""How new pictures differ from the training pictures: summed over blocks, compared once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.drift import Finding, Shift
from osler.core.state import State
from osler.modalities.images.baseline.frequencies import MEAN
from osler.modalities.images.case import DESCRIPTORS, HASHES, MARKS, THUMBNAIL

CLEAR = 0.5  # standard deviations from which a change is told: pictures have many numbers, and small changes mean little
SURE = 3.0  # standard errors that it must be too
TIMES = 4.0  # times the mean, and times the spread, from which another scale of intensities is meant
FAR = 0.2  # distance of histograms
FEWEST = 5
LIKENESS, HISTOGRAM = "picture likeness", "picture histogram"
SHARPNESS = "picture sharpness"
PROVENANCE = "picture provenance"
MEASURES = {"mean": "brightness", "spread": "contrast", "quantile 1%": "darkest grey", "quantile 99%": "brightest grey"}
_AT_ONCE = 8_192


def drift_facts(columns: Columns, rows: np.ndarray) -> dict[str, Any]:
    """Return of the training pictures `rows` the mean and standard deviation of each measure, and the mean histogram."""
    if len(rows) < FEWEST:
        return {}
    names, values = _measures(columns, rows)
    shares = _histograms(columns, rows).mean(0)
    mean, sd = values.mean(0), values.std(0, ddof=1)
    return {"names": names, "mean": _plain(mean), "sd": _plain(sd), "histogram": [round(float(v), 5) for v in shares],
            "pictures": len(rows)}  # fmt: skip


def typical_likeness(columns: Columns, rows: np.ndarray, *, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return what a state keeps of how alike the training pictures are to their mean: its mean and standard deviation."""
    if len(rows) < FEWEST:
        return {}
    found = likeness(columns, rows, state=State(arrays))
    return {LIKENESS: _plain(np.array([found.mean(), found.std(ddof=1)]))}


def likeness(columns: Columns, rows: np.ndarray, *, state: State) -> np.ndarray:
    """Return (n,) from -1 to 1 how alike each picture is to the mean training picture (correlation of thumbnails)."""
    mean = state.arrays[MEAN].astype(np.float64)
    mean = mean - mean.mean()
    out = np.zeros(len(rows))
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        values = np.asarray(columns[THUMBNAIL])[part].reshape(len(part), -1).astype(np.float64)
        away = values - values.mean(1, keepdims=True)
        length = np.linalg.norm(away, axis=1) * np.linalg.norm(mean)
        out[start : start + len(part)] = (away @ mean) / np.maximum(length, 1e-9)
    return out


def drift_sums(columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State) -> dict[str, np.ndarray]:
    """Return counts and sums of the measures, of their squares about the training means, and of histograms."""
    known = facts.get("drift") or {}
    if not known:
        return {}
    _, values = _measures(columns, rows)
    away = values - np.array(known["mean"])
    like = likeness(columns, rows, state=state)
    return {
        "rows": np.array(float(len(rows))),
        "first": away.sum(0),
        "square": (away**2).sum(0),
        "likeness": np.array([like.sum(), (like**2).sum()]),
        "histogram": _histograms(columns, rows).sum(0),
        "synthetic": np.array(float((np.asarray(columns[HASHES])[rows, MARKS.index("synthetic")] != 0).sum())),
    }


def drift(sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
    """Return one shift per measure, of the histogram's form, and of the likeness to the mean training picture."""
    rows, known = float(sums["rows"]), facts["drift"]
    if rows < FEWEST:
        return ()
    there = float(known["pictures"])
    found = [
        _number(name, (mean, sd), _moments(mean, first, square, rows), rows=rows, there=there)
        for name, mean, sd, first, square in zip(known["names"], known["mean"], known["sd"], sums["first"], sums["square"],
                                                 strict=True)
    ]  # fmt: skip
    like = state.values.get(LIKENESS)
    if like:
        first, square = sums["likeness"].tolist()
        now = _moments(0.0, first, square, rows)
        one = _number(LIKENESS, (like[0], like[1]), now, rows=rows, there=there, scale=False)
        found.append(_inverted(one) if now[0] < -0.2 < 0.2 < like[0] else one)
    found.append(_histogram(sums["histogram"] / rows, np.array(known["histogram"])))
    return (*found, *_provenance(float(sums["synthetic"]) / rows))


def _measures(columns: Columns, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return names and values (n, m): brightness, contrast and extremes of each channel, and sharpness."""
    names, places = [], []
    for at, label in enumerate(columns.field(DESCRIPTORS).labels):
        group, _, rest = label.partition(".")
        channel, _, what = rest.removeprefix("channel ").partition(" ") if rest.startswith("channel ") else ("", "", rest)
        if group == "intensity" and what in MEASURES:
            names.append(f"picture {MEASURES[what]}" + (f", channel {channel}" if channel else ""))
            places.append(at)
        elif label == "texture.contrast at 1":
            names.append(SHARPNESS)
            places.append(at)
    return names, np.asarray(columns[DESCRIPTORS])[rows][:, places].astype(np.float64)


def _histograms(columns: Columns, rows: np.ndarray) -> np.ndarray:
    places = [at for at, label in enumerate(columns.field(DESCRIPTORS).labels) if label.startswith("histogram.")]
    return np.asarray(columns[DESCRIPTORS])[rows][:, places].astype(np.float64)


def _moments(about: float, first: float, square: float, rows: float) -> tuple[float, float]:
    variance = max(square / rows - (first / rows) ** 2, 0.0) * rows / (rows - 1)
    return about + first / rows, math.sqrt(variance)


def _number(
    name: str, before: tuple[float, float], now: tuple[float, float], *, rows: float, there: float, scale: bool = True
) -> Shift:
    pooled = math.sqrt((before[1] ** 2 + now[1] ** 2) / 2)
    difference = (now[0] - before[0]) / pooled if pooled > 0 else None
    finding: Finding = ""
    detail: dict[str, str] | None = None
    times = now[0] / before[0] if scale and before[0] > 0 and now[0] > 0 else 1.0
    moved = difference is not None and abs(difference) >= max(CLEAR, SURE * math.sqrt(1 / rows + 1 / max(there, 1)))
    if moved and max(times, 1 / times) >= TIMES:
        finding, detail = "scale", {"times": f"{times:.3g}", "unit": ""}
    elif moved:
        finding = "mean"
    plain = [{"mean": float(m), "sd": float(s)} for m, s in (now, before)]
    return Shift(name, "number", plain[0], plain[1], difference=difference, finding=finding, detail=detail)


def _inverted(shift: Shift) -> Shift:
    return Shift(shift.column, shift.kind, shift.now, shift.before, shift.difference, None, "inverted", None)


def _provenance(synthetic: float) -> tuple[Shift, ...]:
    """Return that so large a share of the new pictures say in their files that they are synthetic; nothing where none does."""
    if not synthetic:
        return ()
    return (Shift(PROVENANCE, "category", {"synthetic": synthetic}, {}, finding="synthetic"),)


def _histogram(now: np.ndarray, before: np.ndarray) -> Shift:
    channels = max(1.0, before.sum())
    distance = float(np.abs(now - before).sum() / 2 / channels)
    finding: Finding = "form" if distance >= FAR else ""
    return Shift(HISTOGRAM, "category", {}, {}, distance=distance, finding=finding)


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{v:.6g}") for v in values]
