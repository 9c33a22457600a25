"""Sets and intervals that hold the truth as often as promised, and silence on doubtful cases."""

import json

import numpy as np
import pytest
from scipy.special import expit

from osler.core.errors import PlanError
from osler.core.plan import Brief, Plan
from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import evaluate
from osler.tasks import conformal, label_sets, number_intervals, selective
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["case", "control"]], "positive": "case"}
THREE = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b|c", "d"]]}
LABELS = {"kind": "multilabel", "names": ["fever", "rash"], "classes": [["no", "yes"]] * 2, "positive": ["yes", "yes"]}
NUMBERS = {"kind": "regression", "names": ["sodium", "urea"]}


def target_of(values, info):
    values = np.asarray(values, float)
    values = values[:, None] if values.ndim == 1 else values
    return Target(values, ~np.isnan(values), info)


def planned(task, target, **settings):
    facts = task.facts(target, np.arange(len(target)))
    plan = Plan(task.rules(Brief({}, facts, task.name, "vector", "cpu", 1.0, len(target), len(target))))
    return plan.set_by_user({f"target.{name}": value for name, value in settings.items()})


def outcomes(n, seed=0, width=1):
    generator = np.random.default_rng(seed)
    logit = generator.normal(size=(n, width)) * 1.7 - 0.7
    return logit, (generator.random((n, width)) < expit(logit)).astype(float)


def settled(task, raw, target, **settings):
    plan = planned(task, target, **settings)
    return task.settle(raw, target, np.arange(len(target)), plan=plan), plan


# quantiles ------------------------------------------------------------------------------------------------------------


def test_the_quantile_is_that_of_one_case_more():
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))
    assert [conformal.quantile(scores, level) for level in (80, 90, 95, 99)] == [80, 90, 95, 99]
    assert conformal.quantile(scores[:9], 90) == scores[:9].max()
    assert conformal.quantile(scores[:8], 90) == np.inf
    assert conformal.quantile(scores[:0], 50) == np.inf


def test_groups_of_one_change_nothing_and_repeated_cases_count_as_one():
    scores = np.random.default_rng(1).normal(size=60)
    for level in (80, 90, 95):
        alone = conformal.quantile(scores, level)
        assert conformal.quantile(scores, level, groups=np.arange(60)) == alone
        assert conformal.quantile(np.repeat(scores, 7), level, groups=np.repeat(np.arange(60), 7)) == alone
    # a group of very many cases weighs no more than one
    many = np.concatenate([scores, np.full(1_000, 9.0)])
    assert conformal.quantile(many, 90, groups=np.append(np.arange(60), np.full(1_000, 60))) < 9.0
    assert conformal.quantile(many, 90) == 9.0


def test_few_groups_cannot_promise_much():
    group = np.repeat(np.arange(12), 50)
    scores = np.random.default_rng(2).normal(size=600)
    assert np.isfinite(conformal.quantile(scores, 90, groups=group))
    assert conformal.quantile(scores, 95, groups=group) == np.inf


def test_rounding_never_promises_less():
    values = np.random.default_rng(3).normal(size=1_000)
    rounded = np.array([conformal.upwards(v, 0.01) for v in values])
    assert (rounded >= values - 1e-9).all()
    assert (rounded - values < 0.01 + 1e-9).all()
    assert conformal.upwards(np.inf, 0.01) == np.inf


# decisions ------------------------------------------------------------------------------------------------------------


def test_levels_are_a_decision_and_impossible_ones_are_refused():
    task, target = Classification(), target_of([0, 1] * 50, BINARY)
    assert conformal.levels(planned(task, target)) == [80, 90, 95]
    assert conformal.levels(planned(task, target, conformal_levels=[95, 50, 95])) == [50, 95]
    assert conformal.levels(planned(task, target, conformal="none")) == []
    assert conformal.levels(planned(task, target, conformal_levels=[])) == []
    assert conformal.levels({}) == []
    with pytest.raises(PlanError, match=r"'target.conformal_levels' cannot hold 93; it holds some of: 50, 60"):
        planned(task, target, conformal_levels=[90, 93])
    with pytest.raises(PlanError, match=r"'target.conformal_levels' cannot be 90"):
        planned(task, target, conformal_levels=90)
    with pytest.raises(PlanError, match=r"'target.conformal' cannot be 'class-conditional'"):
        planned(Regression(), target_of(np.arange(9.0), {"kind": "regression", "names": ["y"]}), conformal="class-conditional")


