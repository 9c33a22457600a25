"""The baseline as a task meets it: every kind of outcome, honest choice, files that restore it and tell of nobody."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.metrics import roc_auc_score

from osler.core.errors import BundleError
from osler.core.features import Features
from osler.core.target import Target
from osler.tasks.baselines import fit_baseline, load_baseline

QUICK = {"baseline.effort": 1, "fit.threads": 1}


def features_of(matrix, *, categorical=()):
    matrix = np.asarray(matrix, np.float32)
    flags = np.isin(np.arange(matrix.shape[1]), categorical)
    return Features(matrix, np.arange(len(matrix)), tuple(f"f{j}" for j in range(matrix.shape[1])), flags)


def target_of(values, *, weight=None, **info):
    values = np.asarray(values, float)
    values = values if values.ndim == 2 else values[:, None]
    return Target(np.nan_to_num(values), ~np.isnan(values), info, weight)


def fitted(matrix, values, *, kind, plan=(), groups=None, categorical=(), seed=0, weight=None, **info):
    groups = np.arange(len(matrix)) if groups is None else groups
    return fit_baseline(
        features_of(matrix, categorical=categorical), target_of(values, weight=weight, **info), kind=kind, groups=groups,
        plan=QUICK | dict(plan), seed=seed,
    )  # fmt: skip


@pytest.fixture(scope="module")
def cancer():
    known = load_breast_cancer()
    return known.data, known.target.astype(float), np.random.default_rng(0).permutation(569)


@pytest.fixture(scope="module")
def model(cancer):
    data, truth, order = cancer
    return fitted(data[order[:400]], truth[order[:400]], kind="binary")


def test_real_patients_are_told_apart_and_chances_are_honest(cancer, model):
    data, truth, order = cancer
    raw = model.raw(data[order[400:]])
    assert raw.shape == (169, 1)
    assert roc_auc_score(truth[order[400:]], raw[:, 0]) > 0.98
    assert abs(expit(raw).mean() - truth[order[400:]].mean()) < 0.05


def test_numbers_come_on_the_scale_of_the_plan():
    known = load_diabetes()
    plan = {"target.mean": [152.0, 0.0], "target.scale": [77.0, 1.0]}
    both = np.column_stack([known.target, known.target / 100])
    raw = fitted(known.data, both, kind="regression", plan=plan).raw(known.data)
    assert raw.shape == (442, 2)
    np.testing.assert_allclose(raw[:, 0].mean(), 0, atol=0.05)
    np.testing.assert_allclose(raw[:, 1].mean(), 1.52, atol=0.05)
    assert np.mean((raw[:, 0] * 77 + 152 - known.target) ** 2) < 0.6 * known.target.var()


def test_several_classes():
    known = load_wine()
    half = np.arange(len(known.target)) % 2 == 0
    model = fitted(known.data[half], known.target[half], kind="multiclass", classes=[["a", "b", "c"]])
    chances = softmax(model.raw(known.data[~half]), axis=1)
    assert chances.shape == (89, 3)
    assert (chances.argmax(1) == known.target[~half]).mean() > 0.93


def test_labels_that_were_not_observed_are_not_learned_from(cancer):
    data, truth, _ = cancer
    labels = np.column_stack([truth, 1 - truth])
    hidden = np.arange(569) % 3 == 0
    labels[hidden, 1] = np.nan
    lied = labels.copy()
    lied[hidden, 1] = 1.0
    told = fit_baseline(features_of(data), target_of(labels), kind="multilabel", groups=np.arange(569), plan=QUICK, seed=0)
    target = Target(lied, ~np.isnan(labels), {})
    assert np.array_equal(
        told.raw(data),
        fit_baseline(features_of(data), target, kind="multilabel", groups=np.arange(569), plan=QUICK, seed=0).raw(data),
    )
    assert roc_auc_score(1 - truth, told.raw(data)[:, 1]) > 0.98


def test_a_case_of_no_weight_is_no_case(cancer):
    data, truth, order = cancer
    rows = order[:200]
    weight = np.r_[np.ones(150), np.zeros(50)]
    lied = np.where(weight > 0, truth[rows], 1 - truth[rows])
    weighed = fitted(data[rows], lied, kind="binary", weight=weight)
    assert np.array_equal(weighed.raw(data), fitted(data[rows[:150]], truth[rows[:150]], kind="binary").raw(data))


def test_the_same_seed_gives_the_same_files(cancer, model):
    data, truth, order = cancer
    again = fitted(data[order[:400]], truth[order[:400]], kind="binary")
    assert again.files() == model.files()


def test_files_restore_the_model(cancer, model):
    data, *_ = cancer
    strange = data.copy()
    strange[::3, 4] = np.nan
    again = load_baseline(model.files())
    assert np.array_equal(again.raw(strange), model.raw(strange))
    assert again.sentence() == model.sentence()
    assert load_baseline(again.files()).files() == again.files()


def test_no_value_of_one_patient_is_in_the_files():
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(300, 4))
    matrix[:, 3] = draw.integers(0, 3, 300)
    matrix[5, 0], matrix[6, 1], matrix[7, 2] = 123456.7, -98765.43, 31.41592
    files = fitted(matrix, (matrix[:, 0] > 0).astype(float), kind="binary", categorical=(3,)).files()
    for data in files.values():
        for value in (matrix[5, 0], matrix[6, 1], matrix[7, 2]):
            assert f"{value:.4f}".rstrip("0")[:7].encode() not in data
            assert np.float32(value).tobytes() not in data
            assert np.float64(value).tobytes() not in data


@pytest.mark.parametrize("name", ["baseline.json", "linear.safetensors", "boosting-0.txt"])
@pytest.mark.parametrize("harm", ["lost", "cut", "garbled"])
def test_a_damaged_file_is_refused(model, name, harm):
    files = dict(model.files())
    whole = files.pop(name)
    if harm != "lost":
        files[name] = whole[: len(whole) // 3] if harm == "cut" else b"\xff\x00" + whole[::-1]
    with pytest.raises(BundleError, match=r"damaged|lacks"):
        load_baseline(files)


def test_a_newer_format_is_refused(model):
    files = dict(model.files())
    files["baseline.json"] = json.dumps({**json.loads(files["baseline.json"]), "format": 99}).encode()
    with pytest.raises(BundleError, match="update Osler"):
        load_baseline(files)


def test_thousands_of_columns_and_few_rows(data):
    import polars as pl

    folder = data / "genomes" / "golub"
    train = pl.read_csv(folder / "data_set_ALL_AML_train.csv", infer_schema_length=None)
    test = pl.read_csv(folder / "data_set_ALL_AML_independent.csv", infer_schema_length=None)
    known = dict(pl.read_csv(folder / "actual.csv").iter_rows())

    def matrix(frame):
        patients = [c for c in frame.columns if c.isdigit()]
        return frame.select(patients).to_numpy().T.astype(np.float32), np.array([known[int(p)] == "AML" for p in patients], float)

    (unseen, truth), (genes, outcome) = matrix(test), matrix(train)
    model = fitted(genes, outcome, kind="binary")
    assert roc_auc_score(truth, model.raw(unseen)[:, 0]) > 0.9


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("cases", [0, 1, 2, 5, 19, 25])
def test_few_cases_give_a_simple_model(kind, cases):
    draw = np.random.default_rng(0)
    matrix, values = draw.normal(size=(cases, 3)), (np.arange(cases) % 2).astype(float)
    model = fitted(matrix, values, kind=kind, classes=[["a", "b", "c"]])
    assert np.isfinite(model.raw(draw.normal(size=(4, 3)))).all()
    assert model.raw(np.empty((0, 3))).shape == (0, 3 if kind == "multiclass" else 1)
    again = load_baseline(model.files())
    assert np.array_equal(again.raw(matrix), model.raw(matrix))


def test_one_class_gives_its_prior():
    model = fitted(np.random.default_rng(0).normal(size=(99, 3)), np.ones(99), kind="binary")
    np.testing.assert_allclose(expit(model.raw(np.zeros((2, 3)))), 99.5 / 100)


@pytest.mark.parametrize(
    "matrix", [np.full((60, 2), np.nan), np.ones((60, 2)), np.empty((60, 0))], ids=["gaps", "constant", "none"]
)
def test_features_that_tell_nothing_give_the_prior(matrix):
    values = (np.arange(60) % 3 == 0).astype(float)
    raw = fitted(matrix, values, kind="binary").raw(matrix)
    np.testing.assert_allclose(expit(raw), 1 / 3, atol=0.05)


def test_two_groups_are_too_few_to_tune():
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(60, 2))
    model = fitted(matrix, (matrix[:, 0] > 0).astype(float), kind="binary", groups=np.arange(60) % 2)
    assert "too few" in model.sentence()


def test_what_the_caller_handed_in_stays_as_it_was(cancer):
    data, truth, order = cancer
    features, target = features_of(data[order[:100]]), target_of(truth[order[:100]])
    before = features.matrix.copy(), target.values.copy()
    model = fit_baseline(features, target, kind="binary", groups=np.arange(100), plan=QUICK, seed=0)
    model.raw(features.matrix)
    assert np.array_equal(features.matrix, before[0])
    assert np.array_equal(target.values, before[1])
