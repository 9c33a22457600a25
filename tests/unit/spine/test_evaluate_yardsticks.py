"""What a plain number tells by itself, on real sequences and against scikit-learn."""

import csv
import gzip

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from osler.core.scores import Scores, Value
from osler.core.target import Target
from osler.spine.evaluate.yardsticks import PANEL, Yardstick, with_yardsticks
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
NUMBER = {"kind": "regression", "names": ["y"]}
MULTI = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]]}


def target(values, info):
    values = np.asarray(values, float)[:, None]
    return Target(values, np.isfinite(values), info)


def scored(task, info, before, now, *, name="GC share", groups=None):
    """Return the panel's rows by label; `before` and `now` are numbers and outcomes."""
    known = Scores({"auroc": Value(0.9), "spearman": Value(0.8)}, {}, {"auroc": Value(0.8)}, None, {"cases": len(now[0])})
    found = with_yardsticks(
        known, task, (Yardstick(name, before[0], now[0]),), before=target(before[1], info), now=target(now[1], info),
        groups=groups, plan={}, seed=0,
    )  # fmt: skip
    panels = {panel.name: panel for panel in found.panels}
    return {row.label: row for row in panels[PANEL].rows} if panels else {}


def core(data, part):
    """Return the GC share and the label of core promoters and what is none, counted here by the letters."""
    place = data / "genomes" / "gue" / "prom_prom_core_all" / f"{part}.csv.gz"
    if not place.is_file():
        pytest.skip("GUE's core promoters are not here")
    with gzip.open(place, "rt") as stream:
        rows = list(csv.DictReader(stream))
    shares = [sum(map(row["sequence"].upper().count, "GC")) / len(row["sequence"]) for row in rows]
    return np.array(shares), np.array([float(row["label"]) for row in rows])


def test_core_promoters_are_told_by_gc_alone_as_scikit_learn_counts_it(data):
    before, now = core(data, "train"), core(data, "test")
    rows = scored(Classification(), BINARY, before, now)
    auroc = rows["GC share"].values["auroc"]
    assert auroc.value == pytest.approx(roc_auc_score(now[1], now[0]), abs=1e-9)
    assert auroc.value == pytest.approx(0.725, abs=0.01)  # what a model of GC alone gets of them
    assert auroc.low < auroc.value < auroc.high < auroc.value + 0.03
    assert {name: row.values["auroc"].value for name, row in rows.items() if name != "GC share"} == {
        "bundle": 0.9,
        "baseline": 0.8,
    }
    assert rows["GC share"].cases == len(now[0])


def test_the_direction_is_that_of_training_even_where_the_test_says_otherwise():
    draw = np.random.default_rng(0)
    outcome = np.r_[np.zeros(50), np.ones(50)]
    falling = draw.normal(size=100) - 2 * outcome
    now = falling[::-1].copy(), outcome
    told = scored(Classification(), BINARY, (falling, outcome), (falling, outcome))["GC share"].values["auroc"].value
    turned = scored(Classification(), BINARY, (falling, outcome), now)["GC share"].values["auroc"].value
    assert told == pytest.approx(roc_auc_score(outcome, -falling))
    assert turned == pytest.approx(1 - told)


def test_a_number_is_told_by_its_rank_and_cases_without_one_are_left_out():
    draw = np.random.default_rng(1)
    plain = draw.normal(size=200)
    outcome = np.exp(-plain) + draw.normal(size=200) / 5
    now = plain[:100].copy()
    now[:7] = np.nan
    told = outcome[:100].copy()
    told[7:10] = np.nan
    row = scored(Regression(), NUMBER, (plain, outcome), (now, told), groups=np.arange(100) // 2)["GC share"]
    assert row.cases == 90
    assert row.values["spearman"].value == pytest.approx(-spearmanr(now[10:], told[10:]).statistic)


def test_nothing_is_told_of_few_cases_nor_of_classes_that_have_no_order():
    shares, outcome = np.linspace(0, 1, 20), np.tile([0.0, 1.0], 10)
    empty = np.full(20, np.nan)
    assert scored(Classification(), BINARY, (shares, outcome), (shares[:4], outcome[:4])) == {}
    assert scored(Classification(), BINARY, (empty, outcome), (shares, outcome)) == {}
    assert scored(Classification(), BINARY, (shares, outcome), (empty, outcome)) == {}
    assert scored(Classification(), MULTI, (shares, outcome), (shares, outcome)) == {}
