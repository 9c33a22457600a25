"""How sure is sure enough: what is learned, what is refused, what a row of predictions says."""

import tracemalloc

import numpy as np
import pytest
from scipy.special import expit, logit

from osler.core.errors import PlanError
from osler.core.plan import Brief, Plan
from osler.core.state import State
from osler.core.target import Target
from osler.tasks import abstention
from osler.tasks.classification import Classification
from osler.tasks.sureness import Sureness, of_statistics

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
MANY = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]]}
LABELS = {"kind": "multilabel", "names": ["u", "v", "w"], "classes": [["0", "1"]] * 3, "positive": ["1"] * 3}
INFO = {"binary": BINARY, "multiclass": MANY, "multilabel": LABELS}


def cases(kind, n, seed=0):
    """Return raw outputs that are the true log-odds, and outcomes drawn by them."""
    generator = np.random.default_rng(seed)
    raw = 2.0 * generator.normal(size=(n, {"binary": 1, "multiclass": 3, "multilabel": 3}[kind]))
    if kind == "multiclass":
        chance = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
        values = (generator.random((n, 1)) > np.cumsum(chance, axis=1)).sum(axis=1)[:, None]
    else:
        values = generator.random(raw.shape) < expit(raw)
    return raw, Target(values.astype(float), np.ones(values.shape, bool), INFO[kind])


def plan_of(target, **settings):
    task = Classification()
    settings = {f"target.{name}": value for name, value in settings.items()}
    facts = task.facts(target, np.arange(len(target)))
    brief = Brief({}, facts, task.name, "vector", "cpu", 1.0, len(target), len(target), settings=settings)
    return Plan(task.rules(brief)).set_by_user(settings)


def settled(kind, *, n=3_000, groups=None, **settings):
    raw, target = cases(kind, n)
    return Classification().settle(raw, target, np.arange(n), plan=plan_of(target, **settings), groups=groups)


def panel(state, raw, target):
    task = Classification()
    statistics = task.statistics(raw, target, state=state, plan={})
    counts = np.ones((1, len(raw)), np.uint8)
    found = (v for v in task.views(state=state, info=target.info) if v.panel == "abstention")
    return {v.label: ({k: float(x[0]) for k, x in v.measures(statistics, counts).items()}, v) for v in found}


@pytest.mark.parametrize("kind", INFO)
def test_the_accepted_error_is_kept_on_new_cases_and_more_cases_are_kept_the_more_is_accepted(kind):
    state = settled(kind, abstain="error=0.1")
    found = panel(state, *cases(kind, 20_000, seed=1))
    assert list(found) == ["in use", "error = 0.05", "error = 0.2"]
    rates = [found[row][0] for row in ("error = 0.05", "in use", "error = 0.2")]
    for accepted, rate in zip((0.05, 0.1, 0.2), rates, strict=True):
        assert rate["error_rate"] < accepted + 0.01
        assert rate["error_left"] > accepted
    assert 0.03 < rates[0]["kept"] < rates[1]["kept"] < rates[2]["kept"]


@pytest.mark.parametrize("kind", INFO)
def test_predictions_tell_the_cases_that_the_panel_leaves_to_a_person(kind):
    state = settled(kind, abstain="coverage=0.7")
    raw, target = cases(kind, 5_000, seed=2)
    decoded = Classification().decode(raw, state, info=target.info, plan={})
    kept = decoded["unsure"] == ""
    assert kept.mean() == pytest.approx(panel(state, raw, target)["in use"][0]["kept"], abs=1e-12)
    assert kept.mean() == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("kind", INFO)
def test_without_being_asked_it_is_reported_and_changes_no_answer(kind):
    raw, target = cases(kind, 3_000)
    states = {how: settled(kind, abstain=how) for how in ("auto", "off")}
    decoded = {how: Classification().decode(raw, state, info=target.info, plan={}) for how, state in states.items()}
    assert ("unsure" in decoded["auto"]) == (kind == "multilabel")
    assert all(np.array_equal(decoded["auto"][name], values) for name, values in decoded["off"].items())
    assert "in use" in panel(states["auto"], raw, target)
    assert panel(states["off"], raw, target) == {}


