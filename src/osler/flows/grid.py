"""Targets on a grid: cases are streamed one by one, and sampled positions stand for them where a matrix is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from osler.core.features import Features
from osler.core.state import State
from osler.core.target import Target
from osler.flows.crew import Crew
from osler.spine.fit import Source

POSITIONS = 1 << 18  # of all cases together: enough for a baseline, a blend and a calibration


def baseline_positions(source: Source, rows: np.ndarray, *, states: Mapping[str, State], seed: int) -> tuple[Features, Target]:
    """Return the anchor's features at sampled positions of `rows` and the target there, one line each."""
    assert source.anchor is not None
    generator = np.random.default_rng([seed, 3])
    modality, columns = source.modalities[source.anchor], source.columns[source.anchor]
    features = modality.baseline_features(columns, rows, state=states[source.anchor], at="grid", generator=generator)
    if len(features.matrix) > POSITIONS:
        keep = np.sort(generator.choice(len(features.matrix), POSITIONS, replace=False))
        assert features.places is not None
        features = replace(
            features, matrix=features.matrix[keep], positions=features.positions[keep], places=features.places[keep]
        )
    return features, positions_target(source, rows, features)


def positions_target(source: Source, rows: np.ndarray, features: Features) -> Target:
    """Return the target at the positions of `features`."""
    assert source.target is not None
    assert features.places is not None
    values = np.zeros((len(features.positions), 1))
    observed = np.zeros((len(features.positions), 1), bool)
    for turn, row in enumerate(rows):
        lines = np.flatnonzero(features.positions == turn)
        whole = case_target(source, int(row))
        values[lines, 0] = whole.values.reshape(-1)[features.places[lines]]
        observed[lines, 0] = whole.observed.reshape(-1)[features.places[lines]]
    return Target(values, observed, source.target.info)


def case_target(source: Source, row: int) -> Target:
    """Return one case's target as (1, channels, i, j[, k])."""
    assert source.target is not None
    assert source.anchor is not None
    columns = source.columns[source.anchor]
    names = columns.names("target")
    values = np.asarray(columns[names[0]][row])[None]
    observed = np.asarray(columns[names[1]][row])[None].astype(bool) if len(names) > 1 else np.ones(values.shape, bool)
    return Target(values, observed, source.target.info)


def crew_maps(crew: Crew, source: Source, row: int) -> dict[str, np.ndarray]:
    """Return the raw map (k, i, j[, k]) of one case by the networks' mean and by the baseline."""
    assert source.anchor is not None
    network = np.mean([member.raw_map(source, row) for member in crew.networks], axis=0)
    modality, columns = source.modalities[source.anchor], source.columns[source.anchor]
    features = modality.baseline_features(columns, np.array([row]), state=crew.states[source.anchor], at="grid")
    return {"network": network, "baseline": crew.baseline.raw(features.matrix).T.reshape(network.shape)}


def sampled(source: Source, crew: Crew, rows: np.ndarray, *, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray], Target]:
    """Return sampled positions of `rows`: the case of each, raw outputs (m, k) by part, the target there."""
    features, target = baseline_positions(source, rows, states=crew.states, seed=seed)
    assert features.places is not None
    raws = {"baseline": crew.baseline.raw(features.matrix)}
    raws["network"] = np.zeros_like(raws["baseline"])
    for turn, row in enumerate(rows):
        lines = np.flatnonzero(features.positions == turn)
        maps = np.mean([member.raw_map(source, int(row)) for member in crew.networks], axis=0)
        raws["network"][lines] = maps.reshape(len(maps), -1)[:, features.places[lines]].T
    return rows[features.positions], raws, target
