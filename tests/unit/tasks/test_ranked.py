"""Ranked lists of labels: the columns, and how good they are."""

import time

import numpy as np
import pytest
from scipy.special import logit

from osler.core.errors import PlanError
from osler.core.plan import Brief
from osler.core.state import State
from osler.core.target import Target
from osler.tasks import ranking
from osler.tasks.classification import Classification

ODD = ["heart failure; acute", "=cmd|' /C calc'!A0", "肺炎"]
INFO = {
    "kind": "multilabel",
    "names": ODD,
    "classes": [["0", "1"], ["no", "yes"], ["female", "male"]],
    "positive": ["1", "yes", "male"],
}


def test_labels_are_listed_by_falling_probability_with_their_names():
    chance = np.array([[0.62, 0.31, 0.05], [0.2, 0.2, 0.9]])
    found = Classification().decode(logit(chance), State(), info=INFO, plan={"target.listed": 2})
    assert found["ranked"].tolist() == [
        "heart failure, acute 0.62; =cmd|' /C calc'!A0 0.31",
        "肺炎: male 0.90; heart failure, acute 0.20",
    ]
    assert found["rank_1"].tolist() == ["heart failure; acute", "肺炎: male"]
    assert found["rank_2"].tolist() == [ODD[1], ODD[0]]  # of equals, the first in the study
    np.testing.assert_allclose(found["p_1"], [0.62, 0.9])
    assert "rank_3" not in found


def test_no_more_labels_are_listed_than_there_are_and_none_where_none_is_asked_for():
    raw = np.zeros((1, 3))
    assert "p_3" in Classification().decode(raw, State(), info=INFO, plan={"target.listed": 50})
    assert "ranked" not in Classification().decode(raw, State(), info=INFO, plan={"target.listed": 0})
    facts = {
        "kind": "multilabel",
        "rarest": 0.4,
        "prior": [0.0],
        "counts": [[6, 4]] * 3,
        **{k: INFO[k] for k in ("classes", "positive")},
    }
    brief = Brief({}, facts, "classification", "vector", "cpu", 1.0, 9, 9, settings={"target.listed": -1})
    with pytest.raises(PlanError, match=r"'target\.listed' cannot be -1; wanted 0"):
        Classification().rules(brief)


def statistics(raw, values):
    target = Target(values, ~np.isnan(values), {**INFO, "names": [str(n) for n in range(raw.shape[1])],
                                              "classes": [["0", "1"]] * raw.shape[1], "positive": ["1"] * raw.shape[1]})  # fmt: skip
    return Classification().statistics(raw, target, state=State(), plan={}), target.info


def panels(raw, values, counts):
    found, info = statistics(raw, values)
    return {v.label: v.measures(found, counts) for v in ranking.views(info)}


def brute(raw, values, place):
    """Return precision, recall, found at `place`, over the observed labels, written as one reads it."""
    precision, recall, found = [], [], []
    for scores, truth in zip(raw, values, strict=True):
        seen = [n for n in np.argsort(-scores, kind="stable") if not np.isnan(truth[n])]
        if not seen:
            continue
        hits = sum(truth[n] for n in seen[:place])
        precision.append(hits / min(place, len(seen)))
        if any(truth[n] for n in seen):
            recall.append(hits / sum(truth[n] for n in seen))
            found.append(hits > 0)
    return np.mean(precision), np.mean(recall), np.mean(found)


def test_first_labels_are_scored_over_what_was_observed():
    generator = np.random.default_rng(3)
    raw = np.round(generator.normal(size=(300, 6)), 1)
    values = (raw + generator.normal(size=raw.shape) > 1).astype(float)
    values[generator.random(raw.shape) < 0.4] = np.nan
    values[7] = np.nan
    found = panels(raw, values, np.ones((1, 300), np.uint8))
    for place in (1, 3, 5):
        wanted = dict(zip(("precision_at", "recall_at", "found_at"), brute(raw, values, place), strict=True))
        assert {k: v[0] for k, v in found[f"first {place}"].items()} == pytest.approx(wanted, abs=1e-12)


def test_a_resample_is_scored_as_its_cases_would_be():
    generator = np.random.default_rng(4)
    raw = generator.normal(size=(200, 4))
    values = (raw + generator.normal(size=raw.shape) > 0.5).astype(float)
    counts = generator.integers(0, 3, (3, 200)).astype(np.uint8)
    together = panels(raw, values, counts)
    for number, drawn in enumerate(counts):
        rows = np.repeat(np.arange(200), drawn)
        alone = panels(raw[rows], values[rows], np.ones((1, len(rows)), np.uint8))
        for label, measures in alone.items():
            for name, value in measures.items():
                near = 2e-3 if name.startswith("micro") else 1e-9  # those of many resamples are summed over runs
                assert together[label][name][number] == pytest.approx(value[0], abs=near), (label, name)


def test_the_order_of_three_hundred_labels_is_scored_in_time():
    generator = np.random.default_rng(5)
    raw = generator.normal(size=(5_000, 300)) - 3
    values = (generator.random(raw.shape) < 0.03).astype(float)
    found, info = statistics(raw, values)
    began = time.perf_counter()
    views = {v.label: v for v in Classification().views(state=State(), info=info)}
    listed = views["whole lists"].measures(found, np.ones((1, 5_000), np.uint8))
    assert time.perf_counter() - began < 20
    assert listed["micro_auroc"][0] == pytest.approx(0.5, abs=0.02)
    pointed = {v.panel for v in views.values() if v.panel.startswith("operating_points")}
    assert len(pointed) <= 20


def test_a_label_in_fewer_than_five_cases_has_no_score_of_its_own():
    generator = np.random.default_rng(6)
    raw = generator.normal(size=(100, 2))
    values = np.zeros((100, 2))
    values[:40, 0], values[:4, 1] = 1, 1
    found, info = statistics(raw, values)
    measures = Classification().measures(found, np.ones((1, 100), np.uint8), info=info)
    assert np.isnan(measures["auroc_1"][0])
    assert np.isfinite(measures["auroc_0"][0])
    assert measures["auroc"][0] != measures["auroc_0"][0]  # in the mean it counts
