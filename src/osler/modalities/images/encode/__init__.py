"""One picture to its fields."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Field
from osler.modalities.images.case import DESCRIPTORS, HASHES, MARKS, PIXELS, THUMB, THUMBNAIL, Image
from osler.modalities.images.encode.descriptors import descriptors, names, perceptual_hash, thumbnail


def fields(*, reading: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields of a picture under the reading decisions."""
    shape = (int(reading["channels"]), *map(int, reading["size"]))
    return (
        Field(PIXELS, str(reading["dtype"]), shape, warp="linear"),
        Field(DESCRIPTORS, "float32", (len(names(shape)),), role="baseline", labels=names(shape)),
        Field(THUMBNAIL, "uint8", (THUMB, THUMB), role="baseline"),
        Field(HASHES, "int64", (len(MARKS),), role="baseline", labels=MARKS),
    )


def encode(case: Image, *, roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return the arrays of the fields whose role is among `roles`."""
    found: dict[str, np.ndarray] = {}
    if "input" in roles:
        found[PIXELS] = case.pixels
    if "baseline" in roles:
        small = thumbnail(case.pixels)
        found[DESCRIPTORS] = descriptors(case.pixels)
        found[THUMBNAIL] = small
        found[HASHES] = np.array([perceptual_hash(small), case.patient, case.scanner], np.int64)
    return found


def fingerprint(case: Image) -> tuple[int, int]:
    """Return 128 bits of the pixels' content."""
    text = f"{case.pixels.shape}{case.pixels.dtype}".encode()
    digest = hashlib.blake2b(np.ascontiguousarray(case.pixels).tobytes() + text, digest_size=16).digest()
    first, second = np.frombuffer(digest, np.int64)
    return int(first), int(second)
