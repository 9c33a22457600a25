"""How cases on their own grid are read: axes, spacing, channels and type, decided from headers; labels are never seen."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.errors import PlanError
from osler.core.plan import Decision
from osler.modalities.images.case import FORMS, OWN_GRID, ImageFiles
from osler.modalities.images.grids.place import placed
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import VolumeHeader, header_of

NAMES = ("axes", "spacing", "channels", "dtype", "kind", "masks", "series")
HEADERS = 256  # cases whose headers are read, evenly over the table
COARSE = 3.0  # times coarser than the finest axis: that axis is then taken as fine as the finest tenth of cases (nnU-Net 2021)
PLACES = 12_000_000  # of a typical case at most; larger ones are stored coarser
DTYPES = ("uint8", "uint16", "int16", "float32")
KINDS = ("CT", "MR", "")
_AS_IT_LIES = {
    "form": Decision("form", "grid", "each case keeps its own grid, on which it is written again", "headers", FORMS),
    "spacing": Decision("spacing", None, "places are taken as they lie in the file, so that none is made up", "rule"),
}


def reading(locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return the decisions; `settings` are the user's, of which those named in NAMES are heeded. Raises PlanError."""
    own = {name: value for name, value in settings.items() if name in NAMES}
    if settings.get(OWN_GRID):
        own.pop("masks", None)  # there are none, and nobody chooses it
    _check(own)
    files = [x for x in locators if isinstance(x, ImageFiles)]
    some = [files[i] for i in sorted({int(i) for i in np.linspace(0, len(files) - 1, min(len(files), HEADERS))})] if files else []
    found = [heads for one in some if (heads := headers_of(one, series=own.get("series")))]
    decisions = _decided(found, masks=len(files[0].mask_columns) if files else 1)
    if settings.get(OWN_GRID):
        decisions = [_AS_IT_LIES.get(d.name, d) for d in decisions]
    return tuple(_by_user(d, own[d.name]) if d.name in own else d for d in decisions)


def headers_of(files: ImageFiles, *, series: str | None) -> list[VolumeHeader]:
    """Return the headers of one case's channels; none where one cannot be read, as the case is then refused when it is read."""
    try:
        return [header_of(path, series=series) for path in files.paths]
    except Unusable:
        return []


def _decided(found: list[list[VolumeHeader]], *, masks: int) -> list[Decision]:
    shown = f"{len(found)} headers"
    axes = Counter(len(heads[0].shape) for heads in found).most_common(1)[0][0] if found else 3
    own = [heads for heads in found if len(heads[0].shape) == axes]
    channels = Counter(sum(h.channels for h in heads) for heads in own).most_common(1)[0][0] if own else 1
    kinds = Counter(h.modality for heads in own for h in heads)
    kind = kinds.most_common(1)[0][0] if kinds and len(kinds) == 1 else ""
    return [
        Decision(
            "form", "grid", "a target on a grid: each case keeps its own shape, and windows are cut of it", "headers", FORMS
        ),
        Decision("axes", axes, f"{'volumes' if axes == 3 else 'pictures'}, by {shown}", "headers", (2, 3)),
        _spacing(own, axes=axes, shown=shown),
        Decision("channels", channels, f"of each case, by {shown}", "headers"),
        _dtype(own),
        Decision("kind", kind if kind in KINDS else "", _told(own), "headers", KINDS),
        Decision("masks", masks, "columns of masks", "headers"),
        Decision("series", None, "of a folder with several DICOM series, the one that is meant: its UID, number or description"),
    ]


def _told(own: list[list[VolumeHeader]]) -> str:
    """Return what to say of the kind of image, and of headers that identify a person."""
    names = sorted({name for heads in own for h in heads for name in h.identifying})
    about = "CT has a unit (Hounsfield), other kinds have none"
    if names:
        about += f"; headers hold what identifies a person ({', '.join(names[:6])}), which is not carried on"
    return about


def _spacing(own: list[list[VolumeHeader]], *, axes: int, shown: str) -> Decision:
    known = [heads[0] for heads in own if heads[0].geometry]
    if not known or len(known) < len(own) / 2:
        return Decision("spacing", None, "files do not know it: places are taken as they are", "headers")
    places = [placed(h.shape, h.affine) for h in known]
    all_ = np.stack([place.spacing()[:axes] for place in places])
    spacing = np.median(all_, axis=0)
    worst = int(spacing.argmax())
    why = f"median of {shown}, millimetres along the stored axes"
    if spacing[worst] > COARSE * spacing.min():
        spacing[worst] = max(np.percentile(all_[:, worst], 10), spacing.min())
        why += "; the coarse axis as fine as in the finest tenth of cases"
    sizes = np.median([np.prod(np.array(p.shape()) * p.spacing()[:axes]) for p in places])
    places_each = float(sizes / np.prod(spacing))
    if places_each > PLACES:
        spacing = _coarser(spacing, share=places_each / PLACES)
        why += f"; coarser, as a typical case would have {places_each / 1e6:.0f} million places"
    return Decision("spacing", [float(f"{s:.6g}") for s in spacing], why, "headers")


def _coarser(spacing: np.ndarray, *, share: float) -> np.ndarray:
    """Return a spacing with `share` times fewer places: fine axes give first, until all are alike."""
    wanted = float(np.prod(spacing)) * share
    low, high = float(spacing.min()), float(spacing.max()) * share
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if float(np.prod(np.maximum(spacing, middle))) < wanted else (low, middle)
    return np.maximum(spacing, high)


def _dtype(own: list[list[VolumeHeader]]) -> Decision:
    types = {h.dtype for heads in own for h in heads}
    wide = np.result_type(*(np.dtype(t) for t in types)) if types else np.dtype("float32")
    chosen = str(wide) if str(wide) in DTYPES else "int16" if str(wide) == "int8" else "float32"
    return Decision("dtype", chosen, f"what files hold: {', '.join(sorted(types)) or 'nothing'}", "headers", DTYPES)


def _by_user(decision: Decision, value: Any) -> Decision:
    if decision.choices and value not in decision.choices:
        raise PlanError(f"'{decision.name}' cannot be {value!r}; it is one of: " + ", ".join(map(repr, decision.choices)))
    return Decision(decision.name, value, "set by the user", "user", decision.choices)


def _check(settings: Mapping[str, Any]) -> None:
    rules: dict[str, tuple[Callable[[Any], bool], str]] = {
        "spacing": (_is_spacing, "two or three numbers above 0 (millimetres), or null"),
        "channels": (_counts, "a whole number from 1 to 64"),
        "masks": (_counts, "a whole number from 1 to 64"),
        "series": (lambda v: v is None or isinstance(v, (str, int)), "a UID, a number or a description"),
    }
    faults = [
        f"'{name}' cannot be {settings[name]!r}; wanted {what}"
        for name, (good, what) in rules.items()
        if name in settings and not good(settings[name])
    ]
    if faults:
        raise PlanError("\n".join(faults))


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 64


def _is_spacing(value: Any) -> bool:
    numbers = isinstance(value, (list, tuple)) and len(value) in {2, 3} and all(isinstance(v, (int, float)) for v in value)
    return value is None or (numbers and all(math.isfinite(v) and v > 0 for v in value))
