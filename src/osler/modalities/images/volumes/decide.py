"""Whether a study's files are volumes, and how they are brought to one size: decided from headers; labels are never seen."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.errors import PlanError
from osler.core.plan import Decision
from osler.modalities.images.case import FORMS, ImageFiles
from osler.modalities.images.grids.place import placed
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.quiet import quiet
from osler.modalities.images.read.volume import VolumeHeader, header_of
from osler.modalities.images.volumes.case import AXES

NAMES = ("size", "fit", "spacing", "pad", "channels", "dtype", "window", "series")
HEADERS = 64  # cases whose headers are read, evenly over the table: a folder of DICOM files has hundreds of them
FLAT = (".png", ".jpg", ".jpeg", ".bmp")  # formats that hold no volume, and need not be opened to know it
LONGEST, PLACES = 96, 1 << 20  # places of the longest side, and of a case, unless the user says otherwise
COVERED = 98  # percentile of the extents that the size takes in; of larger cases the middle is kept
STEP = 4  # a size that is not the files' own is a multiple of it
ALIKE = 1.25  # aspects (95th over 5th percentile) that may be stretched into one where millimetres are not known
MOST_SIDE, MOST_PLACES = 1 << 10, 1 << 25  # that the user may ask for
DTYPES = ("uint8", "uint16", "int16", "float32")
FITS = ("pad", "stretch")
CT = [0.0, 2400.0]  # centre and width in Hounsfield units


@dataclass(frozen=True, slots=True)
class Sample:
    """What a sample of cases shows: `headers` of each case's channels that could be read, and how many `flat` pictures are among them."""

    headers: tuple[tuple[VolumeHeader, ...], ...]
    flat: int

    @property
    def volumes(self) -> list[tuple[VolumeHeader, ...]]:
        """The cases of three axes with more than one slice."""
        return [heads for heads in self.headers if len(heads[0].shape) == AXES and heads[0].shape[2] > 1]


def sampled(locators: Sequence[Any], *, series: Any = None) -> Sample:
    """Return the headers of a sample of the cases; a file that cannot be read is refused when it is read."""
    files = [x for x in locators if isinstance(x, ImageFiles)]
    places = sorted({int(i) for i in np.linspace(0, len(files) - 1, min(len(files), HEADERS))}) if files else []
    found, flat = [], 0
    with quiet():
        for one in (files[at] for at in places):
            if one.paths[0].lower().endswith(FLAT):
                flat += 1
                continue
            try:
                found.append(tuple(header_of(path, series=series) for path in one.paths))
            except Unusable:
                continue
    return Sample(tuple(found), flat)


def are_volumes(sample: Sample) -> bool:
    """Return whether most cases of the sample are volumes of several slices."""
    return 2 * len(sample.volumes) > len(sample.headers) + sample.flat


