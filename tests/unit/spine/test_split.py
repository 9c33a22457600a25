"""Laws of the split, for any table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.core.errors import PlanError, StudyError
from osler.core.plan import Plan
from osler.spine.split import PARTS, Cases, around, describe, divide, outer_tests, split_rules, together

SMALL = dict(Plan(split_rules(groups=100)))
LARGE = dict(Plan(split_rules(groups=5000)))
PARTS_OF_SPLIT = ("training", "tune", "calibrate", "test")


def cases(groups, *, strata=None, **more) -> Cases:
    groups = np.asarray(groups, np.int64)
    strata = np.zeros(len(groups), np.int64) if strata is None else np.asarray(strata, np.int64)
    return Cases(np.arange(len(groups)), groups, strata, **more)


def texts(*values) -> np.ndarray:
    return np.array(values, object)


@st.composite
def tables(draw):
    n = draw(st.integers(8, 80))
    seed = draw(st.integers(0, 10_000))
    generator = np.random.default_rng(seed)
    groups = generator.integers(0, draw(st.integers(5, 40)), n)
    return cases(groups, strata=generator.integers(0, draw(st.integers(1, 4)), n)), seed


def divided(table: Cases, *, plan, seed: int):
    """The split, or None where it says that the groups are too few."""
    if len(np.unique(table.groups[table.rows])) >= 6:
        return divide(table, plan=plan, seed=seed)
    try:
        return divide(table, plan=plan, seed=seed)
    except StudyError:
        return None


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from([SMALL, LARGE]))
def test_parts_are_disjoint_whole_never_empty_and_no_group_is_torn(table, plan):
    cases_, seed = table
    split = divided(cases_, plan=plan, seed=seed)
    if split is None:
        return
    parts = [getattr(split, name) for name in PARTS_OF_SPLIT]
    assert np.array_equal(np.sort(np.concatenate(parts)), cases_.rows)
    held = [np.unique(cases_.groups[p]) for p in parts]
    assert sum(map(len, held)) == len(np.unique(np.concatenate(held)))
    assert len(split.test)
    for fold in split.folds:
        inside = [fold.training, fold.tune, fold.held]
        assert all(len(part) for part in inside)
        seen = [np.unique(cases_.groups[part]) for part in inside]
        assert sum(map(len, seen)) == len(np.unique(np.concatenate(seen)))


@settings(max_examples=60, deadline=None)
@given(tables())
def test_each_development_row_is_held_out_once_on_small_data(table):
    cases_, seed = table
    split = divided(cases_, plan=SMALL, seed=seed)
    if split is None:
        return
    assert split.crossfitted
    assert np.array_equal(np.sort(np.concatenate([f.held for f in split.folds])), split.development)
    for fold in split.folds:
        assert np.array_equal(np.sort(np.concatenate([fold.training, fold.tune, fold.held])), split.development)


@settings(max_examples=30, deadline=None)
@given(tables(), st.sampled_from([SMALL, LARGE]))
def test_the_same_seed_gives_the_same_split(table, plan):
    cases_, seed = table
    first, again = (divided(cases_, plan=plan, seed=seed) for _ in range(2))
    if first is not None:
        assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in PARTS_OF_SPLIT)


def test_another_seed_gives_another_test():
    table = cases(np.arange(200))
    assert not np.array_equal(divide(table, plan=SMALL, seed=0).test, divide(table, plan=SMALL, seed=1).test)


@pytest.mark.parametrize("rare", [0.02, 0.1, 0.4])
def test_classes_are_dealt_out_in_equal_shares(rare):
    strata = (np.random.default_rng(0).random(1500) < rare).astype(int)
    split = divide(cases(np.arange(1500), strata=strata), plan=LARGE, seed=3)
    shares = {"test": 0.2, "tune": 0.1 * 0.8, "calibrate": 0.1 * 0.8}
    for name, share in shares.items():
        for value in (0, 1):
            wanted = share * (strata == value).sum()
            assert abs((strata[getattr(split, name)] == value).sum() - wanted) <= 2


def test_few_positives_are_spread_over_the_folds():
    strata = np.zeros(100, int)
    strata[:12] = 1
    split = divide(cases(np.arange(100), strata=strata), plan=SMALL, seed=0)
    assert all(1 <= strata[fold.held].sum() <= 3 for fold in split.folds)


def test_one_giant_group_leaves_no_fold_empty():
    for seed in range(40):
        split = divide(cases([*range(6), *[9] * 100]), plan=SMALL, seed=seed)
        assert all(len(part) for fold in split.folds for part in (fold.training, fold.tune, fold.held))


@pytest.mark.parametrize("rows", range(13))
def test_tiny_tables_are_split_or_refused_with_advice(rows):
    for plan in (SMALL, LARGE):
        if rows < 4:
            with pytest.raises(StudyError, match="give more groups"):
                divide(cases(np.arange(rows)), plan=plan, seed=0)
            continue
        split = divide(cases(np.arange(rows)), plan=plan, seed=0)
        assert all(len(part) for fold in split.folds for part in (fold.training, fold.tune, fold.held))


def test_a_single_group_is_refused_with_advice():
    with pytest.raises(StudyError, match=r"1 group cannot be divided: 3 are needed"):
        divide(cases([7] * 30), plan=SMALL, seed=0)


def test_only_usable_rows_are_dealt_out():
    table = Cases(np.arange(0, 60, 2), np.arange(60), np.zeros(60, np.int64))
    split = divide(table, plan=SMALL, seed=0)
    assert np.array_equal(np.sort(np.concatenate([split.development, split.test])), table.rows)


@pytest.mark.parametrize("spelling", [(a, b) for a in PARTS["training"] for b in PARTS["test"]], ids=str)
def test_an_official_split_is_kept_in_every_spelling(spelling):
    train, test = spelling
    official = texts(*[f" {train.upper()} "] * 30, *[test.title()] * 10)
    split = divide(cases(np.arange(40), official=official), plan=SMALL, seed=0)
    assert np.array_equal(split.test, np.arange(30, 40))
    assert np.array_equal(split.development, np.arange(30))


@pytest.mark.parametrize("word", PARTS["tune"])
def test_an_official_validation_part_tunes_and_calibrates(word):
    official = texts(*["train"] * 30, *[word] * 10, *["test"] * 10)
    split = divide(cases(np.arange(50), official=official), plan=LARGE, seed=0)
    assert np.array_equal(split.training, np.arange(30))
    assert np.array_equal(np.sort(np.concatenate([split.tune, split.calibrate])), np.arange(30, 40))


def test_an_official_part_larger_than_training_does_not_swallow_it():
    official = texts(*["train"] * 10, *["cal"] * 1000, *["test"] * 10)
    split = divide(cases(np.arange(1020), official=official), plan=LARGE, seed=0)
    assert len(split.training)
    assert len(split.tune)


def test_rows_that_name_no_part_are_left_out_and_told():
    official = texts(*["train"] * 30, *["test"] * 10, None, "other", np.nan)
    split = divide(cases(np.arange(43), official=official), plan=SMALL, seed=0)
    assert split.test.max() == 39
    assert "3 cases name no part" in split.how


def test_a_split_column_without_test_is_refused():
    with pytest.raises(StudyError, match=r"as in: train, val, test \(found 5 training, 0 test"):
        divide(cases(np.arange(5), official=texts(*["train"] * 5)), plan=SMALL, seed=0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.sampled_from([SMALL, LARGE]))
def test_no_training_case_is_later_than_a_test_case(seed, groups, plan):
    generator = np.random.default_rng(seed)
    times = generator.integers(0, 12, 80).astype(float)
    times[generator.random(80) < 0.1] = np.nan
    table = cases(generator.integers(0, groups, 80), times=times)
    try:
        split = divide(table, plan=plan, seed=seed)
    except StudyError:
        late = times >= np.nanquantile(times, 1 - plan["split.test"], method="higher")
        torn = np.isin(table.groups, table.groups[~late & ~np.isnan(times)])
        assert groups < 10 or not (late & ~torn).any()  # too few groups, or all that come late were there before
        return
    assert times[split.development].max() < times[split.test].min()
    assert not np.isin(table.groups[split.test], table.groups[split.development]).any()
    assert not np.isnan(times[np.concatenate([split.test, split.development])]).any()


def test_times_that_cannot_be_read_are_refused():
    with pytest.raises(StudyError, match="give ISO dates or numbers"):
        divide(cases(np.arange(5), times=np.full(5, np.nan)), plan=SMALL, seed=0)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("split.test", 1.5, "a share, above 0 and below 1"),
        ("split.tune", 0.0, "a share, above 0 and below 1"),
        ("split.calibrate", 0.7, "nothing is left to train on"),
        ("split.folds", 0, "it is at least 1"),
    ],
)
def test_impossible_shares_are_refused(name, value, told):
    with pytest.raises(PlanError, match=told):
        divide(cases(np.arange(50)), plan={**SMALL, name: value}, seed=0)


def test_folds_and_sizes_are_told():
    assert SMALL["split.folds"] == 5
    assert LARGE["split.folds"] == 1
    split = divide(cases(np.arange(50)), plan=SMALL, seed=0)
    assert dict(describe(split)) == {f"split.cases.{name}": len(getattr(split, name)) for name in PARTS_OF_SPLIT}


@given(tables(), st.integers(2, 6))
def test_outer_folds_hold_every_row_once_and_tear_no_group(found, folds):
    table, seed = found
    if len(np.unique(table.groups)) < folds:
        with pytest.raises(StudyError, match=f"{folds} folds need at least {folds} groups"):
            outer_tests(table, folds=folds, seed=seed)
        return
    tests = outer_tests(table, folds=folds, seed=seed)
    assert sorted(np.concatenate(tests)) == list(range(len(table.rows)))
    assert all(len(test) for test in tests)
    owners = [set(table.groups[test]) for test in tests]
    assert sum(len(o) for o in owners) == len(set(table.groups))


def test_repeats_divide_anew_and_seeds_repeat():
    table = cases(np.arange(60))
    first, second = (outer_tests(table, folds=3, seed=0, repeat=repeat) for repeat in (0, 1))
    assert any(list(a) != list(b) for a, b in zip(first, second, strict=True))
    assert all(list(a) == list(b) for a, b in zip(first, outer_tests(table, folds=3, seed=0), strict=True))


@pytest.mark.parametrize("plan", [SMALL, LARGE])
def test_a_split_around_a_given_test_leaves_it_alone(plan):
    table, test = cases(np.arange(80)), np.arange(10, 30)
    split = around(table, test, plan=plan, seed=0, how="given")
    assert list(split.test) == list(test)
    assert not np.isin(test, split.development).any()
    assert len(split.development) == 60
    last = around(table, np.empty(0, np.int64), plan=plan, seed=0, how="all")
    assert len(last.development) == 80
    assert len(last.test) == 0


@pytest.mark.parametrize(
    ("groups", "budget", "small", "folds"),
    [(999, 0.1, 1_000, 5), (1_000, 60, 1_000, 1), (6_000, 10, 10_000, 5), (6_000, 9.9, 10_000, 1), (10_000, 60, 10_000, 1)],
)
def test_members_are_cross_fitted_where_groups_are_few_or_there_is_time(groups, budget, small, folds):
    assert Plan(split_rules(groups=groups, budget=budget, small=small))["split.folds"] == folds


def test_cases_that_share_a_group_or_a_key_are_one_group():
    groups, keys = np.array([0, 0, 1, 2, 3, 4]), np.array([7, 8, 8, 9, 9, 5])
    found = together(groups, keys)
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4]
    assert len(set(found.tolist())) == 3


def test_what_may_stay_together_is_a_decision_where_there_is_such():
    assert "split.by" not in Plan(split_rules(groups=100))
    plan = Plan(split_rules(groups=100, keys=("molecule", "scaffold", "group")))
    assert plan["split.by"] == "molecule"
    assert plan.set_by_user({"split.by": "scaffold"})["split.by"] == "scaffold"
