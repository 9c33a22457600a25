"""Explanations of real bundles: they add up to what is predicted, and say so on a page of the user's own."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

import osler
from osler.core.errors import RequestError, StudyError
from osler.flows.explain import Asked, chosen
from osler.flows.importance import sampled
from osler.flows.predictor import load
from osler.spine.bundle import read_bundle, write_bundle
from tests.journeys.command import osler as command
from tests.journeys.command import refused

SETTINGS = {
    "fit.epochs": 4, "fit.members": 1, "fit.threads": 1, "split.folds": 2, "baseline.effort": 1, "explain.seconds": 3.0,
    "inputs.table.width": 32,
}  # fmt: skip


def cancer():
    bunch = load_breast_cancer()
    found = {name: bunch.data[:300, at].tolist() for at, name in enumerate(["radius", "texture", "perimeter", "area"])}
    draw = np.random.default_rng(0)
    found["ward"] = draw.choice(["north", "south", "west"], 300).tolist()
    found["radius"][5] = None
    return {
        **found,
        "kind": ["benign" if t else "malignant" for t in bunch.target[:300]],
        "patient": [f"p{n // 2}" for n in range(300)],
    }


def diabetes():
    bunch = load_diabetes()
    found = {name: bunch.data[:, at].tolist() for at, name in enumerate(bunch.feature_names)}
    return {**found, "progression": bunch.target.tolist(), "double": (3 * bunch.target + bunch.data[:, 2] * 900).tolist()}


def grades():
    """Three grades of what the first column says; the second says nothing, the third is the same in all cases but one."""
    draw = np.random.default_rng(0)
    strong, noise = draw.normal(size=(2, 240))
    grade = np.array(["I", "II", "III"])[np.digitize(strong + 0.2 * draw.normal(size=240), [-0.5, 0.6])]
    flat = np.r_[1.0, np.zeros(239)]
    return {"strong": strong.tolist(), "noise": noise.tolist(), "flat": flat.tolist(), "grade": grade.tolist()}


STUDIES = {
    "cancer": (cancer, {"target": "kind", "group": "patient", "id": "patient"}),
    "diabetes": (diabetes, {"target": ["progression", "double"]}),
    "grades": (grades, {"target": "grade", "language": "zh"}),
}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, (table, asked) in STUDIES.items():
        osler.train(table(), out=folder / name, settings=SETTINGS, cache=folder / "cache", budget="1m", leaks="allow", **asked)
        pl.DataFrame(table()).write_csv(folder / f"{name}.csv")
    return folder


@pytest.mark.parametrize("name", STUDIES)
def test_explanations_add_up_to_the_prediction(bundles, name):
    predictor, table = load(bundles / name), STUDIES[name][0]()
    lines = predictor.predict(table)
    found = predictor.explain(table, row=[1, 2, 30, 77])
    assert [one["row"] for one in found] == [1, 2, 30, 77]
    shares = found[0]["weights"]
    for one in found:
        for answer in one["answers"]:
            for part in ("bundle", "network", "baseline"):
                total = math.fsum(f["attribution"][part] for f in answer["features"])
                ends = answer[part]
                assert total + ends["reference"] + ends["error"] == pytest.approx(ends["score"], abs=1e-9)
                unit = lines[f"predicted_{answer['target']}"].std() if answer["scale"] == "value" else 1.0
                assert abs(ends["error"]) <= 1e-3 * max(abs(ends["score"] - ends["reference"]), unit)
            for feature in answer["features"]:
                parts = feature["attribution"]
                mixed = shares["network"] * parts["network"] + shares["baseline"] * parts["baseline"]
                assert parts["bundle"] == pytest.approx(mixed, abs=1e-9)
            column = next(c for c in lines.columns if c.endswith(answer["level"] or answer["target"]))
            assert answer["prediction"] == pytest.approx(lines[column][one["row"] - 1], rel=1e-5)
            if answer["scale"] == "log-odds":
                assert 1 / (1 + math.exp(-answer["bundle"]["score"])) == pytest.approx(answer["prediction"], rel=1e-5)
            if answer["scale"] == "value":
                assert answer["bundle"]["score"] == pytest.approx(answer["prediction"], rel=1e-5)


def test_the_predicted_class_is_explained_unless_another_is_asked_for(bundles):
    predictor, table = load(bundles / "grades"), grades()
    said = predictor.predict(table)["predicted"].to_list()
    rows = [said.index(level) + 1 for level in ("I", "II", "III")]
    found = predictor.explain(table, row=rows)
    assert {one["row"]: [a["level"] for a in one["answers"]] for one in found} == {
        row: [level] for row, level in zip(rows, ("I", "II", "III"), strict=True)
    }
    (one,) = predictor.explain(table, row=1, level=["I", "III"])
    assert [a["level"] for a in one["answers"]] == ["I", "III"]


def test_the_other_class_is_the_mirror_of_the_first(bundles):
    predictor, table = load(bundles / "cancer"), cancer()
    plain, other = (predictor.explain(table, row=3, **asked)[0]["answers"][0] for asked in ({}, {"level": "benign"}))
    assert (plain["level"], other["level"]) == ("malignant", "benign")
    assert other["prediction"] == pytest.approx(1 - plain["prediction"])
    mirrored = {f["name"]: -f["attribution"]["bundle"] for f in other["features"]}
    assert {f["name"]: f["attribution"]["bundle"] for f in plain["features"]} == pytest.approx(mirrored, abs=2e-3)


def test_targets_are_explained_each_or_as_asked_for(bundles):
    predictor, table = load(bundles / "diabetes"), diabetes()
    assert [a["target"] for a in predictor.explain(table, row=1)[0]["answers"]] == ["progression", "double"]
    assert [a["target"] for a in predictor.explain(table, row=1, target="double")[0]["answers"]] == ["double"]
    with pytest.raises(StudyError, match=r"no target 'progresion'; did you mean 'progression'\?"):
        predictor.explain(table, row=1, target="progresion")
    with pytest.raises(StudyError, match="no class 'x'"):
        predictor.explain(table, row=1, level="x")


def test_a_planted_strong_column_comes_first_and_a_flat_one_costs_nothing(bundles):
    scores = json.loads((bundles / "grades" / "scores.json").read_text())["explanation"]
    assert scores["attribution"]["shares"][0]["name"] == "strong"
    assert scores["attribution"]["references"] == "typical"
    rows = {row["name"]: row["loss"]["value"] for row in scores["permutation"]["rows"]}
    assert scores["permutation"]["rows"][0]["name"] == "strong"
    assert rows["strong"] > 0.1
    assert rows.get("flat", 0.0) == 0
    effect = next(e for e in scores["effects"] if e["name"] == "strong")
    third = next(a["effect"] for a in effect["answers"] if a["level"] == "III")
    assert third[-1] > third[0] + 0.2


def test_the_report_tells_what_moves_predictions(bundles):
    html = (bundles / "cancer" / "report.html").read_text()
    assert 'id="explanation"' in html
    assert "What is lost without a column" in html
    assert "是什么左右预测" in (bundles / "grades" / "report.html").read_text()


@pytest.mark.parametrize("name", STUDIES)
def test_what_a_bundle_says_on_the_whole_is_aggregates(bundles, name):
    told = json.loads((bundles / name / "scores.json").read_text())["explanation"]
    assert told["attribution"]["cases"] >= 30
    assert told["attribution"]["error"] < 0.02
    for part in ("bundle", "network", "baseline"):
        assert sum(line[part] for line in told["attribution"]["shares"]) == pytest.approx(1.0, abs=0.01)
    for effect in told["effects"]:
        assert min(effect["cases"]) >= 5


def test_a_bundle_without_references_explains_from_the_centre_and_says_so(bundles, tmp_path):
    from osler.core.state import State

    contents = read_bundle(bundles / "cancer")
    assert contents.state.part("explain").arrays
    arrays = {k: v for k, v in contents.state.arrays.items() if not k.startswith("explain.")}
    older = contents.__class__(
        contents.about, contents.plan, contents.weights, State(arrays, contents.state.values), contents.baselines, contents.documents
    )  # fmt: skip
    write_bundle(tmp_path / "older", older)
    found = osler.explain(tmp_path / "older", cancer(), row=4, out=tmp_path / "why")
    assert found[0]["references"] == "center"
    assert "trained without typical cases" in (tmp_path / "why" / "explanation.html").read_text()
    network = found[0]["answers"][0]["network"]
    assert abs(network["error"]) < 0.01


def test_evaluation_tells_what_moves_predictions_on_new_cases(bundles, tmp_path, monkeypatch):
    from osler.flows import gathering as room
    from osler.flows import importance

    plain = room.in_memory
    monkeypatch.setattr(room, "in_memory", lambda table, size: plain(table, size=min(size, 70)))
    monkeypatch.setattr(importance, "CASES", 100)
    osler.evaluate(bundles / "cancer", bundles / "cancer.csv", out=tmp_path / "scores")
    told = json.loads((tmp_path / "scores" / "scores.json").read_text())["explanation"]
    assert told["permutation"]["cases"] == 100
    assert told["permutation"]["exchange"] == "groups"
    assert 'id="explanation"' in (tmp_path / "scores" / "report.html").read_text()


def test_a_sample_of_blocks_keeps_cases_with_their_inputs():
    from osler.flows.sample import Sample
    from tests.unit.modalities.tables.test_network import columns_of

    sample, start = Sample(20, seed=0), 0
    for size in (7, 50, 3, 40):
        numbers = np.arange(start, start + size, dtype=np.float32)[:, None]
        sample.offer({"t": columns_of(numbers, np.zeros((size, 0), np.int64))}, np.arange(size))
        start += size
    columns, places = sample.taken()
    assert len(places) == 20
    np.testing.assert_array_equal(columns["t"]["numbers"][:, 0], places)
    assert (places > 60).sum() >= 3


def test_a_sample_keeps_the_rare():
    stratum = np.r_[np.zeros(100_000, int), np.ones(30, int)]
    kept = sampled(stratum, most=2000, seed=0)
    assert (stratum[kept] == 1).sum() == 30
    assert 1990 < len(kept) < 2050
    assert np.array_equal(sampled(np.zeros(10), most=20, seed=0), np.arange(10))


def test_no_seconds_leave_it_out(tmp_path):
    settings = {**SETTINGS, "fit.epochs": 1, "explain.seconds": 0.0}
    osler.train(cancer(), target="kind", group="patient", out=tmp_path / "m", settings=settings, cache=tmp_path / "cache",
                budget="1m", leaks="allow")  # fmt: skip
    assert "explanation" not in json.loads((tmp_path / "m" / "scores.json").read_text())
    assert 'id="explanation"' not in (tmp_path / "m" / "report.html").read_text()


# the command --------------------------------------------------------------------------------------------------------------


def test_the_command_writes_a_page_and_numbers(bundles, tmp_path):
    ended = command("explain", bundles / "cancer", bundles / "cancer.csv", "--case", "p2", "--row", 20, "--out", tmp_path / "why")
    assert ended.code == 0, ended.said
    told = json.loads((tmp_path / "why" / "explanation.json").read_text())
    assert [(one["row"], one["id"]) for one in told["cases"]] == [(5, "p2"), (6, "p2"), (20, "p9")]
    missing = next(f for f in told["cases"][1]["answers"][0]["features"] if f["name"] == "radius")
    assert missing["value"] is None
    html = (tmp_path / "why" / "explanation.html").read_text()
    assert "p2 · row 5" in html
    assert "radius = missing" in html
    assert "keep it as you keep the table" in html
    chinese = command(
        "explain",
        bundles / "cancer",
        bundles / "cancer.csv",
        "--row",
        1,
        "--class",
        "benign",
        "--language",
        "zh",
        "--out",
        tmp_path,
    )
    assert chinese.code == 0, chinese.said
    assert "为何如此预测" in (tmp_path / "explanation.html").read_text()


def test_a_refused_case_says_why(bundles, tmp_path):
    lines = (bundles / "cancer.csv").read_text().splitlines()
    lines[3] += ",too,many,cells"
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    ended = command("explain", bundles / "cancer", tmp_path / "bad.csv", "--row", 3, "--row", 4, "--out", tmp_path / "why")
    assert ended.code == 0, ended.said
    assert "row 3 has no prediction: " in ended.said
    told = json.loads((tmp_path / "why" / "explanation.json").read_text())["cases"]
    assert [bool(one["refused"]) for one in told] == [True, False]
    assert "This case has no prediction" in (tmp_path / "why" / "explanation.html").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--case", "P2x"), "no case 'P2x' in column 'patient'; the id most like it stands in row"),
        (("--case", "zzzzzzzzz"), "--row takes a row's number instead"),
        (("--row", "301"), "there is no row 301: the table has 300"),
        (("--row", "0"), "there is no row 0"),
        ((), "which case? give --case with its id, or --row with its number, from 1"),
        (("--row", "1", "--class", "malignent"), "no class 'malignent'; did you mean 'malignant'?"),
        (("--row", "1", "--target", "kinds"), "no target 'kinds'; did you mean 'kind'?"),
        (("--row", "1", "--language", "fr"), "no words in language 'fr'"),
        (tuple(w for n in range(1, 60) for w in ("--row", str(n))), "more than 50 cases are asked for"),
    ],
)
def test_what_cannot_be_explained_is_said(bundles, tmp_path, words, told):
    ended = command("explain", bundles / "cancer", bundles / "cancer.csv", *words, "--out", tmp_path / "why")
    said = refused(ended)
    assert told in said
    assert "p10" not in said  # no other patient's id
    assert not (tmp_path / "why" / "explanation.html").exists()


def test_a_bundle_without_an_id_takes_rows(bundles, tmp_path):
    ended = command("explain", bundles / "grades", bundles / "grades.csv", "--case", "7", "--out", tmp_path / "why")
    assert "knows no column that names a case; give --row" in refused(ended)


def test_asked_in_python_is_one_or_several():
    assert Asked.of(case="a", row=3, level="x") == Asked(("a",), (3,), (), ("x",))
    assert Asked.of(case=[7, "b"], row=(1, 2)) == Asked(("7", "b"), (1, 2))
    with pytest.raises(RequestError, match="a row is a number, from 1"):
        Asked.of(row="first")


def test_a_class_of_another_target_is_told(bundles):
    answers = load(bundles / "cancer").task.answers(
        load(bundles / "cancer").output("test"), info=load(bundles / "cancer").info, plan={}
    )
    assert [a.level for a in chosen(answers, Asked())] == ["malignant"]
    assert [a.level for a in chosen(answers, Asked(levels=("benign",)))] == ["benign"]


def test_fewer_than_five_cases_tell_nothing_on_the_whole(bundles, tmp_path):
    pl.DataFrame(cancer()).head(4).write_csv(tmp_path / "few.csv")
    osler.evaluate(bundles / "cancer", tmp_path / "few.csv", out=tmp_path / "scores")
    assert "explanation" not in json.loads((tmp_path / "scores" / "scores.json").read_text())


def test_one_class_in_new_cases_leaves_losses_out_with_the_reason(bundles, tmp_path):
    pl.DataFrame(cancer()).filter(pl.col("kind") == "benign").head(60).write_csv(tmp_path / "benign.csv")
    osler.evaluate(bundles / "cancer", tmp_path / "benign.csv", out=tmp_path / "scores")
    told = json.loads((tmp_path / "scores" / "scores.json").read_text())["explanation"]
    assert told["permutation"]["value"] is None
    assert "Nothing can be said of what is lost: AUROC has no value" in (tmp_path / "scores" / "report.html").read_text()
