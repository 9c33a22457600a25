"""Which case lends its value to which, when a feature is torn from the outcome (Breiman 2001)."""

from __future__ import annotations

import numpy as np

LEAST_GROUPS = 10  # fewer can be exchanged in too few ways


def exchanged(groups: np.ndarray | None, cases: int, *, generator: np.random.Generator) -> np.ndarray:
    """Return (cases,) the case whose value each case gets.

    Where a group has several cases, groups exchange their values as wholes: the j-th case of one gets a value of the other's
    j-th (from the start again where the other is smaller), in a new order. So a value that is one for all visits of a
    patient stays one. Under ten groups, and without any, single cases exchange theirs.
    """
    if groups is None or not whole_groups(groups):
        return generator.permutation(cases)
    _, code, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    rows = np.lexsort((generator.random(cases), code.reshape(-1)))
    starts = np.cumsum(sizes) - sizes
    mine = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(cases) - starts[mine]
    lender = generator.permutation(len(sizes))[mine]
    out = np.empty(cases, np.int64)
    out[rows] = rows[starts[lender] + place % sizes[lender]]
    return out


def whole_groups(groups: np.ndarray | None) -> bool:
    """Return whether groups exchange their values as wholes, rather than single cases."""
    sizes = np.empty(0) if groups is None else np.unique(groups, return_counts=True)[1]
    return len(sizes) >= LEAST_GROUPS and bool(sizes.max() > 1)
