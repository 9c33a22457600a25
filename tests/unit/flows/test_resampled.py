"""Cross-validation and sites left out: who is tested, what stops, what the bundle then holds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from osler.core.errors import LeakError, RequestError, StudyError
from osler.flows.cases import gather_cases
from osler.flows.opening import open_study
from osler.flows.predictor import load
from osler.flows.scheme import judge, scheme_of
from osler.flows.verbs import inspect, request_of, train
from osler.spine.evaluate.sites import MEAN, NEW

SETTINGS = {"fit.epochs": 1, "fit.members": 1, "fit.threads": 1, "split.folds": 1, "baseline.effort": 1}


def cells(rows=150, **more) -> dict[str, list]:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    found = {name: bunch.data[:rows, at].tolist() for at, name in enumerate(["radius", "texture", "area"])}
    return {**found, "kind": ["benign" if t else "malignant" for t in bunch.target[:rows]], **more}


def scheme(tmp_path, table, **asked):
    request = request_of(table, target="kind", settings={"split.folds": 1}, cache=tmp_path / "cache", asked=asked)
    study, opened = open_study(request, cache=tmp_path / "cache")
    cases = gather_cases(study, opened, cache=tmp_path / "cache")
    return cases, scheme_of(cases)


def thirds(rows=150):
    return [f"site {row % 3}" for row in range(rows)]


def test_every_case_is_tested_once_in_each_repeat_by_a_training_that_never_saw_its_group(tmp_path):
    cases, found = scheme(tmp_path, cells(patient=[f"p{n // 2}" for n in range(150)]), group="patient", folds=4, repeats=2)
    assert len(found.outer) == 8
    for repeat in range(2):
        tests = [o.split.test for o in found.outer if o.repeat == repeat]
        assert sorted(np.concatenate(tests)) == cases.usable.tolist()
    for outer in found.outer:
        assert not set(cases.groups[outer.split.test]) & set(cases.groups[outer.split.development])
    assert len(found.last.test) == 0
    assert found.last.development.tolist() == cases.usable.tolist()
    assert found.trainings == 9


def test_each_site_is_tested_by_a_training_that_saw_none_of_it(tmp_path):
    sites = thirds()
    cases, found = scheme(tmp_path, cells(site=sites), leave_out="site")
    assert [outer.label for outer in found.outer] == ["site 0", "site 1", "site 2"]
    for outer in found.outer:
        assert {sites[row] for row in outer.split.test} == {outer.label}
        assert outer.label not in {sites[row] for row in outer.split.development}
    assert "site" not in cases.study.inputs[0].columns


def test_small_sites_are_pooled_and_cases_without_a_site_wait_for_the_last_training(tmp_path):
    sites = ["a"] * 60 + ["b"] * 75 + ["c"] * 3 + ["d"] * 4 + [None] * 8
    _, found = scheme(tmp_path, cells(site=sites), leave_out="site")
    assert [outer.label for outer in found.outer] == ["a", "b", "2 small sites, pooled"]
    assert len(found.outer[2].split.test) == 7
    assert all(row < 142 for outer in found.outer for row in (*outer.split.test, *outer.split.development))
    assert len(found.last.development) == 150
    assert "8 cases name no site" in found.outer[0].split.how


def test_a_site_that_holds_nearly_all_of_a_class_is_not_tested(tmp_path):
    """Real tumours, the malignant of all sites but one made benign, save four: without that site a model would know no malignancy."""
    table = cells(site=thirds())
    others = [
        row
        for row, (kind, site) in enumerate(zip(table["kind"], table["site"], strict=True))
        if kind == "malignant" and site != "site 0"
    ]
    table["kind"] = ["benign" if row in others[4:] else kind for row, kind in enumerate(table["kind"])]
    _, found = scheme(tmp_path, table, leave_out="site")
    assert [outer.label for outer in found.outer] == ["site 1", "site 2"]
    assert "site 'site 0' is not tested: fewer than 5 of the other cases have the class 'malignant'" in found.outer[0].split.how
    assert len(found.last.development) == 150
    table["site"] = ["a" if site == "site 0" else "b" for site in table["site"]]
    with pytest.raises(StudyError, match=r"site 'a' is not tested(.|\n)*two sites are needed that can be tested"):
        scheme(tmp_path, table, leave_out="site")


def test_a_fold_whose_class_no_other_fold_has_stops(tmp_path):
    table = cells(patient=["one" if row < 20 else f"p{row}" for row in range(150)])
    table["kind"] = ["malignant" if row < 20 else "benign" for row in range(150)]
    with pytest.raises(StudyError, match=r"repeat 1, fold \d: fewer than 1 of the other cases have the class 'malignant'"):
        scheme(tmp_path, table, group="patient", folds=3)


def test_too_few_cases_of_small_sites_are_not_tested(tmp_path):
    _, found = scheme(tmp_path, cells(site=["a"] * 60 + ["b"] * 87 + ["c"] * 3), leave_out="site")
    assert len(found.outer) == 2
    assert "3 cases of sites with fewer than 5 are not tested" in found.outer[0].split.how


@pytest.mark.parametrize(
    ("sites", "told"),
    [
        (["a"] * 150, "has 1 value among the usable cases"),
        ([None] * 150, "has no value among the usable cases"),
        ([f"s{row}" for row in range(150)], "fewer than two sites of at least 5 cases can be made"),
    ],
)
def test_a_column_that_makes_no_sites_is_refused(tmp_path, sites, told):
    with pytest.raises(StudyError, match=told):
        scheme(tmp_path, cells(site=sites), leave_out="site")


def test_too_many_sites_are_refused_with_another_way(tmp_path):
    table = {"x": [float(n) for n in range(606)], "kind": ["a", "b"] * 303, "site": [f"s{n // 6}" for n in range(606)]}
    with pytest.raises(StudyError, match=r"has 101 values.*at most 100 can be.*--folds 10"):
        scheme(tmp_path, table, leave_out="site")


def test_more_folds_than_groups_are_refused(tmp_path):
    with pytest.raises(StudyError, match="9 folds need at least 9 groups and there are 8"):
        scheme(tmp_path, cells(patient=[f"p{row % 8}" for row in range(150)]), group="patient", folds=9)


def test_a_patient_in_two_sites_stops_the_run_or_is_left_out_of_training(tmp_path):
    table = cells(site=thirds(), patient=["p0", "p0"] + [f"p{n}" for n in range(2, 150)])
    _, found = scheme(tmp_path, table, leave_out="site", group="patient")
    assert "in 2 of 3 outer folds: 1 groups are in training and in test" in found.leaks[0].sentence
    with pytest.raises(LeakError, match="the test would not be honest"):
        judge(found, how="stop")
    _, dropped = scheme(tmp_path, table, leave_out="site", group="patient", leaks="drop")
    judge(dropped, how="drop")
    assert 0 not in dropped.outer[1].split.development
    assert 1 not in dropped.outer[0].split.development


def test_a_plan_is_not_given_to_several_trainings(tmp_path):
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(RequestError, match="with folds each training has its own"):
        train(cells(), target="kind", folds=3, plan=tmp_path / "plan.json", out=tmp_path / "m", cache=tmp_path / "cache")


def test_inspect_tells_how_many_trainings_there_will_be(tmp_path):
    found = inspect(cells(), target="kind", folds=3, settings=SETTINGS, cache=tmp_path / "cache", budget="1m")
    assert found.trainings == 4
    assert len(found.split.test) == 0
    assert found.plan["fit.epochs"] == 1


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """A bundle of three sites, of which one has a single class."""
    folder = tmp_path_factory.mktemp("sites")
    table = cells(160)
    alike = [row for row in range(160) if table["kind"][row] == "malignant"][:12]
    table["site"] = ["all ill" if row in alike else f"site {row % 2}" for row in range(160)]
    train(table, target="kind", leave_out="site", out=folder / "m", settings=SETTINGS, cache=folder / "cache", budget="1m")
    return folder / "m"


def test_the_bundle_holds_scores_by_site_and_the_last_training(sites):
    found = load(sites)
    scores = json.loads(found.scores)
    assert scores["origin"] == {"kind": "sites", "column": "site", "sites": 3, "refit": True}
    assert scores["counts"]["cases"] == 160
    rows = {row["label"]: row for row in scores["panels"]["site.site"]["rows"]}
    assert list(rows) == ["all ill", "site 0", "site 1", MEAN, NEW]
    lone = rows["all ill"]["values"]["auroc"]
    assert lone["value"] is None
    assert "one class only" in lone["note"]
    assert rows[MEAN]["about"]["sites"]["auroc"] == 2
    assert rows[NEW]["values"]["auroc"]["value"] is None
    assert found.contents.about["counts"]["test"] == 0
    assert sum(found.contents.about["counts"][part] for part in ("training", "tune", "calibrate")) == 160
    assert "a last training, on all cases" in " ".join(scores["notes"])
    assert len(found.predict(cells())) == 150


def test_the_report_says_where_the_scores_come_from(sites):
    page = (sites / "report.html").read_text()
    assert "predicted by a model that saw none of its site" in page
    assert "The bundle predicts with the" not in page.split("<nav")[0].split("warnings")[0]
    assert "saw none of its cases" in (sites / "card.md").read_text()
