"""What each input adds: by hand, bounded in time, and honest where nothing can be said."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from osler.core import registry
from osler.core.account import Account
from osler.core.plan import Plan
from osler.core.scores import Scores
from osler.core.state import State
from osler.core.study import Study
from osler.core.target import Target
from osler.flows import adding
from osler.flows.adding import Judged, added, what_inputs_add, withheld
from osler.flows.judging import raw_outputs
from osler.flows.members import joined_features, with_gaps
from osler.flows.opening import in_memory
from osler.flows.predictor import Predictor, load
from osler.flows.train import train
from osler.language import words
from osler.spine.evaluate import statistics_of
from osler.spine.evaluate.gains import gained
from osler.spine.fit import Source
from osler.spine.report.adding import adding as told_in_report
from osler.spine.study import Request

SMALL = ("fit.epochs=8", "fit.members=1", "fit.threads=1", "baseline.effort=1", "split.folds=2", "explain.seconds=2")


@dataclass(frozen=True)
class Made:
    """A bundle of two inputs, its cases as a source, and what was tested of them."""

    predictor: Predictor
    folder: Path
    frame: pl.DataFrame
    source: Source
    judged: Judged


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adding")
    generator = np.random.default_rng(0)
    cases = 400
    age, potassium, noise = generator.normal(size=(3, cases))
    died = (age + 2 * potassium + 0.5 * generator.normal(size=cases) > 0).astype(int)
    frame = pl.DataFrame({"age": age, "height": noise, "potassium": potassium, "sodium": noise**2, "died": died})
    gone = np.arange(cases) % 5 == 0
    labs = [pl.when(pl.Series(gone)).then(None).otherwise(pl.col(c)).alias(c) for c in ("potassium", "sodium")]
    frame = frame.with_columns(labs)
    frame.write_csv(folder / "t.csv")
    inputs = ("person=tables:age,height", "labs=tables:potassium,sodium")
    asked = Request(folder / "t.csv", target=("died",), inputs=inputs, budget="20s", settings=SMALL)
    predictor = load(train(asked, out=folder / "m", cache=folder / "cache"))
    (block,) = in_memory(frame)
    plan = predictor.contents.plan
    target, _ = predictor.task.target({"died": frame["died"].to_numpy().astype(float)}, info=predictor.info)
    source = Source(predictor.modalities, predictor.columns(block), plan)
    states = {part: predictor.output(part) for part in ("test", "network", "baseline")}
    rows = np.arange(cases)
    raws = raw_outputs(source, predictor.crews, predictor.blend, rows)
    lines = statistics_of(predictor.task, raws, target, states=states, plan=plan)
    judged = Judged(predictor.crews, predictor.blend, states, rows, target, None, lines)
    return Made(predictor, folder, frame, source, judged)


def told_of(made, **asked):
    asked = {"task": made.predictor.task, "seconds": 60.0, "seed": 0, "counts": {}} | asked
    return what_inputs_add(made.source, made.judged, **asked)


def test_gains_are_those_of_the_same_cases_with_and_without(made):
    found = told_of(made)
    assert found["measure"] == "auroc"
    both = np.flatnonzero(made.source.columns["labs"].present)
    truth = made.frame["died"].to_numpy()[both]
    for row in found["rows"]:
        assert row["cases"] == len(both) == 320
        gone = {"person": ("age", "height"), "labs": ("potassium", "sodium")}[row["name"]]
        lacking = made.frame.with_columns(pl.lit(None, pl.Float64).alias(c) for c in gone)
        answer = made.predictor.task.answers(made.predictor.output("test"), info=made.predictor.info, plan=made.source.plan)[0]
        chances = {
            key: made.predictor.predict(one)[answer.column].to_numpy()[both]
            for key, one in (("all", made.frame), ("without", lacking))
        }
        bundle = row["parts"]["bundle"]
        for key, chance in chances.items():
            assert bundle["auroc"][key]["value"] == pytest.approx(roc_auc_score(truth, chance), abs=1e-9)
            assert bundle["log_loss"][key]["value"] == pytest.approx(log_loss(truth, chance), abs=1e-6)
        for measure in ("auroc", "log_loss"):
            values = bundle[measure]
            difference = values["all"]["value"] - values["without"]["value"]
            assert values["difference"]["value"] == pytest.approx(difference, abs=1e-12)
            assert values["difference"]["low"] < difference < values["difference"]["high"]
        assert bundle["auroc"]["gain"] == bundle["auroc"]["difference"]
        assert "gain" not in bundle["log_loss"]
    gains = {row["name"]: row["parts"]["bundle"]["auroc"]["gain"] for row in found["rows"]}
    assert gains["labs"]["low"] > 0
    assert gains["labs"]["value"] > gains["person"]["value"]


def test_a_gain_in_an_error_is_what_it_falls_by(made):
    task = registry.task("regression")
    generator = np.random.default_rng(1)
    values = generator.normal(size=(80, 1))
    target = Target(values, np.ones((80, 1), bool), {"kind": "regression", "names": ["level"]})
    plan = {"target.mean": [0.0], "target.scale": [1.0]}
    near, far = (task.statistics(values + width * generator.normal(size=(80, 1)), target, state=State(), plan=plan)
                 for width in (0.1, 1.0))  # fmt: skip
    rmse = gained(task, {"bundle": (near, far)}, info=target.info, groups=None, seed=0)["bundle"]["rmse"]
    assert rmse["gain"]["value"] == -rmse["difference"]["value"] > 0.5
    assert (rmse["gain"]["low"], rmse["gain"]["high"]) == (-rmse["difference"]["high"], -rmse["difference"]["low"])


def test_paired_intervals_are_narrower_than_those_of_either_value(made):
    row = next(r for r in told_of(made)["rows"] if r["name"] == "person")
    values = row["parts"]["network"]["auroc"]
    wide = {key: values[key]["high"] - values[key]["low"] for key in ("without", "gain")}
    assert wide["gain"] < 2**0.5 * wide["without"]


def test_the_work_ends_with_its_seconds_and_at_its_most(made, monkeypatch):
    monkeypatch.setattr(adding, "CHUNK", 40)
    assert [row["cases"] for row in told_of(made, seconds=1e-6)["rows"]] == [40, 40]
    monkeypatch.setattr(adding, "MOST", 100)
    assert all(80 <= row["cases"] <= 100 for row in told_of(made)["rows"])
    assert told_of(made, seconds=0.0) == {}


def test_the_same_seed_looks_at_the_same_cases(made, monkeypatch):
    monkeypatch.setattr(adding, "MOST", 60)
    assert told_of(made)["rows"] == told_of(made)["rows"]
    assert told_of(made)["rows"] != told_of(made, seed=1)["rows"]


def test_nothing_is_said_of_one_input_nor_where_too_few_have_both(made):
    alone = replace(made.source, modalities={"labs": made.source.modalities["labs"]})
    assert what_inputs_add(alone, made.judged, task=made.predictor.task, seconds=9.0, seed=0, counts={}) == {}
    few = made.judged.take(np.r_[0:12])  # of these nine have both
    found = what_inputs_add(made.source, few, task=made.predictor.task, seconds=9.0, seed=0, counts={})
    assert [(row["cases"], row["parts"]) for row in found["rows"]] == [(0, {}), (0, {})]


def test_where_the_test_has_one_class_there_is_no_value_and_no_warning(made):
    one = made.judged.take(np.flatnonzero(made.judged.target.values[:, 0] == 1))
    found = what_inputs_add(made.source, one, task=made.predictor.task, seconds=9.0, seed=0, counts={})
    assert [row["parts"]["bundle"]["auroc"]["gain"]["value"] for row in found["rows"]] == [None, None]
    json.dumps(found, allow_nan=False)
    assert "cannot be said" in section(found).sentences[0]


def section(inputs, language="en", explanation=None):
    study = Study(Path(), Path(), ("died",), "classification", ())
    scores = Scores({}, {}, {}, None, {}, inputs=inputs, explanation=explanation or {})
    return told_in_report(Account(study, Plan([]), scores, {}, {}, "", {}, {}), words(language))


def test_the_report_says_what_is_shown_and_what_is_not(made):
    found = told_of(made, counts={"labs": {"present": 320, "absent": 80, "unread": {"a: b": 3}}})
    shown = section(found)
    assert any(s.startswith("labs adds to the prediction: AUROC is 0.") for s in shown.sentences)
    assert any("320 of 400 test cases have it. In 3 cases it was there and could not be read" in s for s in shown.sentences)
    assert shown.gains.svg.count("<circle") == 6
    for gain, start in (((-0.01, 0.03), "That x adds"), ((-0.04, -0.01), "Predictions are better without x")):
        low, high = gain
        ends = {"value": (low + high) / 2, "low": low, "high": high}
        parts = {"bundle": {"auroc": {"all": {"value": 0.8}, "without": {"value": 0.79}, "gain": ends}}}
        row = {"name": "x", "present": 9, "absent": 0, "unread": {}, "cases": 9, "parts": parts}
        assert section({"measure": "auroc", "resamples": 200, "rows": [row]}).sentences[0].startswith(start)
    assert section({}) is None
    assert "x" not in section(found, "zh").sentences[0][:1]


def test_shares_by_input_are_those_of_their_columns_together(made):
    told = json.loads(made.predictor.scores)["explanation"]["attribution"]
    for line in told["inputs"]:
        for part in ("bundle", "network", "baseline"):
            own = sum(one[part] for one in told["shares"] if one["name"].startswith(f"{line['name']}."))
            assert line[part] == pytest.approx(own, abs=2e-3)
    assert sum(line["bundle"] for line in told["inputs"]) == pytest.approx(1, abs=2e-3)
    assert section({"measure": "auroc", "resamples": 9, "rows": []}, explanation={"attribution": told}).shares is not None


def test_the_baseline_is_taught_gaps_up_to_the_share_that_is_dropped(made):
    rows = np.arange(400)
    source = replace(made.source, plan=made.source.plan.set_by_user({"fusion.drop": 0.25}))
    features = joined_features(source, rows, made.predictor.crews[0].states)
    found = with_gaps(features, source, rows, seed=0)
    assert np.array_equal(found.matrix[:400], features.matrix, equal_nan=True)
    added_lines, which = found.matrix[400:], found.positions[400:]
    labs = np.array([name.startswith("labs.") for name in features.names])
    without_labs, without_person = np.isnan(added_lines[:, labs]).all(1), np.isnan(added_lines[:, ~labs]).all(1)
    assert (int(without_labs.sum()), int(without_person.sum())) == (20, 100)  # 80 of the 400 lack labs by themselves
    assert not (without_labs & without_person).any()
    kept = np.where(np.isnan(added_lines), features.matrix[which], added_lines)
    assert np.array_equal(kept, features.matrix[which])
    assert made.source.columns["labs"].present[which].all()
    none = replace(source, plan=source.plan.set_by_user({"fusion.drop": 0.0}))
    assert with_gaps(features, none, rows, seed=0) is features


def test_the_counts_of_blocks_add_up():
    one = {"present": 3, "absent": 2, "unread": {"a": 1}}
    assert added(one, {"present": 1, "absent": 4, "unread": {"a": 2, "b": 1}}) == {
        "present": 4, "absent": 6, "unread": {"a": 3, "b": 1},
    }  # fmt: skip


def test_withholding_leaves_the_source_as_it_was(made):
    held = withheld(made.source, "labs")
    assert not held.columns["labs"].present.any()
    assert made.source.columns["labs"].present.sum() == 320
    assert held.columns["person"] is made.source.columns["person"]
