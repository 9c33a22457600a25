"""Values of which only a bound is known: read, learned from, scored apart; on solubilities whose floor an assay would have cut off."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest
import torch

import osler
from osler.contract import TargetBatch
from osler.core.errors import PlanError, StudyError
from osler.core.features import Features
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target
from osler.spine.scan import target_columns
from osler.tasks.baselines import fit_baseline
from osler.tasks.baselines.bounded import imputed
from osler.tasks.baselines.tuning import Problem
from osler.tasks.regression import Regression

TASK = Regression()
FLOOR = -5.0  # log mol/L: of ESOL's 1,128 molecules 180 are less soluble
PLAN = {"target.mean": [0.0], "target.scale": [1.0]}


def read(*cells, **settings):
    return TASK.target({"y": np.array(cells, object)}, settings=settings)


def test_a_cell_tells_a_number_or_a_bound_and_units_tell_neither():
    target, refused = read("1.5", ">10", "<0.5", ">= 4", "≤2", "~3", "=6", "10 µM", ">", None)
    assert target.values[:7, 0].tolist() == [1.5, 10, 0.5, 4, 2, 3, 6]
    assert target.side[:, 0].tolist() == [0, 1, -1, 1, -1, 0, 0, 0, 0, 0]
    assert target.observed[:, 0].tolist() == [True, False, False, False, False, True, True, False, False, False]
    assert target.told[:, 0].tolist() == [True] * 7 + [False] * 3
    assert {row: why.code for row, why in refused.items()} == {7: "bad_number", 8: "bad_number", 9: "no_target"}
    assert target.info == {"kind": "regression", "names": ["y"], "bounded": [True]}
    assert TASK.facts(target, np.arange(10))["bounds"] == [[2, 2]]


def test_bounds_are_left_out_cell_by_cell_or_row_by_row_where_the_study_says_so():
    columns = {"a": np.array(["1", ">2", "3", "4"], object), "b": np.array(["1", "2", "<3", None], object)}
    used, none = TASK.target(columns)
    assert not none
    assert used.told.tolist() == [[True, True], [True, True], [True, True], [True, False]]
    dropped, none = TASK.target(columns, settings={"censored": "drop"})
    assert not none
    assert dropped.side is None
    assert dropped.observed.tolist() == [[True, True], [False, True], [True, False], [True, False]]
    kept, refused = TASK.target(columns, settings={"censored": "refuse"})
    assert {row: str(why) for row, why in refused.items()} == dict.fromkeys(
        (1, 2), "bound: a bound, which the study leaves out, is no exact number"
    )
    assert kept.observed.tolist() == [[True, True], [False, False], [False, False], [True, False]]
    with pytest.raises(PlanError, match=r"'target\.censored' cannot be 'keep'; it is one of: 'use', 'drop', 'refuse'"):
        read("1", "2", censored="keep")
    with pytest.raises(StudyError, match="holds bounds such as >10 alone and no exact number"):
        read(">1", ">2")


def test_signs_in_a_column_of_their_own_stand_before_their_numbers():
    relations = ["=", "'>'", "<", None, "about", ">"]
    table = Table(pa.table({"ki": [1.0, 2.0, 3.5, 4.0, 5.0, None], "ki_sign": relations, "ok": ["="] * 6}), None)
    target, refused = TASK.target(target_columns(table, ("ki",), qualifier="*_sign"))
    assert target.values[:4, 0].tolist() == [1, 2, 3.5, 4]
    assert target.side[:, 0].tolist() == [0, 1, -1, 0, 0, 0]
    assert {row: why.code for row, why in refused.items()} == {4: "bad_number", 5: "no_target"}
    assert target_columns(table, ("ki",), qualifier="ok")["ki"].dtype == np.float64


def test_a_bound_costs_the_square_of_what_is_short_of_it_and_nothing_beyond():
    raw = torch.tensor([[1.0], [3.0], [1.0], [3.0], [3.0]], requires_grad=True)
    side = torch.tensor([[1], [1], [-1], [-1], [0]], dtype=torch.int8)
    target = TargetBatch(torch.full((5, 1), 2.0), side == 0, side)
    loss = TASK.loss(raw, target, plan=PLAN)
    assert loss.tolist() == [1, 0, 0, 1, 1]
    loss.sum().backward()
    assert raw.grad[:, 0].tolist() == [-2, 0, 0, 2, 2]
    several = TASK.loss(raw.detach()[:, None].repeat(1, 3, 1), target, plan=PLAN)  # three models in one
    assert several.tolist() == [1, 0, 0, 1, 1]


def test_measures_of_exact_values_and_of_bounds_stand_apart():
    info = {"kind": "regression", "names": ["y"], "bounded": [True]}
    values, side = np.array([[1.0], [2], [3], [4], [5]]), np.array([[0], [0], [1], [1], [-1]], np.int8)
    target = Target(values, side == 0, info, side=side)
    statistics = TASK.statistics(np.array([[2.0], [2], [5], [1], [9]]), target, state=State(), plan=PLAN)
    counts = np.array([[1, 1, 1, 1, 1], [1, 1, 2, 0, 0], [1, 1, 0, 0, 0]], np.uint8)
    found = TASK.measures(statistics, counts, info=info)
    np.testing.assert_allclose(found["rmse"], np.sqrt([0.5, 0.5, 0.5]))
    np.testing.assert_allclose(found["bounds_kept"], [1 / 3, 1, np.nan])
    np.testing.assert_allclose(found["bound_rmse"], [np.sqrt((3**2 + 4**2) / 3), 0, np.nan])
    assert TASK.support(statistics, info=info)["bounds_kept"] == 3
    assert [m.name for m in TASK.measured(info)][-2:] == ["bounds_kept", "bound_rmse"]
    two = {"kind": "regression", "names": ["u", "v"], "bounded": [False, True]}
    assert {m.name for m in TASK.measured(two)} >= {"scaled_rmse", "bounds_kept_v"}
    assert "bounds_kept_u" not in {m.name for m in TASK.measured(two)}


@pytest.fixture(scope="module")
def esol(data):
    """Seven descriptors (1128, 7), measured log solubility (1128,) and SMILES."""
    with (data / "molecules/moleculenet/ESOL_delaney-processed.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    names = list(lines[0])
    matrix = np.array([[float(line[name]) for name in names[2:8]] for line in lines], np.float32)
    return matrix, np.array([float(line[names[8]]) for line in lines]), [line["smiles"].strip() for line in lines]


def test_the_classical_model_is_nearer_to_what_the_floor_hides_than_where_bounds_are_taken_as_values_or_left_out(esol):
    matrix, truth, _ = esol
    test = np.arange(len(truth)) % 4 == 0
    hidden = truth < FLOOR
    side = np.where(hidden, -1, 0).astype(np.int8)[:, None]
    values = np.maximum(truth, FLOOR)[:, None]
    features = Features(matrix, np.arange(len(matrix)), tuple("abcdef"), np.zeros(6, bool))
    info = {"kind": "regression", "names": ["y"]}
    ways = {
        "use": Target(values, side == 0, info, side=side),
        "exact": Target(values, np.ones_like(side, bool), info),
        "drop": Target(values, side == 0, info),
    }

    def error(target):
        few = Features(matrix[~test], np.arange((~test).sum()), features.names, features.categorical)
        model = fit_baseline(few, target.take(np.flatnonzero(~test)), kind="regression", groups=few.positions,
                             plan={"baseline.effort": 1, "fit.threads": 1}, seed=0)  # fmt: skip
        away = model.raw(matrix[test & hidden])[:, 0] - truth[test & hidden]
        return float(np.sqrt(np.mean(away**2)))

    found = {name: error(target) for name, target in ways.items()}
    assert found["use"] < min(found["exact"], found["drop"]), found


def test_an_imputed_value_never_lies_on_the_wrong_side_and_exact_ones_stay(esol):
    matrix, truth, _ = esol
    side = np.where(truth < FLOOR, -1, 0).astype(np.int8)
    values = np.maximum(truth, FLOOR)
    rows = np.arange(len(truth))
    problem = Problem("regression", matrix, np.zeros(6, bool), values, np.ones(len(rows)), rows, 1, 1, 0)
    found = imputed(problem, side).values
    assert (found[side == 0] == values[side == 0]).all()
    assert (found[side < 0] <= FLOOR).all()
    # measured .69 with seed 0: which of them lie far below the floor is told by the others
    assert np.corrcoef(found[side < 0], truth[side < 0])[0, 1] > 0.6
    few = problem.take(rows[:15])
    assert imputed(few, side[:15]) is few


def test_a_study_with_bounds_trains_says_so_and_scores_new_cases(esol, tmp_path):
    matrix, truth, _ = esol
    rows = ["degree,mw,donors,rings,turning,polar,measured,sign"]
    rows += [
        f"{','.join(str(v) for v in m)},{max(t, FLOOR)},{'<' if t < FLOOR else '='}" for m, t in zip(matrix, truth, strict=True)
    ]
    table = tmp_path / "assay.csv"
    table.write_text("\n".join(rows))
    settings = {"fit.epochs": 2, "fit.members": 1, "fit.threads": 1, "split.folds": 1, "baseline.effort": 1, "explain.seconds": 0,
                "target.qualifier": "sign"}  # fmt: skip
    predictor = osler.train(table, target="measured", out=tmp_path / "model", settings=settings, budget="10s",
                            cache=tmp_path / "cache")  # fmt: skip
    scores = json.loads(predictor.scores)
    assert 0 < scores["test"]["bounds_kept"]["value"] <= 1
    assert [one["columns"] for one in predictor.contents.about["inputs"]] == [
        ["degree", "mw", "donors", "rings", "turning", "polar"]
    ]
    hidden = predictor.facts["target"]["bounds"][0][0]
    assert 100 < hidden < 180
    assert said(tmp_path / "model", f"Of {hidden} values of the target in training only a bound is known", "Bounds kept") == []
    again = osler.evaluate(tmp_path / "model", table, out=tmp_path / "again")
    assert again is not None
    assert said(tmp_path / "again", "Of 180 values of the target only a bound is known") == []


def said(folder, *sentences):
    """Return those of the sentences that the report in `folder` lacks."""
    report = (folder / "report.html").read_text()
    return [sentence for sentence in sentences if sentence not in report]
