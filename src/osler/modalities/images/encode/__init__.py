"""Pictures to their fields."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Field
from osler.modalities.images.case import DESCRIPTORS, HASHES, MARKS, PIXELS, THUMB, THUMBNAIL, Image
from osler.modalities.images.encode.descriptors import described, names


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
    return {name: values[0] for name, values in encode_all([case], roles=roles).items()}


def encode_all(cases: Sequence[Image], *, roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return the arrays (n, …) of pictures of one shape: they are described together, which takes a fraction of the time."""
    pixels = np.stack([case.pixels for case in cases])
    found: dict[str, np.ndarray] = {PIXELS: pixels} if "input" in roles else {}
    if "baseline" in roles:
        told = described(pixels)
        marks = [(case.patient, case.scanner, int(case.synthetic)) for case in cases]
        found |= {DESCRIPTORS: told.descriptors, THUMBNAIL: told.thumbnails}
        found[HASHES] = np.column_stack([told.hashes, np.array(marks, np.int64)])
    return found


def fingerprint(case: Image) -> tuple[int, int]:
    """Return 128 bits of the pixels' content."""
    text = f"{case.pixels.shape}{case.pixels.dtype}".encode()
    digest = hashlib.blake2b(np.ascontiguousarray(case.pixels).tobytes() + text, digest_size=16).digest()
    first, second = np.frombuffer(digest, np.int64)
    return int(first), int(second)
