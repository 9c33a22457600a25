"""What the leak check finds, and what it leaves in peace."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.core.columns import Columns
from osler.core.errors import LeakError
from osler.core.leak import Leak
from osler.core.plan import Plan
from osler.core.registry import modality
from osler.core.split import Split
from osler.core.table import Table
from osler.core.target import Target
from osler.spine.leaks import blamed, find_leaks, judge, touched, without
from osler.spine.split import Cases, divide, split_rules

NOBODY = np.empty(0, np.int64)
TABLES = modality("tables")


def columns_of(cells, folder) -> Columns:
    table = Table(pa.table(cells), folder)
    locators = TABLES.locate(table, columns=tuple(cells))
    reading = {d.name: d.value for d in TABLES.reading(locators, settings={})}
    return TABLES.shard(locators, reading=reading, roles=frozenset({"input", "baseline"}))


def split_of(rows: int, *, seed: int = 0, groups=None) -> Split:
    groups = np.arange(rows) if groups is None else groups
    return divide(Cases(np.arange(rows), groups, np.zeros(rows, np.int64)), plan=Plan(split_rules(groups=rows)), seed=seed)


def found(columns, split, *, groups=None) -> tuple[Leak, ...]:
    parts = columns if isinstance(columns, dict) else {"table": columns}
    rows = len(next(iter(parts.values())))
    target = Target(np.random.default_rng(0).normal(size=(rows, 1)), np.ones((rows, 1), bool), {"kind": "regression"})
    return find_leaks(modalities=dict.fromkeys(parts, TABLES), columns=parts, split=split, target=target, groups=groups)


def rich(rows: int, *, columns: int = 6, seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {f"lab{n}": generator.normal(size=rows) for n in range(columns)}


def test_content_that_is_equal_in_one_of_several_inputs_is_a_warning(tmp_path):
    scan, person = rich(200), rich(200, seed=1)
    split = split_of(200)
    for name in scan:
        scan[name][split.test[:3]] = scan[name][split.training[:3]]
    leaks = found({"scan": columns_of(scan, tmp_path), "person": columns_of(person, tmp_path)}, split)
    assert [(leak.kind, leak.severity) for leak in leaks] == [("same-content", "warn")]
    assert leaks[0].sentence.startswith("in input 'scan' alone: 3 test cases have the same content as 3 training cases")
    assert np.array_equal(leaks[0].test_rows, split.test[:3])
    for name in person:
        person[name][split.test[:3]] = person[name][split.training[:3]]
    leaks = found({"scan": columns_of(scan, tmp_path), "person": columns_of(person, tmp_path)}, split)
    assert [leak.severity for leak in leaks] == ["stop"]  # told once


def test_cases_that_lack_the_rich_input_may_be_equal_by_accident(tmp_path):
    generator = np.random.default_rng(2)
    coarse = {"sex": generator.integers(0, 2, 300).astype(float), "stage": generator.integers(0, 4, 300).astype(float)}
    scan = {name: np.where(np.arange(300) % 4 == 0, np.nan, values) for name, values in rich(300).items()}
    parts = {"scan": columns_of(scan, tmp_path), "person": columns_of(coarse, tmp_path)}
    assert all(leak.severity == "warn" for leak in found(parts, split_of(300)))


def test_an_input_that_describes_sites_is_shared_without_a_word(tmp_path):
    beds = np.repeat(np.random.default_rng(3).normal(size=(10, 6)), 20, axis=0)
    site = {f"site{n}": beds[:, n] for n in range(6)}
    assert found({"site": columns_of(site, tmp_path), "labs": columns_of(rich(200), tmp_path)}, split_of(200)) == ()


def test_a_group_on_both_sides_of_a_given_split_stops(tmp_path):
    official = np.array(["train"] * 40 + ["test"] * 20, object)
    groups = np.arange(60)
    groups[45] = groups[46] = groups[3]
    split = divide(
        Cases(np.arange(60), groups, np.zeros(60, np.int64), official=official), plan=Plan(split_rules(groups=58)), seed=0
    )
    leaks = found(columns_of(rich(60), tmp_path), split, groups=groups)
    assert [(x.kind, x.severity, x.rows.tolist(), x.test_rows.tolist()) for x in leaks] == [("same-group", "stop", [3], [45, 46])]
    with pytest.raises(LeakError, match=r"1 groups are in training and in test.*(.|\n)*--drop-leaks"):
        judge(leaks, how="stop")


def test_the_same_row_on_both_sides_stops(tmp_path):
    cells, split = rich(100), split_of(100)
    for values in cells.values():
        values[split.test[0]] = values[split.development[7]]
    (leak,) = found(columns_of(cells, tmp_path), split)
    assert (leak.kind, leak.severity) == ("same-content", "stop")
    assert leak.rows.tolist() == [split.development[7]]
    assert leak.test_rows.tolist() == [split.test[0]]


def test_rows_are_the_same_only_where_all_inputs_are(tmp_path):
    first, second, split = rich(100), rich(100, seed=1), split_of(100)
    at, copy = split.test[0], split.development[7]
    for values in first.values():
        values[at] = values[copy]
    parts = {"labs": columns_of(first, tmp_path), "notes": columns_of(second, tmp_path)}
    assert [leak.severity for leak in found(parts, split)] == ["warn"]
    for values in second.values():
        values[at] = values[copy]
    parts["notes"] = columns_of(second, tmp_path)
    (leak,) = found(parts, split)
    assert leak.test_rows.tolist() == [at]


def test_equal_content_in_swapped_inputs_is_not_the_same_row(tmp_path):
    split = split_of(50)
    first, second = columns_of(rich(50), tmp_path), columns_of(rich(50, seed=1), tmp_path)
    prints = [np.array(c.fingerprints) for c in (first, second)]
    prints[0][split.test[0]], prints[1][split.test[0]] = prints[1][split.development[0]], prints[0][split.development[0]]
    parts = {"a": replace(first, fingerprints=prints[0]), "b": replace(second, fingerprints=prints[1])}
    assert found(parts, split) == ()


def test_absent_cases_are_not_called_equal(tmp_path):
    columns = columns_of(rich(100), tmp_path)
    absent = np.arange(100) % 2 == 0
    prints = np.where(absent[:, None], 0, columns.fingerprints)
    assert found(replace(columns, present=~absent, fingerprints=prints), split_of(100)) == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 4))
def test_coarse_tables_give_no_false_alarm(tmp_path_factory, seed, columns, levels):
    generator = np.random.default_rng(seed)
    cells = {f"sign{n}": generator.integers(0, levels, 500) for n in range(columns)}
    leaks = found(columns_of(cells, tmp_path_factory.getbasetemp()), split_of(500, seed=seed))
    assert not [x for x in leaks if x.severity == "stop"]


def test_copies_within_one_side_are_no_leak(tmp_path):
    cells, split = rich(100), split_of(100)
    for values in cells.values():
        values[split.test[1]] = values[split.test[0]]
    assert found(columns_of(cells, tmp_path), split) == ()


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes"])
def test_clean_real_tables_raise_no_alarm(name, tmp_path):
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    cells = dict(zip(map(str, bunch.feature_names), bunch.data.T, strict=True))
    for seed in range(3):
        assert found(columns_of(cells, tmp_path), split_of(len(bunch.data), seed=seed)) == ()


def test_support2_raises_no_alarm(data, tmp_path):
    with (data / "records" / "support2.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    outcomes = {"death", "hospdead", "d.time", "sfdm2", "slos", "totcst", "totmcst", "charges"}
    cells = {name: [r[name] for r in rows] for name in rows[0] if name and name not in outcomes}
    assert found(columns_of(cells, tmp_path), split_of(len(rows))) == ()


def leak(rows, tested, **more) -> Leak:
    return Leak("same-content", "stop", "planted", np.array(rows, np.int64), np.array(tested, np.int64), **more)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 8))
def test_dropping_takes_from_training_and_never_from_test(seed, count):
    split = split_of(60, seed=seed)
    planted = np.random.default_rng(seed).choice(split.development, count, replace=False)
    left = without(split, [leak(planted, split.test[:3])])
    assert np.array_equal(left.test, split.test)
    assert np.array_equal(left.development, np.setdiff1d(split.development, planted))
    for fold in left.folds:
        assert not np.isin(planted, np.concatenate([fold.training, fold.tune, fold.held])).any()
    assert ("leaking cases dropped" in left.how) == (count > 0)


def test_a_warning_drops_nothing():
    split = split_of(60)
    assert without(split, [replace(leak(split.training[:3], []), severity="warn")]) is split


def test_near_copies_of_test_cases_warn_and_are_dropped_when_asked():
    split = split_of(40)
    near = Leak("near-copy", "warn", "alike", split.training[:3], split.test[:2])
    judge([near], how="stop")
    assert np.intersect1d(without(split, [near]).development, near.rows).size == 0
    assert touched([near]).tolist() == np.sort(near.test_rows).tolist()
    inside = replace(near, test_rows=NOBODY)  # in validation: nothing of the test is known
    assert without(split, [inside]) is split


def test_dropping_everything_is_refused():
    split = split_of(60)
    with pytest.raises(LeakError, match=r"too few are left to train on.*--allow-leaks"):
        without(split, [leak(split.development[1:], split.test)])


def test_judging():
    stop, warn = leak([1], [2]), replace(leak([1], [2]), severity="warn")
    column = leak([], [2], column="died")
    for how in ("stop", "drop", "allow"):
        judge([], how=how)
        judge([warn], how=how)
    judge([stop, column], how="drop")
    judge([stop, column], how="allow")
    with pytest.raises(LeakError, match="planted"):
        judge([stop], how="stop")
    with pytest.raises(LeakError, match="--drop-leaks leaves the column out, --allow-leaks goes on"):
        judge([column], how="stop")
    assert blamed([stop, column, replace(column, severity="warn", column="age")]) == ("died",)
