"""Volumes to their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Field
from osler.modalities.images.case import DESCRIPTORS, HASHES, MARKS, PIXELS, THUMB, THUMBNAIL
from osler.modalities.images.volumes.case import FRAME, FRAMED, VolumeImage
from osler.modalities.images.volumes.descriptors import described, names


def fields(*, reading: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields of a volume under the reading decisions."""
    shape = (int(reading["channels"]), *map(int, reading["size"]))
    return (
        Field(PIXELS, str(reading["dtype"]), shape, warp="linear"),
        Field(FRAME, "float64", (FRAMED,)),
        Field(DESCRIPTORS, "float32", (len(names(shape)),), role="baseline", labels=names(shape)),
        Field(THUMBNAIL, "uint8", (THUMB, THUMB), role="baseline"),
        Field(HASHES, "int64", (len(MARKS),), role="baseline", labels=MARKS),
    )


def encode(case: VolumeImage, *, roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return the arrays of the fields whose role is among `roles`."""
    found: dict[str, np.ndarray] = {PIXELS: case.pixels, FRAME: case.frame.array()} if "input" in roles else {}
    if "baseline" in roles:
        told = described(case.pixels)
        hashes = np.array([told.hashes[0], case.patient, case.scanner, 0], np.int64)
        found |= {DESCRIPTORS: told.descriptors[0], THUMBNAIL: told.thumbnails[0], HASHES: hashes}
    return found