def test_switched_off_nothing_is_kept_and_no_column_is_given():
    raw, truth = outcomes(300)
    state, plan = settled(Classification(), raw, target_of(truth, BINARY), conformal="none")
    assert not [name for name in (*state.arrays, *state.values) if "conformal" in name]
    assert list(Classification().decode(raw, state, info=BINARY, plan=plan))[-1] == "predicted"
    assert "conformal" not in {view.panel for view in Classification().views(state=state, info=BINARY)}


def test_the_file_carries_one_level():
    raw, truth = outcomes(300)
    for levels, column in (([80, 90, 95], "set_90"), ([50, 80], "set_80"), ([95], "set_95")):
        state, plan = settled(Classification(), raw, target_of(truth, BINARY), conformal_levels=levels)
        found = Classification().decode(raw, state, info=BINARY, plan=plan)
        assert list(found) == ["probability_case", "probability_control", "predicted", column]


# sets -----------------------------------------------------------------------------------------------------------------


def test_a_class_is_in_the_set_from_its_threshold_on():
    state = State({"conformal": np.log([[[0.3, 0.3]]]), "conformal_levels": np.array([90])})
    logit = np.array([[-2.0], [-0.2], [0.2], [2.0]])
    found = Classification().decode(logit, state, info=BINARY, plan={})["set_90"]
    assert found.tolist() == ["control", "case|control", "case|control", "case"]
    strict = State({"conformal": np.log([[[0.7, 0.7]]]), "conformal_levels": np.array([90])})
    assert Classification().decode(logit, strict, info=BINARY, plan={})["set_90"].tolist() == ["control", "", "", "case"]


def test_names_of_many_classes_and_of_no_case():
    members = np.random.default_rng(4).random((500, 75)) < 0.05
    names = [f"c{number}" for number in range(75)]
    assert label_sets.named(members, names).tolist() == ["|".join(np.array(names)[row]) for row in members]
    assert label_sets.named(members[:0], names).tolist() == []
    assert label_sets.named(np.ones((1, 3), bool), THREE["classes"][0]).tolist() == ["a|b/c|d"]


@pytest.mark.parametrize("info", [BINARY, THREE, LABELS])
@pytest.mark.parametrize("how", ["marginal", "class-conditional"])
def test_sets_of_new_cases_hold_their_class(info, how):
    generator = np.random.default_rng(5)
    n = 40_000
    if info is THREE:
        raw = generator.normal(size=(n, 3)) * 2
        truth = (raw + generator.gumbel(size=raw.shape)).argmax(axis=1)[:, None].astype(float)
    else:
        raw, truth = outcomes(n, width=len(info["names"]))
    target, rows, task = target_of(truth, info), np.arange(20_000), Classification()
    plan = planned(task, target, conformal=how)
    state = task.settle(raw, target, rows, plan=plan)
    new = target.take(rows + 20_000)
    found = task.decode(raw[rows + 20_000], state, info=info, plan=plan)
    tails = [f"_{name}" for name in info["names"]] if info is LABELS else [""]
    for number, tail in enumerate(tails):
        if info is THREE:
            names = np.array([c.replace("|", "/") for c in info["classes"][0]])[new.values[:, 0].astype(int)]
        else:
            positive = info["positive"] if info is BINARY else info["positive"][number]
            other = next(c for c in info["classes"][number] if c != positive)
            names = np.where(new.values[:, number] > 0, positive, other)
        held = np.array([name in one.split("|") for name, one in zip(names, found[f"set_90{tail}"], strict=True)])
        assert held.mean() == pytest.approx(0.9, abs=0.01)
        if how == "class-conditional":
            assert [held[names == name].mean() for name in np.unique(names)] == pytest.approx(
                [0.9] * len(np.unique(names)), abs=0.02
            )


