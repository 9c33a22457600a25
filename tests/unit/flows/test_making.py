"""What makes or represents goes one way from a table to a bundle and back."""

import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer

import osler
from osler.core import registry
from osler.core.errors import PlanError, RequestError, StudyError
from osler.flows.inspect import inspect
from osler.flows.making import blocks, open_made
from osler.flows.making.labels import Labelled
from osler.flows.opening import in_memory
from osler.flows.train import train
from osler.generation.representation.vectors import vectors_of
from osler.spine.study import Request

FAST = ("fit.epochs=2", "inputs.rows.width=16", "inputs.rows.depth=1", "inputs.rows.members=2")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The 569 cases of the Wisconsin breast cancer data, some without a label."""
    frame = load_breast_cancer(as_frame=True).frame
    frame["malignant"] = (frame.pop("target") == 0).map({True: "yes", False: "no"})
    frame.loc[:39, "malignant"] = None
    path = tmp_path_factory.mktemp("making") / "table.csv"
    frame.to_csv(path, index=False)
    return path


def asked(table, *, settings=FAST, **more):
    given = {"task": "representation", "inputs": ("rows=tables:mean *,worst *",), "budget": "30s", **more}
    return Request(table, settings=settings, **given)


@pytest.fixture(scope="module")
def bundle(table):
    return train(asked(table, target=("malignant",)), out=table.parent / "bundle", cache=table.parent / "cache")


def vectors(folder, table):
    opened = open_made(folder)
    found = []
    for _, columns, refusals in blocks(opened, table):
        assert not refusals
        source = opened.source(columns)
        found.append(vectors_of(opened.objective, source, np.arange(len(columns["rows"])))[0])
    return np.concatenate(found)


def test_a_study_without_a_target_is_made(table, tmp_path):
    out = train(asked(table), out=tmp_path / "bundle", cache=table.parent / "cache")
    scores = json.loads((out / "scores.json").read_text())
    assert scores["task"] == "representation"
    assert scores["counts"]["cases"] == 569
    assert not (tmp_path / "bundle.run").exists()


def test_a_label_may_be_missing(bundle):
    counts = json.loads((bundle / "scores.json").read_text())["counts"]
    assert counts["refused"] == 0
    assert counts["training"] + counts["tune"] + counts["test"] == 569


def test_the_report_tells_of_data_measures_and_plan(bundle):
    page = (bundle / "report.html").read_text()
    for told in ("How well cases are restored", "The mean training case", "<code>method</code>", "<code>learning_rate</code>"):
        assert told in page
    assert "<code>effort</code>" not in page


def test_the_report_is_chinese_in_chinese(table, tmp_path):
    out = train(asked(table, language="zh"), out=tmp_path / "bundle", cache=table.parent / "cache")
    assert "病例还原得如何" in (out / "report.html").read_text()


def test_the_same_seed_and_plan_give_the_same_bytes(table, bundle, tmp_path):
    plan = bundle / "plan.json"
    again = train(asked(table, target=("malignant",)), out=tmp_path / "again", plan=plan, cache=table.parent / "cache")
    assert (bundle / "weights.safetensors").read_bytes() == (again / "weights.safetensors").read_bytes()


def test_a_bundle_represents_new_cases_as_in_training(bundle, table):
    found = vectors(bundle, table)
    assert found.shape == (569, 16)
    assert np.isfinite(found).all()
    one = next(in_memory(table)).slice(100, 101)
    assert np.allclose(vectors(bundle, one.rows), found[100:101], atol=1e-5)


def test_a_killed_training_ends_with_the_same_weights(table, bundle, tmp_path, monkeypatch):
    """Its plan is taken up, and its checkpoint."""
    from osler.spine.fit import loop

    real = loop.save

    def killed(*given, **named):
        real(*given, **named)
        raise KeyboardInterrupt

    ask, plan, cache = asked(table, target=("malignant",)), bundle / "plan.json", table.parent / "cache"
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            train(ask, out=tmp_path / "bundle", plan=plan, cache=cache)
    assert (tmp_path / "bundle.run" / "member-0" / "checkpoint.safetensors").is_file()
    taken = train(ask, out=tmp_path / "bundle", plan=plan, cache=cache)
    assert (taken / "weights.safetensors").read_bytes() == (bundle / "weights.safetensors").read_bytes()


def test_a_bundle_that_represents_does_not_predict(bundle, table):
    with pytest.raises(RequestError, match=r"of the task 'representation' and predicts nothing; use it with 'osler embed'"):
        osler.load(bundle)


def test_a_bundle_of_another_task_is_refused_with_its_command(bundle):
    with pytest.raises(RequestError, match=r"wanted is a bundle of 'synthesis'; use it with 'osler embed'"):
        open_made(bundle, task="synthesis")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"folds": 3}, "folds: the task 'representation' is trained once; leave it out"),
        ({"inputs": ("a=tables:mean *", "b=tables:worst *")}, "learned of one input, and the study has 2"),
        ({"target": ("nothing",)}, "the table has no column 'nothing'"),
    ],
)
def test_what_cannot_be_is_said(table, tmp_path, more, message):
    with pytest.raises(StudyError, match=message):
        train(asked(table, **more), out=tmp_path / "bundle", cache=table.parent / "cache")


def test_a_decision_of_predictors_is_refused(table, tmp_path):
    with pytest.raises(PlanError, match=r"'baseline\.effort' is decided of predictors, not of the task 'representation'"):
        train(asked(table, settings=("baseline.effort=2",)), out=tmp_path / "bundle", cache=table.parent / "cache")


def test_too_few_cases_are_refused(tmp_path):
    frame = load_breast_cancer(as_frame=True).frame.iloc[:19]
    frame.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(StudyError, match="19 cases can be used, and the task 'representation' needs at least 20"):
        train(asked(tmp_path / "table.csv"), out=tmp_path / "bundle", cache=tmp_path / "cache")


def test_threads_are_given_back(bundle):
    assert torch.get_num_threads() == 1


def test_an_inspection_shows_the_plan_of_what_is_made(table, tmp_path):
    found = inspect(asked(table), out=tmp_path / "plan.json", cache=table.parent / "cache")
    assert found.plan["representation.method"] == "denoising"
    assert found.split.how == "drawn by chance: groups kept whole, classes in equal shares"
    assert set(found.plan) == {d["name"] for d in json.loads((tmp_path / "plan.json").read_text())["decisions"]}
    assert found.stop == ""


def test_a_label_of_skewed_numbers_stays_as_the_table_has_it():
    values = np.exp(np.random.default_rng(0).normal(0, 1.2, 100))
    label = Labelled("representation", label=registry.task("regression"), cases=100)
    one, unusable = label.target({"volume": values})
    assert not unusable
    np.testing.assert_array_equal(one.values[:, 0], values)
    two, _ = label.target({"volume": values, "other": values})
    np.testing.assert_array_equal(two.values, np.stack([values, values], axis=1))
    np.testing.assert_array_equal(label.target({"volume": values}, info=one.info)[0].values, one.values)
