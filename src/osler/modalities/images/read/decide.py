"""Size, channels and type of a study's pictures, decided from headers and a few pictures; labels are never seen."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.errors import MissingExtra, PlanError
from osler.core.plan import Decision
from osler.modalities.images.case import FORMS, ImageFiles
from osler.modalities.images.read import dicom, raster
from osler.modalities.images.read.content import LONGEST, SMALLEST, is_dicom, opened
from osler.modalities.images.read.picture import raw_of
from osler.modalities.images.read.quiet import quiet
from osler.modalities.images.read.raw import Header
from osler.modalities.images.read.shape import ANY, INTERPOLATIONS

HEADERS = 256  # files whose headers are read, evenly over the table
PICTURES = 32  # of them decoded: whether colours are grey, which values occur
LARGEST = 224  # pixels of the longer side, unless the user says otherwise: the size for which most published networks were made
STEP = 8  # a size that is not the files' own is a multiple of it: networks halve it three times
ALIKE = 1.25  # aspects (95th over 5th percentile) that may be stretched into one
DTYPES = ("uint8", "uint16", "int16")
NAMES = ("size", "fit", "pad", "interpolation", "channels", "bits", "dtype", "range", "window", "alpha", "orientation")


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a sample of files shows: headers, whether colours were seen, the lowest and highest value (0 to 1 without pictures)."""

    headers: tuple[Header, ...]
    columns: int
    coloured: bool = False
    low: float = 0.0
    high: float = 1.0