def test_a_class_of_few_cases_is_in_every_set_by_class():
    raw, truth = outcomes(400)
    truth[:] = 0
    truth[np.argsort(-raw[:, 0])[:5]] = 1
    state, plan = settled(Classification(), raw, target_of(truth, BINARY), conformal="class-conditional")
    found = Classification().decode(raw, state, info=BINARY, plan=plan)["set_90"]
    assert all("case" in one.split("|") for one in found)
    assert {"case", "case|control"} >= set(found.tolist())


# intervals ------------------------------------------------------------------------------------------------------------


def numbers(n, *, uneven, seed=6):
    generator = np.random.default_rng(seed)
    guess = generator.normal(size=(n, 1))
    return guess, guess + np.exp(0.5 * guess * uneven) * generator.normal(size=(n, 1))


def test_intervals_are_wide_where_errors_are():
    guess, truth = numbers(22_000, uneven=True)
    info = {"kind": "regression", "names": ["y"]}
    target, task = target_of(truth, info), Regression()
    plan = planned(task, target).set_by_user({"target.mean": [0.0], "target.scale": [1.0]})
    state, new = task.settle(guess, target, np.arange(2_000), plan=plan), np.arange(2_000, 22_000)
    found = task.decode(guess[new], state, info=info, plan=plan)
    assert list(found) == ["predicted_y", "low_90_y", "high_90_y"]
    held = (found["low_90_y"] <= truth[new, 0]) & (truth[new, 0] <= found["high_90_y"])
    outer = [held[guess[new, 0] < -1].mean(), held[guess[new, 0] > 1].mean()]
    assert held.mean() == pytest.approx(0.9, abs=0.02)
    assert outer == pytest.approx([0.9, 0.9], abs=0.05)
    assert "selective" in {view.panel for view in task.views(state=state, info=info)}
    drawn = task.figures(task.statistics(guess, target, state=state, plan=plan), info=info)
    assert drawn[-1].name == "selective"
    assert drawn[-1].series[0].y[0] < 0.7 * drawn[-1].series[0].y[-1]


def test_even_errors_give_even_intervals_and_say_why_none_is_surer():
    guess, truth = numbers(2_000, uneven=False)
    info = {"kind": "regression", "names": ["y"]}
    state, plan = settled(Regression(), guess, target_of(truth, info))
    assert not number_intervals.scaled(state).any()
    found = Regression().decode(guess, state, info=info, plan=plan)
    assert np.ptp(found["high_90_y"] - found["low_90_y"]) < 1e-9
    views = Regression().views(state=state, info=info)
    assert {view.panel for view in views} == {"conformal"}
    assert any("no case is surer than another" in note for note in views[0].notes)
    figures = Regression().figures(Regression().statistics(guess, target_of(truth, info), state=state, plan=plan), info=info)
    assert "selective" not in {figure.name for figure in figures}


def test_even_errors_are_seldom_called_uneven():
    called = 0
    for seed in range(300):
        guess, truth = numbers(400, uneven=False, seed=seed)
        called += np.ptp(number_intervals.usual_error(guess[:, 0], np.abs(truth - guess)[:, 0], None)[1]) > 0
    assert called <= 3


def test_targets_keep_their_own_units_and_unobserved_values_do_not_count():
    guess, truth = numbers(1_000, uneven=False)
    both = np.concatenate([truth, 100 * truth], axis=1)
    both[:950, 1] = np.nan
    state, plan = settled(Regression(), np.concatenate([guess, guess], axis=1), target_of(both, NUMBERS), calibration="none")
    radius = state.arrays["radius"]
    assert radius.shape == (3, 2)
    assert radius[1, 1] > 20 * radius[1, 0]
    few = both.copy()
    few[:990, 1] = np.nan
    state, plan = settled(Regression(), np.concatenate([guess, guess], axis=1), target_of(few, NUMBERS))
    found = Regression().decode(np.zeros((2, 2)), state, info=NUMBERS, plan=plan)
    assert np.isfinite(found["low_90_urea"]).all()  # ten cases are enough for 90% …
    assert np.isnan(state.arrays["radius"][2, 1])  # … and too few for 95%
    assert np.isfinite(state.arrays["radius"][2, 0])


