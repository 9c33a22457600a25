"""The cases of a finished training as they are judged: their vectors, and what these were made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from osler.contract import Batches, Made
from osler.core.split import Split
from osler.generation.embedding import Embedded, flattened
from osler.generation.representation import holdout
from osler.generation.representation.objective import RepresentationObjective
from osler.generation.representation.vectors import vectors_of

MOST = {"training": 20_000, "tune": 5_000, "test": 20_000}  # cases that are looked at; of more, some drawn by the seed


def embedded(made: Made, objective: RepresentationObjective) -> tuple[Embedded, np.ndarray]:
    """Return the cases that have the input, part by part and numbered anew, and (m,) their rows in the table."""
    here = made.source.columns[objective.name].present
    parts = {name: _some(part[here[part]], most=MOST[name], seed=made.seed) for name, part in _parts(made.split).items()}
    rows = np.concatenate(list(parts.values()))
    vectors, errors = vectors_of(objective, made.source, rows)
    ends = np.cumsum([0, *(len(part) for part in parts.values())])
    training, tune, test = (np.arange(start, stop) for start, stop in pairwise(ends.tolist()))
    found = Embedded(
        vectors=vectors,
        raw=raw_of(objective, made.source, rows),
        split=Split(training, tune, training[:0], test, (), made.split.how),
        groups=made.groups[rows],
        target=None if made.target is None else replace(made.target.take(rows), weight=None),
        grouped=made.grouped,
        holdout=str(made.plan.get(holdout.NAME) or ""),
        errors=errors,
        seed=made.seed,
    )
    return found, rows


def raw_of(objective: RepresentationObjective, source: Batches, rows: np.ndarray) -> np.ndarray:
    """Return (m, f) float32: what the encoder lifts of each case, as one line of numbers. Sequences are padded to the longest."""
    sizes = {tuple(one.shape[1:]) for one in _lifted(objective, source, rows)}
    if len(next(iter(sizes), ())) != 2:
        return np.concatenate([flattened(one) for one in _lifted(objective, source, rows)])
    longest = max(length for length, _ in sizes)
    # of a sequence (L, letters) the letters are the channels of a line
    padded = (F.pad(one, (0, 0, 0, longest - one.shape[1])).transpose(1, 2) for one in _lifted(objective, source, rows))
    return np.concatenate([flattened(one) for one in padded])


@torch.no_grad()
def _lifted(objective: RepresentationObjective, source: Batches, rows: np.ndarray) -> Iterator[Tensor]:
    for batch in source.batches(rows, size=int(source.plan["fit.predict_batch"])):
        yield objective.encoder.lift(batch.inputs[objective.name].fields)


def _parts(split: Split) -> dict[str, np.ndarray]:
    return {"training": split.training, "tune": np.concatenate([split.tune, split.calibrate]), "test": split.test}


def _some(rows: np.ndarray, *, most: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng([seed, 0xE3B]).permutation(rows)[:most])