def test_the_error_that_auto_accepts_is_half_of_that_of_the_same_answer_for_everyone():
    values = np.zeros((200, 1))
    values[:30] = 1
    target = Target(values, np.ones(values.shape, bool), BINARY)
    assert plan_of(target)["target.abstain_error"] == 0.08  # 15% / 2, upwards to a percent
    labels = Target(np.repeat([[1.0, 0.0, 0.0]], 200, axis=0), np.ones((200, 3), bool), LABELS)
    labels.values[:80, 0] = 0
    assert plan_of(labels)["target.abstain_error"] == 0.2


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("eror=0.1", r"'target.abstain' cannot be 'eror=0.1'; did you mean 'error'\?; as in error=0.1"),
        ("error=10", "write a share between 0 and 1, as in error=0.1"),
        ("coverage", "write a share between 0 and 1, as in coverage=0.1"),
        ("off=1", "'off' takes no number"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_before_training(written, message):
    with pytest.raises(PlanError, match=message):
        plan_of(cases("binary", 50)[1], abstain=written)
    with pytest.raises(PlanError, match=r"'target\.abstain_error' cannot be 1\.5"):
        plan_of(cases("binary", 50)[1], abstain_error=1.5)


def test_an_error_that_cannot_be_reached_keeps_nobody_if_it_was_asked_for():
    generator = np.random.default_rng(0)
    found = Sureness(generator.normal(size=400), (generator.random(400) < 0.5).astype(float))
    asked = abstention.learned(found, plan={"target.abstain": "error=0.05"}, groups=None)
    assert asked.arrays["abstain"][0] == np.inf
    assert asked.values["abstain_how"][0].startswith("not found: at most 0.05 of errors among the kept cannot be reached on 400")
    default = abstention.learned(found, plan={"target.abstain": "auto", "target.abstain_error": 0.05}, groups=None)
    assert default.arrays["abstain"][0] == -np.inf
    none = np.zeros(3, bool)
    told = abstention.column(np.array([-9.0, 0.0, 9.0]), none, asked, info=BINARY)
    assert told["unsure"].tolist() == ["doubtful"] * 3
    assert abstention.column(np.zeros(3), none, default, info=LABELS)["unsure"].tolist() == ["", "", ""]


@pytest.mark.parametrize("accepted", [1e-3, 1e-12, 5e-324])
def test_an_error_next_to_nothing_takes_no_more_than_the_cases(accepted):
    """As many trials as would prove it are more than memory holds."""
    tracemalloc.start()
    found = abstention._threshold(np.linspace(0, 5, 60), np.zeros(60), abstention.Wish("error", accepted))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isnan(found[0])
    assert "cannot be reached on 60 calibration cases" in found[1]
    assert most < 2e6


def test_few_cases_promise_less_and_say_so():
    sure = np.linspace(0, 5, 60)
    found = Sureness(sure, (sure < 1).astype(float))
    strict = abstention.learned(found, plan={"target.abstain": "error=0.1"}, groups=None)
    assert "as likely as not: 60 calibration cases are too few to promise it" in strict.values["abstain_how"][0]
    nobody = abstention.learned(Sureness(np.empty(0), np.empty(0)), plan={"target.abstain": "coverage=0.9"}, groups=None)
    assert nobody.values["abstain_how"][0] == "not found: 0 calibration cases are fewer than 10"


def test_one_case_stands_for_its_group():
    """A hundred copies of twenty right answers prove no more than twenty do."""
    found = Sureness(np.repeat(np.linspace(1, 2, 20), 100), np.zeros(2_000))
    alone = abstention.learned(found, plan={"target.abstain": "error=0.05"}, groups=None)
    grouped = abstention.learned(found, plan={"target.abstain": "error=0.05"}, groups=np.repeat(np.arange(20), 100))
    assert "with 90% confidence from 2000" in alone.values["abstain_how"][0]
    assert (
        grouped.values["abstain_how"][0]
        == "not found: at most 0.05 of errors among the kept cannot be reached on 20 calibration cases"
    )


def test_a_case_with_none_of_the_labels_is_not_among_those_known():
    state = State(
        {
            "threshold": np.full(3, 0.5), "conformal_levels": np.array([90]), "abstain": np.array([logit(0.6)]),
            "conformal": np.full((1, 3, 2), np.log(0.2)),
        },
        {"abstain_names": ["in use"], "abstain_how": ["told"], "abstain_written": False},
    )  # fmt: skip
    raw = logit(np.array([[0.01, 0.1, 0.02], [0.01, 0.3, 0.02], [0.9, 0.01, 0.02], [0.55, 0.01, 0.02]]))
    decoded = Classification().decode(raw, state, info=LABELS, plan={})
    assert decoded["unsure"].tolist() == ["not among those I know", "doubtful", "", "doubtful"]
    without = State({k: v for k, v in state.arrays.items() if "conformal" not in k}, state.values)
    assert Classification().decode(raw, without, info=LABELS, plan={})["unsure"].tolist() == [
        "doubtful",
        "doubtful",
        "",
        "doubtful",
    ]


def test_a_first_label_that_was_not_observed_judges_nothing():
    raw = np.array([[2.0, 0.0, -1.0], [0.0, 1.0, -1.0], [0.0, 1.0, -1.0]])
    values = np.array([[np.nan, 1.0, 0.0], [1.0, 0.0, np.nan], [0.0, 1.0, 0.0]])
    target = Target(values, ~np.isnan(values), LABELS)
    statistics = Classification().statistics(raw, target, state=State(), plan={})
    found = of_statistics(statistics, state=State(), info=LABELS)
    assert found.judged.tolist() == [False, True, True]
    assert found.wrong[1:].tolist() == [1.0, 0.0]
    np.testing.assert_allclose(found.sure, [2.0, 1.0, 1.0])


def test_the_rate_of_fewer_than_five_cases_is_not_told():
    sums = np.array([[10.0, 6.0, 3.0, 1.0], [10.0, 4.0, 3.0, 1.0]])
    found = abstention._from_sums(sums)
    np.testing.assert_allclose(found["error_rate"], [1 / 6, np.nan])
    np.testing.assert_allclose(found["error_left"], [np.nan, 2 / 6])
    np.testing.assert_allclose(found["kept"], [0.6, 0.4])


def test_a_bundle_of_an_older_osler_says_nothing_of_it():
    raw, target = cases("multilabel", 50)
    found = Classification().decode(raw, State(), info=LABELS, plan={})
    assert not {"unsure", "ranked"} & set(found)
    assert panel(State(), raw, target) == {}


def test_a_label_that_no_calibration_case_has_is_settled_and_listed_last():
    raw, target = cases("multilabel", 400)
    values, observed = target.values.copy(), target.observed.copy()
    values[:, 2] = 0
    observed[::3, 0] = False
    values[~observed] = np.nan
    target = Target(values, observed, LABELS)
    plan = plan_of(target, listed=3, abstain="error=0.2")
    raw = np.column_stack([raw[:, :2], np.full(400, -6.0)])
    state = Classification().settle(raw, target, np.arange(400), plan=plan)
    decoded = Classification().decode(raw, state, info=LABELS, plan=plan)
    assert (decoded["rank_3"] == "w").mean() > 0.95
    assert 0 < (decoded["unsure"] == "").mean() < 1
    assert 2 in state.values["frequent"]  # rare as it is: there are no more than three