def test_perfect_predictions_have_intervals_of_no_width():
    truth = np.random.default_rng(7).normal(size=(500, 1))
    info = {"kind": "regression", "names": ["y"]}
    target = target_of(truth, info)
    plan = planned(Regression(), target)
    raw = (truth - plan["target.mean"]) / plan["target.scale"]
    state = Regression().settle(raw, target, np.arange(500), plan=plan)
    found = Regression().decode(raw, state, info=info, plan=plan)
    np.testing.assert_allclose(found["high_90_y"], found["low_90_y"], atol=1e-6)


# groups ---------------------------------------------------------------------------------------------------------------


def test_settling_takes_the_groups_of_the_rows_that_it_is_told():
    raw, truth = outcomes(2_000)
    target, task, rows = target_of(truth, BINARY), Classification(), np.arange(500, 1_500)
    group = np.arange(2_000) // 40
    plan = planned(task, target)
    whole = task.settle(raw, target, rows, plan=plan, groups=group)
    cut = task.settle(raw[rows], target.take(rows), np.arange(1_000), plan=plan, groups=group[rows])
    alone = task.settle(raw, target, rows, plan=plan)
    np.testing.assert_array_equal(whole.arrays["conformal"], cut.arrays["conformal"])
    # 25 groups: the highest level reaches farther than 1,000 cases of their own would
    assert whole.arrays["conformal"][-1, 0, 0] < alone.arrays["conformal"][-1, 0, 0]


