"""Vectors of cases, and how badly each is restored."""

from __future__ import annotations

import numpy as np
import torch

from osler.contract import Batches
from osler.generation.representation.objective import RepresentationObjective


@torch.no_grad()
def vectors_of(objective: RepresentationObjective, source: Batches, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (m, d) float32 the vectors of the cases `rows`, and (m,) how badly each is restored, None where the method restores
    nothing. Every one of them has the input."""
    objective.module.eval()
    found, errors = [], []
    for batch in source.batches(rows, size=int(source.plan["fit.predict_batch"])):
        fields = batch.inputs[objective.name].fields
        found.append(objective.vectors(fields).cpu().numpy())
        restored = objective.errors(fields)
        errors += [] if restored is None else [restored.cpu().numpy()]
    if not found:
        return np.empty((0, 0), np.float32), None
    return np.concatenate(found), np.concatenate(errors) if errors else None
