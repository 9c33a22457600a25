"""From a read case to its fields, on the study's spacing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Field
from osler.modalities.images.grids.case import (
    COUNTS,
    HASHES,
    LEVEL_NAMES,
    LEVELS,
    MARKED,
    MASK,
    PLACE,
    PLACES,
    SEEDS,
    TRUTH,
    UNMARKED,
    VOLUME,
    GridImage,
)  # fmt: skip
from osler.modalities.images.grids.levels import levels, marked
from osler.modalities.images.grids.resample import resampled, resampled_labels

ALIKE = 0.02  # of a side: a spacing that differs by less is taken for the study's, and nothing is resampled
SEEDS_EACH = 256  # places of a label that are remembered of a case


def fields(*, reading: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return what a case is stored as."""
    channels, masks, kind = int(reading["channels"]), int(reading["masks"]), str(reading.get("kind", ""))
    free = (None,) * int(reading["axes"])
    return (
        Field(VOLUME, str(reading["dtype"]), (channels, *free), warp="linear", labels=(kind,) * channels if kind else ()),
        Field(LEVELS, "float32", (channels, len(LEVEL_NAMES))),
        Field(PLACE, "float64", (PLACES,)),
        Field(HASHES, "int64", (2,)),
        Field(MASK, "uint8", (masks, *free), role="target", warp="nearest", unmarked=UNMARKED),
        Field(TRUTH, "uint8", (masks, *free), role="truth"),
        Field(COUNTS, "int64", (masks, 256), role="truth"),
        Field(SEEDS, "int32", (None, 2 + len(free)), role="truth"),
        Field(MARKED, "float32", (channels, len(LEVEL_NAMES)), role="truth"),
    )


def encode(case: GridImage, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return the case's arrays for fields whose role is among `roles`; a case without a mask is all unmarked."""
    shape = stored_shape(case, reading=reading)
    values = _in_type(_on(case.place.to_stored(case.values), shape), dtype=np.dtype(str(reading["dtype"])))
    arrays = {
        VOLUME: values,
        LEVELS: levels(values),
        PLACE: case.place.array(),
        HASHES: np.array([case.patient, case.scanner], np.int64),
    }
    if "target" in roles:
        arrays |= _marks(case, shape, values=values, masks=int(reading["masks"]))
    return {f.name: arrays[f.name] for f in fields(reading=reading) if f.role in roles and f.name in arrays}


def stored_shape(case: GridImage, *, reading: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape in the study's spacing; the file's own where it is alike."""
    own = case.place.shape()
    if reading["spacing"] is None:
        return own
    share = case.place.spacing() / np.asarray(reading["spacing"], np.float64)
    wanted = [max(1, round(side * float(one))) for side, one in zip(own, share, strict=True)]
    return tuple(o if abs(one - 1) < ALIKE else w for o, w, one in zip(own, wanted, share, strict=True))


def _on(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return values if values.shape[1:] == shape else resampled(values, shape, kernel="cubic")


def _in_type(values: np.ndarray, *, dtype: np.dtype) -> np.ndarray:
    if values.dtype == dtype:
        return np.ascontiguousarray(values)
    if dtype.kind == "f":
        return values.astype(dtype)
    ends = np.iinfo(dtype)
    return np.clip(np.rint(values), ends.min, ends.max).astype(dtype)


def _marks(case: GridImage, shape: tuple[int, ...], *, values: np.ndarray, masks: int) -> dict[str, np.ndarray]:
    own = np.full((masks, *case.place.grid.shape), UNMARKED, np.uint8) if case.mask is None else case.mask
    stored = resampled_labels(case.place.to_stored(own), shape)
    nothing = np.zeros((masks, *(0,) * len(shape)), np.uint8)
    return {
        MASK: stored,
        TRUTH: nothing if stored.shape == own.shape and _straight(case) else own,
        COUNTS: np.stack([np.bincount(one.ravel(), minlength=256) for one in own]).astype(np.int64),
        SEEDS: seeds(stored),
        MARKED: levels(values, where=marked(stored)),
    }


def _straight(case: GridImage) -> bool:
    """Whether the stored axes are the file's."""
    return case.place.order == tuple(range(len(case.place.order))) and not any(case.place.turned)


def seeds(mask: np.ndarray) -> np.ndarray:
    """Return (n, 2 + axes) int32: column, value and place of up to SEEDS_EACH places of each label, evenly over the label."""
    found = []
    for column, one in enumerate(mask):
        flat = one.ravel()
        for value in np.flatnonzero(np.bincount(flat, minlength=256)):
            if value in {0, UNMARKED}:
                continue
            places = np.flatnonzero(flat == value)
            places = places[np.linspace(0, len(places) - 1, min(len(places), SEEDS_EACH)).astype(np.int64)]
            at = np.stack(np.unravel_index(places, one.shape), axis=1)
            found.append(np.concatenate([np.tile([column, value], (len(at), 1)), at], axis=1))
    return np.concatenate(found).astype(np.int32) if found else np.zeros((0, 2 + mask.ndim - 1), np.int32)


def fingerprint(case: GridImage) -> tuple[int, int]:
    """Return a 128-bit hash of the values along the stored axes, in what form they came."""
    stored = np.ascontiguousarray(case.place.to_stored(case.values), np.float32)
    digest = hashlib.blake2b(stored.tobytes() + repr(stored.shape).encode(), digest_size=16).digest()
    first, second = np.frombuffer(digest, np.int64)
    return int(first), int(second)