def test_too_few_groups_leave_a_level_out_and_say_so():
    raw, truth = outcomes(400)
    target, task = target_of(truth, BINARY), Classification()
    state = task.settle(raw, target, np.arange(400), plan=planned(task, target), groups=np.arange(400) // 40)
    assert state.arrays["conformal_levels"].tolist() == [80, 90]
    assert state.values["conformal"] == "400 cases, too few for 95%"
    few = task.settle(raw[:3], target.take(np.arange(3)), np.arange(3), plan=planned(task, target))
    assert "conformal" not in few.arrays
    assert list(task.decode(raw, few, info=BINARY, plan={}))[-1] == "predicted"


# panels ---------------------------------------------------------------------------------------------------------------


def scored(task, raw, target, state, plan, groups=None):
    return evaluate(task, {"test": raw}, target, states={"test": state}, groups=groups, plan=plan, seed=0, resamples=200)


def test_panels_tell_what_a_loop_counts():
    raw, truth = outcomes(900)
    task, target = Classification(), target_of(truth, BINARY)
    state, plan = settled(task, raw, target)
    panels = {panel.name: panel for panel in scored(task, raw, target, state, plan).panels}
    sets = task.decode(raw, state, info=BINARY, plan=plan)["set_90"]
    names = np.where(truth[:, 0] > 0, "case", "control")
    held = np.array([name in one.split("|") for name, one in zip(names, sets, strict=True)])
    row = {r.label: r for r in panels["conformal"].rows}["90%"]
    assert row.values["coverage"].value == pytest.approx(held.mean())
    assert row.values["coverage"].low < 0.9 < row.values["coverage"].high
    assert row.values["coverage_case"].value == pytest.approx(held[names == "case"].mean())
    assert row.values["set_size"].value == pytest.approx(np.mean([len(one.split("|")) if one else 0 for one in sets]))
    assert row.values["singletons"].value == pytest.approx(np.mean([bool(one) and "|" not in one for one in sets]))
    assert row.values["empty_sets"].value == pytest.approx(np.mean([not one for one in sets]))
    assert row.about["least_probability"]["case"] == pytest.approx(np.exp(state.arrays["conformal"][1, 0, 0]), abs=1e-6)
    assert any("rare class" in note for note in panels["conformal"].notes)
    surest = np.argsort(-np.abs(state.arrays["slope"] * raw[:, 0] + state.arrays["intercept"]), kind="stable")[:450]
    wrong = task.decode(raw, state, info=BINARY, plan=plan)["predicted"] != names
    half = {r.label: r for r in panels["selective"].rows}["50%"]
    assert half.values["error_rate"].value == pytest.approx(wrong[surest].mean())
    json.dumps([panel.to_dict() for panel in panels.values()], allow_nan=False)


def test_the_area_of_resamples_is_that_of_a_loop():
    raw, truth = outcomes(3_000)
    task, target = Classification(), target_of(truth, BINARY)
    doubt = selective.of_classes(task.statistics(raw, target, state=State(), plan={}), BINARY)
    counts = np.random.default_rng(8).multinomial(3_000, np.full(3_000, 1 / 3_000), size=40).astype(np.uint8)
    order = np.argsort(-np.abs(raw[:, 0]), kind="stable")
    wrong = ((raw[:, 0] > 0) != (truth[:, 0] > 0))[order]

    def plain(times):
        kept = np.repeat(wrong, times[order])
        return (np.cumsum(kept) / np.arange(1, len(kept) + 1)).mean()

    assert doubt.area(np.ones((1, 3_000), np.uint8))[0] == pytest.approx(plain(np.ones(3_000, int)), rel=1e-4)
    own, slow = doubt.area(counts), np.array([plain(times) for times in counts])
    assert np.abs(own - slow).max() < 0.1 * slow.std()


def test_equally_sure_cases_share_their_errors():
    truth = (np.arange(200) < 60).astype(float)
    task, target = Classification(), target_of(truth, BINARY)
    for order in (np.arange(200), np.arange(200)[::-1]):
        lines = task.statistics(np.zeros((200, 1)), target.take(order), state=State(), plan={})
        (figure,) = selective.class_figure(lines, BINARY)
        assert set(figure.series[0].y) == {0.7}


def test_risk_falls_when_doubtful_cases_are_left_out():
    raw, truth = outcomes(5_000)
    lines = Classification().statistics(raw, target_of(truth, BINARY), state=State(), plan={})
    (figure,) = selective.class_figure(lines, BINARY)
    line, level = figure.series
    assert list(line.y) == sorted(line.y)
    assert line.y[-1] == level.y[0] == pytest.approx(((raw > 0) != (truth > 0)).mean(), abs=1e-4)
    assert all(low <= y <= high for low, y, high in zip(line.low, line.y, line.high, strict=True))


@pytest.mark.parametrize(
    ("task", "raw", "values", "info"),
    [
        (Classification(), np.zeros((10, 1)), [1, 0] * 5, BINARY),
        (Classification(), np.zeros((300, 1)), [1] * 300, BINARY),
        (Classification(), np.full((300, 1), 80.0), [1, 0, 0] * 100, BINARY),
        (Classification(), np.zeros((200, 3)), [0, 1] * 100, THREE),
        (Classification(), np.zeros((60, 2)), [[1, np.nan], [0, np.nan], [np.nan, np.nan]] * 20, LABELS),
        (Regression(), np.zeros((10, 2)), [[1.0, 2.0]] * 10, NUMBERS),
        (Regression(), np.zeros((400, 2)), [[1.0, np.nan], [2.0, np.nan]] * 200, NUMBERS),
    ],
)
@pytest.mark.parametrize("groups", [None, "one", "few"])
def test_degenerate_cases_have_values_or_reasons(task, raw, values, info, groups):
    target = target_of(values, info)
    n = len(target)
    group = {None: None, "one": np.zeros(n, int), "few": np.arange(n) % 12}[groups]
    plan = planned(task, target)
    state = task.settle(raw, target, np.arange(n), plan=plan, groups=group)
    assert {len(column) for column in task.decode(raw, state, info=info, plan=plan).values()} == {n}
    scores = scored(task, raw, target, state, plan, groups=group)
    json.dumps(scores.to_dict(), allow_nan=False)
    for panel in scores.panels:
        for row in panel.rows:
            assert all(v.low is not None or v.note for v in row.values.values())


def test_a_rare_class_is_counted_only_where_it_cannot_be_one_person():
    raw, truth = outcomes(1_000)
    truth[:] = 0
    truth[:4] = 1
    task, target = Classification(), target_of(truth, BINARY)
    state, plan = settled(task, raw, target)
    row = next(p for p in scored(task, raw, target, state, plan).panels if p.name == "conformal").rows[0]
    assert np.isnan(row.values["coverage_case"].value)
    assert np.isfinite(row.values["coverage_control"].value)
