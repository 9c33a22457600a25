"""The type in which values are returned: whole numbers stay whole, fractions become float32."""

from __future__ import annotations

import numpy as np

_WHOLE = ("uint8", "int16", "uint16", "int32", "uint32", "int64")  # the first that holds all that the header allows


def result_type(stored: np.dtype, *, slope: float, intercept: float) -> np.dtype:
    """Return the native type of stored × slope + intercept; what is not rescaled keeps its type, float64 becomes float32."""
    if stored.kind == "f":
        return np.dtype(np.float32)
    if (slope, intercept) == (1.0, 0.0):
        return stored.newbyteorder("=")
    ends = np.iinfo(stored)
    return type_of_span(int(ends.min), int(ends.max), scales=((slope, intercept),))


def type_of_span(low: int, high: int, *, scales: tuple[tuple[float, float], ...]) -> np.dtype:
    """Return the type that holds low … high after each of `scales` (slope, intercept)."""
    if any(slope != int(slope) or intercept != int(intercept) for slope, intercept in scales):
        return np.dtype(np.float32)
    ends = [value * int(slope) + int(intercept) for slope, intercept in scales for value in (low, high)]
    for name in _WHOLE:
        held = np.iinfo(name)
        if held.min <= min(ends) and max(ends) <= held.max:
            return np.dtype(name)
    return np.dtype(np.float32)


def rescaled(values: np.ndarray, *, slope: float, intercept: float, dtype: np.dtype) -> np.ndarray:
    """Return values × slope + intercept in `dtype`, as they are where nothing changes; `values` are left alone."""
    if (slope, intercept) == (1.0, 0.0):
        return values.astype(dtype, copy=False)
    if dtype.kind == "f":
        wide = np.float64 if values.dtype.itemsize > 2 else np.float32
        return (values * wide(slope) + wide(intercept)).astype(dtype, copy=False)
    found = values.astype(dtype)
    scale_whole(found, slope=int(slope), intercept=int(intercept))
    return found


def scale_whole(values: np.ndarray, *, slope: int, intercept: int) -> None:
    """Multiply and add in place, modulo 2^n: where the result fits the type it is exact, whatever lies between."""
    unsigned = values.view(f"u{values.dtype.itemsize}")
    size = 1 << 8 * values.dtype.itemsize
    if slope != 1:
        np.multiply(unsigned, unsigned.dtype.type(slope % size), out=unsigned)
    if intercept != 0:
        np.add(unsigned, unsigned.dtype.type(intercept % size), out=unsigned)


def mirror_whole(values: np.ndarray, *, total: int) -> None:
    """Replace each value by `total` less it, in place and modulo 2^n."""
    unsigned = values.view(f"u{values.dtype.itemsize}")
    np.subtract(unsigned.dtype.type(total % (1 << 8 * values.dtype.itemsize)), unsigned, out=unsigned)
