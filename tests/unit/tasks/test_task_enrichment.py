"""Screening measures equal RDKit's, and count ties as if in every order."""

import itertools

import numpy as np
import pytest

from osler.core.plan import Brief
from osler.core.state import State
from osler.tasks import enrichment

BINARY = {"kind": "binary", "names": ["hit"], "classes": [["0", "1"]], "positive": "1"}


def ordered(score, truth, counts=None):
    statistics = np.stack([truth, score, np.zeros(len(score)), score], axis=1)
    return enrichment._Ordered.of(statistics, np.ones((1, len(score)), int) if counts is None else counts)


@pytest.mark.parametrize(("cases", "share"), [(1000, 0.03), (347, 0.5), (50, 0.1)])
def test_enrichment_and_bedroc_equal_rdkit(cases, share):
    scoring = pytest.importorskip("rdkit.ML.Scoring.Scoring")
    generator = np.random.default_rng(cases)
    truth = (generator.random(cases) < share).astype(float)
    score = generator.normal(truth, 1)
    rows = [[s, t] for s, t in sorted(zip(score, truth, strict=True), reverse=True)]
    found = ordered(score, truth)
    assert enrichment.bedroc(found)[0] == pytest.approx(scoring.CalcBEDROC(rows, 1, 20.0), abs=1e-9)
    for fraction in (0.01, 0.05, 0.2):
        theirs = scoring.CalcEnrichment(rows, 1, [fraction])[0]
        assert enrichment.among_first(found, fraction=fraction)["enrichment"][0] == pytest.approx(theirs, abs=1e-9)


def test_cases_of_equal_score_count_as_the_mean_over_their_orders():
    truth = np.array([1.0, 0, 0, 1, 0])
    found = ordered(np.array([3.0, 2, 2, 2, 1]), truth)
    each = [ordered(np.array([5.0, 4, 3, 2, 1]), truth[[0, *middle, 4]]) for middle in itertools.permutations((1, 2, 3))]
    for fraction in (0.2, 0.4, 0.6):
        means = np.mean([enrichment.among_first(one, fraction=fraction)["enrichment"][0] for one in each])
        assert enrichment.among_first(found, fraction=fraction)["enrichment"][0] == pytest.approx(means)
    assert enrichment.bedroc(found)[0] == pytest.approx(np.mean([enrichment.bedroc(one)[0] for one in each]))


def test_a_resample_equals_the_cases_that_it_holds():
    generator = np.random.default_rng(3)
    truth = (generator.random(80) < 0.2).astype(float)
    score = np.round(generator.normal(truth, 1), 1)
    truth[5] = np.nan
    counts = generator.multinomial(80, np.full(80, 1 / 80), size=6)
    together = ordered(score, truth, counts)
    for at, count in enumerate(counts):
        rows = np.repeat(np.arange(80), count)
        alone = ordered(score[rows], truth[rows])
        assert enrichment.bedroc(together)[at] == pytest.approx(enrichment.bedroc(alone)[0])
        for name, values in enrichment.among_first(together, fraction=0.05).items():
            assert values[at] == pytest.approx(enrichment.among_first(alone, fraction=0.05)[name][0])


def test_without_positives_there_is_no_value():
    found = ordered(np.arange(5.0), np.zeros(5))
    assert np.isnan(enrichment.bedroc(found)).all()
    assert np.isnan(enrichment.among_first(found, fraction=0.1)["enrichment"]).all()
    assert enrichment.bedroc(ordered(np.arange(5.0), np.ones(5)))[0] == 1


def test_it_is_told_only_where_the_plan_says_so():
    assert enrichment.views(State(), BINARY) == ()
    shown = enrichment.views(State({}, enrichment.told({"target.screening": True})), BINARY)
    assert [view.label for view in shown][:2] == ["first 1%", "first 2%"]
    assert enrichment.views(State({}, {"screening": True}), {**BINARY, "kind": "multiclass"}) == ()
    brief = Brief({}, {"kind": "binary", "rarest": 0.02}, "classification", "vector", "cpu", 1.0, 100, 100)
    (decision,) = enrichment.rules(brief)
    assert decision.value is False