def reading(locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return the decisions on how pictures are read.

    `settings` are the user's, of which those named in NAMES are heeded. Raises PlanError for values that cannot be, MissingExtra
    where Pillow is not installed.
    """
    own = {name: value for name, value in settings.items() if name in NAMES}
    _check(own)
    with quiet():
        sample = _sampled([x for x in locators if isinstance(x, ImageFiles)], settings=own)
    decisions = _decided(sample, settings=own)
    chosen = tuple(_by_user(d, own[d.name]) if d.name in own else d for d in decisions)
    _check_channels({d.name: d.value for d in chosen}, sample.columns)
    return chosen


def _sampled(files: Sequence[ImageFiles], *, settings: Mapping[str, Any]) -> _Sample:
    chosen = [files[i] for i in _spread(len(files), HEADERS)]
    columns = len(files[0].paths) if files else 1
    plain = {"alpha": "black", "orientation": "exif", "window": None, **settings}
    pairs = [(path, found) for one in chosen for path in one.paths if (found := _header(path, reading=plain)) is not None]
    headers = tuple(header for _, header in pairs)
    if not any(h.colour or h.depth == 32 for h in headers):
        return _Sample(headers, columns)
    coloured, lows, highs = False, [], []
    for at in _spread(len(pairs), PICTURES):
        try:
            raw = raw_of(pairs[at][0], reading=plain, size=(LARGEST, LARGEST))
        except Exception:  # noqa: BLE001, S112  it is refused when it is read
            continue
        coloured |= len(raw.values) == 3 and not (raw.values == raw.values[:1]).all()
        lows.append(float(raw.values.min()))
        highs.append(float(raw.values.max()))
    return _Sample(headers, columns, coloured, min(lows, default=0.0), max(highs, default=1.0))


def _spread(total: int, most: int) -> list[int]:
    """Return at most `most` of `total` numbers, evenly spread."""
    return sorted({int(i) for i in np.linspace(0, total - 1, min(total, most))}) if total else []


def _header(path: str, *, reading: Mapping[str, Any]) -> Header | None:
    try:
        with opened(path) as stream:
            start = stream.read(132)
            stream.seek(0)
            return dicom.header(stream) if is_dicom(start) else raster.header(stream, reading=reading)
    except MissingExtra:
        raise
    except Exception:  # noqa: BLE001  parsers of foreign bytes raise anything; the case is refused when it is read
        return None


def _decided(sample: _Sample, *, settings: Mapping[str, Any]) -> list[Decision]:
    depth, why = _depth(sample)
    values = _values(sample, depth, settings)
    dtype = settings.get("dtype", values[-1].value)
    air = dtype == "int16" and _has(sample, "CT")
    return [
        Decision("form", "picture", "one picture a case, all brought to one size", "headers", FORMS),
        *_size(sample),
        Decision(
            "pad", -1024 if air else 0, f"{'air' if air else 'black'} beside a picture that does not fill the frame", "headers"
        ),
        Decision("interpolation", "bilinear", "its filter takes in every pixel that it shrinks", "headers", INTERPOLATIONS),
        _channels(sample),
        Decision("bits", depth, why, "headers", (8, 16, 32, ANY)),
        *values,
        Decision("alpha", "black", "what shows through a transparent picture", "headers", ("black", "white", "drop")),
        Decision("orientation", "exif", "pictures are turned as their EXIF says", "headers", ("exif", "stored")),
    ]


def _size(sample: _Sample) -> list[Decision]:
    sizes = np.array([h.size for h in sample.headers] or [(64, 64)], float)
    shown = f"{len(sample.headers)} headers"
    if (sizes == sizes[0]).all() and sizes[0].max() <= LARGEST:
        size, why = sizes[0], f"every picture of {shown} has this size"
        aspect, alike = 1.0, True
    else:
        ratios = sizes[:, 1] / sizes[:, 0]
        low, high = np.percentile(ratios, (5, 95))
        alike = high / low <= ALIKE
        aspect = float(np.exp(np.median(np.log(ratios)))) if alike else 1.0
        longer = min(float(np.median(sizes.max(axis=1))), LARGEST)
        size = np.array([longer, longer * aspect]) if aspect <= 1 else np.array([longer / aspect, longer])
        size = np.maximum(STEP, np.rint(size / STEP) * STEP)
        kept = "their own longer side" if longer < LARGEST else f"at most {LARGEST}, as more costs time and shows little more"
        why = f"{shown}, longer side {sizes.max(axis=1).min():.0f} to {sizes.max(axis=1).max():.0f}; {kept}"
    about = "pictures have one aspect" if alike else "aspects differ, and are kept"
    return [
        Decision("size", [int(s) for s in size], why, "headers"),
        Decision("fit", "stretch" if alike else "pad", about, "headers", ("stretch", "pad")),
    ]


def _channels(sample: _Sample) -> Decision:
    several = f", one for each of {sample.columns} columns" if sample.columns > 1 else ""
    if sample.coloured:
        return Decision("channels", 3 * sample.columns, f"red, green and blue differ{several}", "headers")
    grey = "colours are stored, all of them grey" if any(h.colour for h in sample.headers) else "pictures are grey"
    return Decision("channels", sample.columns, grey + several, "headers")


def _depth(sample: _Sample) -> tuple[Any, str]:
    counts = Counter(h.depth for h in sample.headers)
    depth = max(counts, key=lambda d: (counts[d], d), default=8)
    if len(counts) <= 1:
        return depth, f"every picture needs {depth} bits"
    rest = ", ".join(f"{n} need {d}" for d, n in sorted(counts.items()) if d != depth)
    return (
        depth,
        f"{counts[depth]} of {len(sample.headers)} need {depth} bits ({rest}: refused, as the same grey may mean another value)",
    )


def _values(sample: _Sample, depth: int, settings: Mapping[str, Any]) -> list[Decision]:
    """Return type, range and window."""
    medical = [h for h in sample.headers if h.modality]
    windowed = bool(medical) and len(medical) == len(sample.headers) and all(h.window for h in medical) and not _has(sample, "CT")
    window = settings.get("window", "file" if windowed and depth > 8 else None)
    if window is not None:
        why = "as each DICOM says that it is shown"
    else:
        why = "values of CT have a unit" if _has(sample, "CT") else "values are kept"
    decisions = [Decision("window", window, why, "headers")]
    span, dtype = None, "uint8" if depth == 8 else "uint16"
    about = "values are kept"
    if depth == 32 and window is None:
        span, about = (
            [sample.low, max(sample.high, sample.low + 1e-6)],
            f"lowest and highest value of {PICTURES} pictures; more is cut off",
        )
    elif depth == 16 and window is None and any(h.signed for h in sample.headers):
        dtype = "int16"
    return [
        *decisions,
        Decision("range", span, about, "measured" if span else "headers"),
        Decision("dtype", dtype, f"{depth} bits" + (", values may be negative" if dtype == "int16" else ""), "headers", DTYPES),
    ]


def _has(sample: _Sample, modality: str) -> bool:
    found = [h.modality == modality for h in sample.headers]
    return bool(found) and sum(found) > len(found) / 2


def _by_user(decision: Decision, value: Any) -> Decision:
    if decision.choices and value not in decision.choices:
        raise PlanError(f"'{decision.name}' cannot be {value!r}; it is one of: " + ", ".join(map(repr, decision.choices)))
    return Decision(decision.name, value, "set by the user", "user", decision.choices)


def _check(settings: Mapping[str, Any]) -> None:
    """Raise PlanError for values that cannot be; what has choices is checked with them."""
    rules: dict[str, tuple[Callable[[Any], bool], str]] = {
        "size": (_is_size, f"two whole numbers [i, j], each from {SMALLEST} to {LONGEST}"),
        "pad": (_is_number, "a number"),
        "channels": (lambda v: isinstance(v, int) and not isinstance(v, bool), "a whole number"),
        "range": (lambda v: v is None or (_is_pair(v) and v[0] < v[1]), "two numbers [lowest, highest], or null"),
        "window": (lambda v: v in (None, "file") or (_is_pair(v) and v[1] > 0), "'file', [centre, width], or null"),
    }
    faults = [
        f"'{name}' cannot be {settings[name]!r}; wanted {what}"
        for name, (good, what) in rules.items()
        if name in settings and not good(settings[name])
    ]
    if faults:
        raise PlanError("\n".join(faults))


def _check_channels(values: Mapping[str, Any], columns: int) -> None:
    known = (columns, 3 * columns)
    if values["channels"] not in known:
        raise PlanError(
            f"'channels' cannot be {values['channels']!r}; {columns} column(s) make {known[0]} (grey) or {known[1]} (colours)"
        )
    ends = np.iinfo(values["dtype"])
    if not ends.min <= values["pad"] <= ends.max:
        raise PlanError(f"'pad' cannot be {values['pad']!r}; '{values['dtype']}' holds {ends.min} to {ends.max}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_is_number, value))


def _is_size(value: Any) -> bool:
    return _is_pair(value) and all(isinstance(v, int) and SMALLEST <= v <= LONGEST for v in value) and math.prod(value) <= 1 << 24
