"""Many pictures at once: read one by one, encoded together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.contract import Modality
from osler.core.columns import NO_WORDS, Columns, stacked
from osler.core.errors import Refusal, Refused
from osler.modalities.images.case import Image
from osler.modalities.images.encode import encode_all
from osler.modalities.images.read import quiet


def shard(modality: Modality, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
    """Return the columns of one shard; a picture that cannot be read is absent and has a refusal."""
    cases: dict[int, Image] = {}
    refusals: dict[int, Refusal] = {}
    prints = np.zeros((len(locators), 2), np.int64)
    with quiet():
        for row, locator in enumerate(locators):
            try:
                case = None if locator is None else _read(modality, locator, reading=reading)
            except Refused as refused:
                refusals[row] = refused.refusal
                continue
            if case is not None:
                cases[row] = case
                prints[row] = modality.fingerprint(case)
    present = np.zeros(len(locators), bool)
    present[list(cases)] = True
    fields = tuple(f for f in modality.fields(reading=reading) if f.role in roles)
    found = encode_all(list(cases.values()), roles=roles) if cases else {}
    if cases and present.all():
        arrays = {f.name: np.asarray(found[f.name], f.dtype) for f in fields}
    else:
        at = np.cumsum(present) - 1
        arrays = {
            f.name: np.asarray(stacked(f, [found[f.name][at[r]] if p else None for r, p in enumerate(present)])) for f in fields
        }
    return Columns(fields, arrays, present, prints, refusals, NO_WORDS)


def _read(modality: Modality, locator: Any, *, reading: Mapping[str, Any]) -> Image | None:
    if isinstance(locator, Refusal):
        raise Refused(locator)
    case: Image | None = modality.read(locator, reading=reading)
    return case
