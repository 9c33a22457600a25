"""How well cases are restored from their vectors, beside the mean case and as many principal components."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from osler.contract import Made
from osler.core.judgement import Judgement, Section
from osler.core.measure import Measure
from osler.core.panel import Panel, Row
from osler.generation.interval import mean_value
from osler.generation.representation.denoising import distance
from osler.generation.representation.noise import weights
from osler.generation.representation.objective import RepresentationObjective

FITTED = 2_000  # training cases on which principal components are fitted
FLOATS = 1 << 26  # of these cases at most: 256 MB
ERROR = Measure("restoring_error", better="lower", scale="log")
NAMES = {"method": "Vectors", "components": "Principal components, as many", "mean": "The mean training case"}


def restoring(made: Made, objective: RepresentationObjective, *, errors: np.ndarray, rows: np.ndarray) -> Judgement:
    """Return the `errors` (m,) of the test cases `rows`, beside those of baselines where cases have one size."""
    found: dict[str, np.ndarray] = {"method": errors, **_baselines(made, objective, rows=rows, width=objective.width)}
    groups = made.groups[rows] if made.grouped else None
    told = tuple(
        Row(NAMES[name], len(each), {ERROR.name: mean_value(each, groups=groups, seed=made.seed, measure=ERROR)})
        for name, each in found.items()
    )
    section = Section(
        "restoring", "How well cases are restored",
        ("restoring.text",), (Panel("restoring", told),),
    )  # fmt: skip
    value = told[0].values[ERROR.name].value
    return Judgement("", (section,), numbers={"restoring_error": value})


@torch.no_grad()
def _baselines(
    made: Made, objective: RepresentationObjective, *, rows: np.ndarray, width: int
) -> Mapping[str, np.ndarray]:  # fmt: skip
    lifted = _lifted(made, objective, made.split.training[:: max(1, len(made.split.training) // FITTED)])
    if lifted is None:
        return {}
    mean = lifted.mean(0, keepdim=True)
    flat = (lifted - mean).flatten(1)
    rank = min(width, *flat.shape)
    torch.manual_seed(made.seed)
    axes = torch.pca_lowrank(flat, q=rank, center=False)[2]
    found: dict[str, list[np.ndarray]] = {"components": [], "mean": []}
    for batch in made.source.batches(rows, size=int(made.plan["fit.predict_batch"])):
        fields = batch.inputs[objective.name].fields
        wanted = objective.encoder.lift(fields).float()
        weight = weights(wanted, encoder=objective.encoder)
        apart = (wanted - mean).flatten(1)
        restored = ((apart @ axes) @ axes.T).reshape(wanted.shape) + mean
        found["components"].append(distance(wanted, restored, weight=weight).cpu().numpy())
        found["mean"].append(distance(wanted, mean.expand_as(wanted), weight=weight).cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _lifted(made: Made, objective: RepresentationObjective, rows: np.ndarray) -> torch.Tensor | None:
    """Return what is lifted of `rows`; None of sequences, whose lengths differ, and of cases too large to keep."""
    if getattr(objective.encoder, "ragged", False):
        return None
    parts, floats = [], 0
    for batch in made.source.batches(rows, size=int(made.plan["fit.predict_batch"])):
        parts.append(objective.encoder.lift(batch.inputs[objective.name].fields).float())
        floats += parts[-1].numel()
        if floats > FLOATS:
            return None
    return torch.cat(parts)
