"""What is learned, measured and given to the classical model."""

import json

import numpy as np
import pytest

from osler.core.target import Target
from osler.modalities.molecules.case import DESCRIPTORS, FINGERPRINT
from osler.modalities.molecules.fit import FEWEST
from tests.unit.modalities.molecules.test_molecules_leaks import official
from tests.unit.modalities.molecules.test_molecules_read import MOLECULES, shard

ALL = ("input", "baseline", "identity")


@pytest.fixture(scope="module")
def columns(data):
    cells, _ = official(data / "molecules/tdc_admet/herg")
    return shard([*cells[:160], None, "C1CC"], roles=ALL)


@pytest.fixture(scope="module")
def state(columns):
    return MOLECULES.fit(columns, np.arange(len(columns)), groups=np.arange(len(columns)), plan={})


def test_counts_that_fewer_than_five_groups_have_or_lack_are_left_out(columns, state):
    there = columns[FINGERPRINT][:160] > 0
    rare = np.minimum(there.sum(0), (~there).sum(0))
    assert state.arrays["counts"].tolist() == np.flatnonzero(rare >= FEWEST).tolist()
    few = MOLECULES.fit(columns, np.arange(len(columns)), groups=np.arange(len(columns)) // 40, plan={})
    assert len(few.arrays["counts"]) < len(state.arrays["counts"])
    one = MOLECULES.fit(columns, np.arange(len(columns)), groups=np.zeros(len(columns), np.int64), plan={})
    assert len(one.arrays["counts"]) == 0
    assert (one.arrays["scale"] == 1).all()


def test_descriptors_are_scaled_by_what_is_usual(columns, state):
    scaled = (columns[DESCRIPTORS][:160] - state.arrays["center"]) / state.arrays["scale"]
    assert np.abs(np.median(scaled, axis=0)).max() < 0.01
    assert (scaled.std(axis=0) < 12).all()


def test_the_baseline_sees_descriptors_and_kept_counts_and_nothing_of_an_absent_case(columns, state):
    features = MOLECULES.baseline_features(columns, np.array([0, 160, 161]), state=state)
    assert features.matrix.shape == (3, len(features.names))
    assert np.isfinite(features.matrix[0]).all()
    assert np.isnan(features.matrix[1:]).all()
    assert len(set(features.names)) == len(features.names)
    told = columns[DESCRIPTORS].shape[1]
    assert (features.owner[:told] == 1).all()  # descriptors
    assert (features.owner[told:] == 0).all()  # structure


def test_facts_tell_of_repeated_and_contradicting_molecules():
    columns = shard(["CCO", "OCC", "CCN", "CCN", "CCCCl"], roles=ALL)
    target = Target(np.array([[0.0], [1], [1], [1], [0]]), np.ones((5, 1), bool), {})
    facts = MOLECULES.facts(columns, np.arange(5), target=target)
    assert facts["repeated"] == 2
    assert facts["conflicting"] == 1
    assert facts["different"]["canonical"] == 3
    assert json.loads(json.dumps(facts)) == facts


def test_other_molecules_are_told_as_drift(columns, state):
    rows = np.arange(160)
    facts = MOLECULES.facts(columns, rows)
    same = MOLECULES.drift(MOLECULES.drift_sums(columns, rows, facts=facts, state=state), facts=facts, state=state)
    assert [shift.finding for shift in same if shift.finding] == []
    small = shard(["CCO", "CCN", "CCC", "CO", "CCCC", "CCCl"] * 10, roles=ALL)
    sums = MOLECULES.drift_sums(small, np.arange(60), facts=facts, state=state)
    other = {shift.column: shift.finding for shift in MOLECULES.drift(sums, facts=facts, state=state)}
    assert other["MolWt"] == "mean"
