"""Structural alerts beside the predictions that are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.errors import RequestError
from osler.core.table import Table

if TYPE_CHECKING:
    from osler.flows.predictor import Predictor

COLUMN = "alerts"


def check(predictor: Predictor) -> None:
    """Raise RequestError where no input of the bundle knows alerts."""
    if not _knowing(predictor):
        raise RequestError("--alerts are of molecules, and this bundle reads none; leave it out")


def with_alerts(
    lines: dict[str, np.ndarray], predictor: Predictor, *, block: Table, columns: Mapping[str, Columns]
) -> dict[str, np.ndarray]:
    """Return the `lines` of a block with a column of the alerts of each; of several inputs with molecules one column each."""
    rows = lines["row"].astype(np.int64) - 1 - block.first
    knowing = _knowing(predictor)
    names = {name: COLUMN if len(knowing) == 1 else f"{COLUMN}_{name}" for name in knowing}
    return {**lines, **{names[name]: modality.alerts(columns[name], rows) for name, modality in knowing.items()}}


def _knowing(predictor: Predictor) -> dict[str, Modality]:
    return {name: modality for name, modality in predictor.modalities.items() if type(modality).alerts is not Modality.alerts}