def reading(sample: Sample, *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return the decisions; `settings` are the user's, of which those named in NAMES are heeded. Raises PlanError."""
    own = {name: value for name, value in settings.items() if name in NAMES}
    _check(own)
    return tuple(_by_user(d, own[d.name]) if d.name in own else d for d in _decided(sample, settings=own))


def _decided(sample: Sample, *, settings: Mapping[str, Any]) -> list[Decision]:
    heads, rest = sample.volumes, len(sample.headers) + sample.flat - len(sample.volumes)
    others = f"; {rest} of the sample are pictures of one slice, and refused" if rest else ""
    counts = Counter(sum(h.channels for h in one) for one in heads)
    channels = counts.most_common(1)[0][0] if counts else 1
    ct = bool(heads) and all(h.modality == "CT" for one in heads for h in one)
    window = "of air to dense bone: metal would drown the rest" if ct else "values are kept"
    return [
        Decision("form", "volume", f"volumes, all brought to one size{others}", "headers", FORMS),
        *_size(heads, settings=settings),
        Decision("pad", None, "beside a case that does not fill the size its own lowest value", "headers"),
        Decision("channels", channels, f"of each case, by {len(heads)} headers", "headers"),
        _dtype(heads, names=sorted({n for one in heads for h in one for n in h.identifying})),
        Decision("window", list(CT) if ct else None, f"centre and width, {window}", "headers"),
        Decision("series", None, "of a folder with several DICOM series, the one that is meant: its UID, number or description"),
    ]


# size -----------------------------------------------------------------------------------------------------------------


def _size(heads: Sequence[Sequence[VolumeHeader]], *, settings: Mapping[str, Any]) -> list[Decision]:
    places = [placed(one[0].shape, one[0].affine) for one in heads]
    shapes = np.array([p.shape() for p in places] or [(32, 32, 32)], float)
    known = [one[0].geometry for one in heads]
    if sum(known) * 2 <= len(known) or settings.get("spacing", 0) is None:
        return _without_spacing(shapes)
    spacings = np.array([p.spacing() for p, k in zip(places, known, strict=True) if k])
    extents = np.percentile(shapes[np.array(known)] * spacings, COVERED, axis=0)
    own = np.median(spacings, axis=0)
    spacing, why = _spacing(own, extents, settings=settings)
    size = [_rounded(float(n)) for n in np.ceil(extents / spacing - 1e-3)]
    told = " × ".join(f"{e:.0f}" for e in extents)
    return [
        Decision("size", size, f"places along right, front, up: {COVERED}% of {len(spacings)} headers lie within {told} mm", "headers"),
        Decision("fit", "pad", "one scale in millimetres for all: how large something is can be seen", "headers", FITS),
        Decision("spacing", [float(f"{s:.6g}") for s in spacing], f"millimetres; {why}", "headers"),
    ]  # fmt: skip


def _spacing(own: np.ndarray, extents: np.ndarray, *, settings: Mapping[str, Any]) -> tuple[np.ndarray, str]:
    """Return the study's spacing (3,): the user's, or that of the user's size, or the files' own, coarser where cases are large."""
    if "spacing" in settings:
        return np.array(settings["spacing"], float), "set by the user"
    if "size" in settings:
        grow = float(np.max(extents / (own * np.array(settings["size"], float))))
        return own * max(1.0, grow), "that of the files, as coarse as the size needs"
    spacing = coarser(own, extents, longest=LONGEST, places=PLACES)
    if np.array_equal(spacing, own):
        return own, "the median of the files"
    return spacing, f"coarser than the files, so that no side has more than {LONGEST} places, and a case {PLACES >> 20} million"


def coarser(spacing: np.ndarray, extents: np.ndarray, *, longest: int, places: int) -> np.ndarray:
    """Return a spacing with which cases of `extents` (3,) in the same unit have at most `longest` places along a side and about `places`
    in all: fine axes give first, until all are alike."""
    least = float(np.max(np.where(extents / spacing > longest, extents / longest, 0.0)))
    found = np.maximum(spacing, least)
    while np.prod(np.maximum(1.0, extents / found)) > places:
        found = np.maximum(found, found.min() * 1.02)
    return found


def _without_spacing(shapes: np.ndarray) -> list[Decision]:
    middle = np.median(shapes, axis=0)
    ratios = np.percentile(shapes / shapes.mean(1, keepdims=True), (5, 95), axis=0)
    alike = bool((ratios[1] / ratios[0] <= ALIKE).all())
    step = coarser(np.ones(AXES), middle, longest=LONGEST, places=PLACES)
    size = [_rounded(float(n)) for n in np.ceil(middle / step - 1e-3)]
    about = "volumes have one aspect" if alike else "aspects differ, and are kept"
    return [
        Decision("size", size, f"of {len(shapes)} headers, which do not know their spacing", "headers"),
        Decision("fit", "stretch" if alike else "pad", f"{about}; millimetres are not known", "headers", FITS),
        Decision("spacing", None, "files do not know it: each case is scaled to the size", "headers"),
    ]


def _rounded(side: float) -> int:
    """Return a side as a multiple of STEP; a short one as it is.

    >>> [_rounded(side) for side in (1, 5, 37, 96)]
    [1, 5, 40, 96]
    """
    return max(1, round(side)) if side < 2 * STEP else math.ceil(side / STEP) * STEP


# type, checks ---------------------------------------------------------------------------------------------------------


def _dtype(heads: Sequence[Sequence[VolumeHeader]], *, names: Sequence[str]) -> Decision:
    types = sorted({h.dtype for one in heads for h in one})
    wide = str(np.result_type(*(np.dtype(t) for t in types))) if types else "float32"
    chosen = wide if wide in DTYPES else "int16" if wide == "int8" else "float32"
    about = f"what files hold: {', '.join(types) or 'nothing'}"
    if names:
        about += f"; headers hold what identifies a person ({', '.join(names[:6])}), which is not carried on"
    return Decision("dtype", chosen, about, "headers", DTYPES)


def _by_user(decision: Decision, value: Any) -> Decision:
    if decision.choices and value not in decision.choices:
        raise PlanError(f"'{decision.name}' cannot be {value!r}; it is one of: " + ", ".join(map(repr, decision.choices)))
    return Decision(decision.name, value, "set by the user", "user", decision.choices)


def _check(settings: Mapping[str, Any]) -> None:
    rules: dict[str, tuple[Callable[[Any], bool], str]] = {
        "size": (_is_size, f"three whole numbers [i, j, k] from 1 to {MOST_SIDE}, at most {MOST_PLACES >> 20} million places in all"),
        "spacing": (lambda v: v is None or _are_numbers(v, AXES, least=0), "three numbers above 0 (millimetres), or null"),
        "pad": (lambda v: v is None or _is_number(v), "a number, or null for each case's lowest value"),
        "channels": (lambda v: _is_whole(v) and 1 <= v <= 64, "a whole number from 1 to 64"),
        "window": (lambda v: v is None or (_are_numbers(v, 2) and v[1] > 0), "[centre, width] in the files' unit, or null"),
        "series": (lambda v: v is None or isinstance(v, (str, int)), "a UID, a number or a description"),
    }  # fmt: skip
    faults = [
        f"'{name}' cannot be {settings[name]!r} of volumes; wanted {what}"
        for name, (good, what) in rules.items()
        if name in settings and not good(settings[name])
    ]
    if faults:
        raise PlanError("\n".join(faults))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _are_numbers(value: Any, count: int, *, least: float = -math.inf) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == count and all(_is_number(v) and v > least for v in value)


def _is_size(value: Any) -> bool:
    numbers = isinstance(value, (list, tuple)) and len(value) == AXES and all(_is_whole(v) and 1 <= v <= MOST_SIDE for v in value)
    return numbers and math.prod(value) <= MOST_PLACES
