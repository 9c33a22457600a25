"""Targets whose ratios count: recognised, learned as logarithms, given back in the table's unit; on volumes of distribution in L/kg."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import Descriptors
from scipy.stats import spearmanr

import osler
from osler.core.errors import PlanError
from osler.core.state import State
from osler.core.target import Target, target_labels
from osler.tasks import logarithm
from osler.tasks.regression import Regression

TASK = Regression()
INFO = {"kind": "regression", "names": ["y"], "logarithm": [True]}
PLAN = {"target.mean": [0.0], "target.scale": [1.0], "target.conformal": "marginal", "target.conformal_levels": [80, 90]}
LOGNORMAL = np.exp(np.random.default_rng(0).normal(0, 1.2, 400))


def read(values, **settings):
    return TASK.target({"y": np.asarray(values, float)}, settings=settings)


def column(path, name):
    with path.open(newline="", encoding="utf-8") as stream:
        return [row[name] for row in csv.DictReader(stream)]


@pytest.fixture(scope="module")
def volumes(data):
    """SMILES and volumes of distribution (904,) of the training part."""
    path = data / "molecules/tdc_admet/vdss_lombardo/train_val.csv"
    return column(path, "Drug"), np.array(column(path, "Y"), float)


def test_volumes_of_distribution_are_read_as_logarithms_and_what_is_a_logarithm_already_is_not(volumes, data):
    target, refused = read(volumes[1])
    assert not refused
    assert target.info == INFO
    assert target_labels(target.info) == ["log10 y"]
    np.testing.assert_allclose(10 ** target.values[:, 0], volumes[1])
    (skewness, of_log, fold) = TASK.facts(target, np.arange(len(target)))["shape"][0]
    assert (round(skewness, 1), round(of_log, 2), round(fold)) == (24.7, 0.38, 131)  # scipy.stats.skew of the file
    for path, name in (
        ("molecules/tdc_admet/caco2_wang/train_val.csv", "Y"),
        ("molecules/tdc_admet/solubility_aqsoldb/train_val.csv", "Y"),
        ("molecules/tdc_admet/lipophilicity_astrazeneca/train_val.csv", "Y"),
        ("molecules/moleculenet/ESOL_delaney-processed.csv", "measured log solubility in mols per litre"),
    ):
        assert "logarithm" not in read(column(data / path, name))[0].info


@pytest.mark.parametrize(
    ("values", "log"),
    [
        (LOGNORMAL, True),
        (LOGNORMAL[:49], False),  # too few to tell
        (np.r_[LOGNORMAL, 0.0], False),
        (np.r_[LOGNORMAL, -1.0], False),
        (np.random.default_rng(0).normal(50, 8, 400), False),  # as ages
        (np.random.default_rng(0).exponential(1, 400) + 3, False),  # skewed, over no order of magnitude
        (np.random.default_rng(0).uniform(0.01, 1, 400), False),
        (np.exp(-LOGNORMAL), False),  # the tail is that of the logarithm
        (np.full(60, 3.0), False),
    ],
)
def test_only_positive_values_over_orders_of_magnitude_with_a_tail_that_their_logarithms_lack_are_read_so(values, log):
    assert logarithm.skewed(values) == log


@given(st.floats(1e-3, 1e3))
def test_the_unit_of_the_values_does_not_matter(unit):
    assert logarithm.skewed(unit * LOGNORMAL)
    assert not logarithm.skewed(unit * (LOGNORMAL + 30))


def test_the_user_has_the_last_word_and_numbers_without_a_logarithm_are_refused_rows():
    assert "logarithm" not in read(LOGNORMAL, transform="none")[0].info
    target, refused = read([1.0, 10.0, 0.0, -3.0, 100.0], transform="log10")
    assert target.values[[0, 1, 4], 0].tolist() == [0, 1, 2]
    assert target.observed[:, 0].tolist() == [True, True, False, False, True]
    assert {row: why.code for row, why in refused.items()} == {2: "no_logarithm", 3: "no_logarithm"}
    again, refused = TASK.target({"y": np.array([">10", "0", "5"], object)}, info=INFO)
    assert (again.values[0, 0], again.side[0, 0], list(refused)) == (1.0, 1, [1])
    two = {"u": LOGNORMAL, "v": LOGNORMAL}
    assert TASK.target(two, settings={"transform": ["none", "log10"]})[0].info["logarithm"] == [False, True]
    for wrong in ("sqrt", 3, ["log10"]):
        with pytest.raises(PlanError, match=r"target\.transform"):
            read(LOGNORMAL, transform=wrong)
    with pytest.raises(PlanError, match="1 words for 2 targets"):
        TASK.target(two, settings={"transform": ["log10"]})


def test_measures_are_of_ratios_by_hand():
    truth, guess = np.log10([[1.0], [10], [100], [5]]), np.log10([[2.0], [10], [25], [5.5]])
    target = Target(truth, np.ones_like(truth, bool), INFO)
    found = TASK.measures(TASK.statistics(guess, target, state=State(), plan=PLAN), np.ones((1, 4), np.uint8), info=INFO)
    folds = np.array([2, 1, 4, 1.1])
    assert found["fold_error"] == pytest.approx(np.prod(folds) ** 0.25)
    assert found["within_twofold"] == pytest.approx(0.75)
    assert found["rmse_log10"] == pytest.approx(np.sqrt(np.mean(np.log10(folds) ** 2)))
    assert found["mae_log10"] == pytest.approx(np.mean(np.log10(folds)))
    assert list(found) == [m.name for m in TASK.measured(INFO)]
    two = {**INFO, "names": ["u", "v"], "logarithm": [False, True]}
    names = {m.name for m in TASK.measured(two)}
    assert {"rmse_u", "rmse_log10_v", "fold_error_v", "scaled_rmse"} <= names
    assert not {"rmse_v", "rmse_log10_u", "fold_error_u"} & names
    both = Target(np.hstack([truth, truth]), np.ones((4, 2), bool), two)
    statistics = TASK.statistics(
        np.hstack([guess, guess]), both, state=State(), plan={"target.mean": [0, 0], "target.scale": [1, 1]}
    )
    assert set(TASK.measures(statistics, np.ones((1, 4), np.uint8), info=two)) == names
    assert set(TASK.support(statistics, info=two)) == names


def test_predictions_come_back_as_medians_and_means_with_intervals_that_hold():
    generator = np.random.default_rng(1)
    guess = generator.normal(0, 0.7, (4000, 1))
    values = guess + generator.normal(0, 0.3, guess.shape)
    target = Target(values, np.ones_like(values, bool), INFO)
    state = TASK.settle(guess, target, np.arange(2000), plan=PLAN)
    told = TASK.decode(guess[2000:], state, info=INFO, plan=PLAN)
    own = 10 ** values[2000:, 0]
    np.testing.assert_allclose(told["predicted_y"], 10 ** guess[2000:, 0], rtol=0.02)
    assert np.mean(own < told["predicted_y"]) == pytest.approx(0.5, abs=0.03)
    # a lognormal's mean is exp(s² / 2) of its median, s = 0.3 ln 10
    ratio = told["mean_y"] / told["predicted_y"]
    assert np.ptp(ratio) < 1e-9
    assert ratio[0] == pytest.approx(np.exp((0.3 * np.log(10)) ** 2 / 2), rel=0.05)
    assert told["mean_y"].sum() == pytest.approx(own.sum(), rel=0.05)
    low, high = told["low_90_y"], told["high_90_y"]
    assert (low > 0).all()
    np.testing.assert_allclose(high / told["predicted_y"], told["predicted_y"] / low)
    assert np.mean((own >= low) & (own <= high)) == pytest.approx(0.9, abs=0.02)


def test_a_study_of_volumes_orders_new_molecules_by_them_and_says_what_its_errors_are(volumes, tmp_path):
    smiles, values = volumes
    names = ["MolLogP", "TPSA", "MolWt", "NumHDonors", "FractionCSP3", "NumRotatableBonds", "RingCount", "MinPartialCharge"]
    rows = [[fn(mol) for name, fn in Descriptors.descList if name in names] for mol in map(Chem.MolFromSmiles, smiles)]
    table = tmp_path / "volumes.csv"
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([[*names, "vdss"], *([*row, value] for row, value in zip(rows, values, strict=True))])
    settings = {"fit.epochs": 2, "fit.members": 1, "fit.threads": 1, "split.folds": 1, "baseline.effort": 1, "explain.seconds": 0}

    def trained(name, **more):
        predictor = osler.train(table, target="vdss", out=tmp_path / name, settings={**settings, **more}, budget="10s", leaks="drop",
                                cache=tmp_path / "cache")  # fmt: skip
        return json.loads(predictor.scores)

    scores = trained("model")
    plain = trained("plain", **{"target.transform": "none"})
    # by values the few largest are all that counts
    assert scores["test"]["spearman"]["value"] > plain["test"]["spearman"]["value"] + 0.1
    assert scores["test"]["fold_error"]["value"] > 1
    assert "fold_error" not in plain["test"]
    report = (tmp_path / "model/report.html").read_text()
    assert all(sentence in report for sentence in ("Predicted log10 vdss", "Mean fold error", "ratios count, not differences"))
    assert "outcome log10 vdss" in (tmp_path / "model/methods.md").read_text()
    found = osler.predict(tmp_path / "model", table, out=tmp_path / "predicted.csv")
    assert found is not None
    guess = np.array(column(tmp_path / "predicted.csv", "predicted_vdss"), float)
    assert spearmanr(guess, values).statistic > 0.6
    (told,) = osler.explain(tmp_path / "model", table, out=tmp_path / "why", row=(1,))
    answer = told["answers"][0]
    assert (answer["target"], answer["scale"]) == ("vdss", "logarithm")
    assert answer["prediction"] == pytest.approx(guess[0], rel=1e-4)
    assert answer["bundle"]["score"] == pytest.approx(np.log10(guess[0]), abs=1e-3)
    page = (tmp_path / "why/explanation.html").read_text()
    assert "On the decimal logarithm" in page
    assert "log10 vdss" in page
    table.write_text(table.read_text() + ",".join(["1"] * len(names)) + ",0\n")
    osler.evaluate(tmp_path / "model", table, out=tmp_path / "again")
    again = json.loads((tmp_path / "again/scores.json").read_text())
    assert "fold_error" in again["test"]
