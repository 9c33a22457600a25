"""Columns that give the outcome away, planted and real, and columns that do not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from osler.core.leak import Leak
from osler.core.plan import Plan
from osler.core.registry import modality, task
from osler.core.table import Table
from osler.spine.leaks import find_leaks
from osler.spine.split import Cases, divide, split_rules

TABLES = modality("tables")
FIVE = ("fac_sfdm2", "fac_dnr", "num_surv2m", "num_surv6m", "num_sps")  # known too late or too well, as the data's own notes say


def found(cells, targets, *, kind="classification", seed=0, groups=None) -> list[Leak]:
    """Return the findings on columns of a table `cells` whose columns `targets` are to be predicted."""
    goal = task(kind)
    target, refused = goal.target({t: np.asarray(cells[t]) for t in targets})
    inputs = [c for c in cells if c not in targets]
    locators = TABLES.locate(Table(pa.table({c: cells[c] for c in inputs}), None), columns=tuple(inputs))
    reading = {d.name: d.value for d in TABLES.reading(locators, settings={})}
    columns = TABLES.shard(locators, reading=reading, roles=frozenset({"input"}))
    usable = np.setdiff1d(np.arange(len(target)), list(refused))
    crowd = np.arange(len(target)) if groups is None else groups
    rules = Plan(split_rules(groups=len(np.unique(crowd))))
    split = divide(Cases(usable, crowd, goal.stratum(target)), plan=rules, seed=seed)
    leaks = find_leaks(modalities={"table": TABLES}, columns={"table": columns}, split=split, target=target, groups=groups,
                       outcomes=goal.outcomes(target))  # fmt: skip
    return [leak for leak in leaks if leak.column is not None]


def named(leaks, severity="stop") -> set[str]:
    return {leak.column for leak in leaks if leak.severity == severity}


def labs(rows=600, columns=6, seed=0):
    """Return noise, a weak outcome of it, and a generator."""
    generator = np.random.default_rng(seed)
    cells = {f"lab{n}": generator.normal(size=rows) for n in range(columns)}
    risk = 1 / (1 + np.exp(-cells["lab0"] - 0.5 * cells["lab1"]))
    return cells, (generator.random(rows) < risk).astype(int), generator


def sklearn_table(name):
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    return dict(zip(map(str, bunch.feature_names), bunch.data.T, strict=True)), bunch.target


# real data ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "digits", "diabetes"])
def test_clean_real_tables_raise_no_alarm(name):
    cells, target = sklearn_table(name)
    for seed in range(3):
        assert (
            found({**cells, "y": target}, ["y"], kind="regression" if name == "diabetes" else "classification", seed=seed) == []
        )


@pytest.mark.parametrize("flower", [0, 1, 2])
def test_a_column_that_is_perfect_because_nature_is_raises_no_alarm(flower):
    cells, target = sklearn_table("iris")  # petal length tells setosa without an error
    for seed in range(5):
        assert found({**cells, "y": (target == flower) * 1}, ["y"], seed=seed) == []


@pytest.fixture(scope="module")
def support(data):
    """SUPPORT2 with death within 180 days as the outcome."""
    table = pa.csv.read_csv(data / "records" / "support2.csv", convert_options=pa.csv.ConvertOptions(strings_can_be_null=False))
    cells = {name: table.column(name) for name in table.column_names if name != "pid"}
    died = (table.column("time").to_numpy() <= 180) & (table.column("event").to_numpy() == 1)
    return {**cells, "died": died.astype(int)}


def test_support2_as_published_is_stopped(support):
    leaks = found(support, ["died"])
    assert named(leaks) == {"fac_sfdm2", "time", "event"}
    sentence = next(leak.sentence for leak in leaks if leak.column == "fac_sfdm2")
    assert "column 'fac_sfdm2' gives the outcome away: all 2," in sentence
    assert "--exclude 'fac_sfdm2'" in sentence


def test_support2_without_follow_up_still_names_the_column_known_too_late(support):
    assert named(found({k: v for k, v in support.items() if k not in {"time", "event"}}, ["died"], seed=1)) == {"fac_sfdm2"}


def test_support2_without_the_five_columns_goes_on(support):
    assert found({k: v for k, v in support.items() if k not in {"time", "event", *FIVE}}, ["died"]) == []


def test_what_the_classes_were_cut_from_is_named(data):
    rows = pa.csv.read_csv(data / "molecules" / "moleculenet" / "bace.csv")
    cells = {name: rows.column(name) for name in ("Class", "pIC50", "Model")}
    assert named(found(cells, ["Class"])) == {"pIC50"}


# planted --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "leak",
    [
        lambda y, _: y,
        lambda y, _: np.where(y, "b", "a"),
        lambda y, g: y + g.normal(scale=0.15, size=len(y)),
        lambda y, g: np.where(y == 1, np.nan, g.normal(size=len(y))),  # a date of death that only the dead have
        lambda y, g: np.where(y == 1, np.where(g.random(len(y)) < 0.5, -3, 3), 0) + g.normal(scale=0.3, size=len(y)),
        lambda y, g: np.where(g.random(len(y)) < 0.01, 1 - y, y),
    ],
    ids=["copy", "words", "noisy copy", "missing", "both ends", "one in a hundred wrong"],
)
def test_a_planted_copy_of_a_class_is_named(leak):
    for seed in range(3):
        cells, y, generator = labs(seed=seed)
        leaks = found({**cells, "late": leak(y, generator), "y": y}, ["y"], seed=seed)
        assert [(x.kind, x.severity, x.column) for x in leaks] == [("tells-outcome", "stop", "late")]
        assert "leave it out with --exclude 'late'" in leaks[0].sentence


def test_a_copy_is_named_where_other_columns_are_good_too():
    cells, target = sklearn_table("breast_cancer")
    leaks = found({**cells, "late": target, "y": target}, ["y"])
    assert named(leaks) == {"late"}
    assert "AUROC 1.000, all columns that are not suspected together with 0.99" in leaks[0].sentence


def test_two_copies_do_not_hide_each_other():
    cells, y, _ = labs()
    assert named(found({**cells, "one": y, "two": 1 - y, "y": y}, ["y"])) == {"one", "two"}


def test_three_classes():
    cells, _, generator = labs()
    y = generator.integers(0, 3, len(cells["lab0"]))
    code = np.array(["x", "z", "y"])[y]
    assert named(found({**cells, "code": code, "y": y}, ["y"])) == {"code"}


def test_every_label_is_looked_at():
    cells, y, generator = labs()
    other = generator.integers(0, 2, len(y)).astype(float)
    other[::7] = np.nan
    leaks = found({**cells, "late": np.nan_to_num(other), "y": y, "other": other}, ["y", "other"])
    assert named(leaks) == {"late"}
    assert "'other'" in leaks[0].sentence


@pytest.mark.parametrize("function", [lambda t: t, np.log, lambda t: -(t**3), lambda t: np.round(t / 2)], ids=range(4))
def test_a_monotone_function_of_a_number_is_named(function):
    cells, target = sklearn_table("diabetes")
    leaks = found({**cells, "late": function(target), "y": target}, ["y"], kind="regression")
    assert named(leaks) == {"late"}
    assert "R² of the ranks" in leaks[0].sentence


def test_a_column_from_which_a_number_follows_in_another_way_is_named():
    generator = np.random.default_rng(0)
    x = generator.normal(size=2000)
    cells = {"noise": generator.normal(size=2000), "x": x, "y": x**2}
    assert named(found(cells, ["y"], kind="regression")) == {"x"}


def test_several_numbers():
    cells, _, generator = labs()
    first, second = generator.normal(size=(2, len(cells["lab0"])))
    leaks = found({**cells, "late": second * 2, "first": first, "second": second}, ["first", "second"], kind="regression")
    assert named(leaks) == {"late"}


def test_a_good_column_is_no_leak():
    cells, y, generator = labs(2000)
    cells["good"] = y + generator.normal(scale=0.45, size=len(y))  # AUROC about .94
    assert found({**cells, "y": y}, ["y"]) == []


# a category with one outcome ------------------------------------------------------------------------------------------


def with_category(y, generator, cases, outcome=1):
    words = np.array(["home", "ward", "clinic"], object)[generator.integers(0, 3, len(y))]
    words[np.flatnonzero(y == outcome)[:cases]] = "mortuary"
    return words.astype(str)


@pytest.mark.parametrize(("cases", "severity"), [(30, None), (90, "stop")])
def test_a_category_with_one_outcome_only(cases, severity):
    cells, y, generator = labs(1000)
    leaks = found({**cells, "place": with_category(y, generator, cases), "y": y}, ["y"])
    assert [(x.column, x.severity) for x in leaks] == ([("place", severity)] if severity else [])
    assert all("mortuary" not in x.sentence for x in leaks)


def test_a_category_that_chance_makes_pure_is_no_leak():
    generator = np.random.default_rng(0)
    y = (generator.random(4000) < 0.002).astype(int)  # most categories of 80 cases have no event
    words = np.array([f"w{n}" for n in range(50)])[generator.integers(0, 50, 4000)]
    assert found({"place": words, "lab": generator.normal(size=4000), "y": y}, ["y"]) == []


def test_a_category_without_the_rare_outcome_only_warns():
    generator = np.random.default_rng(0)
    y = (generator.random(4000) < 0.2).astype(int)
    words = with_category(y, generator, 150, outcome=0)
    leaks = found({"place": words, "lab": generator.normal(size=4000), "y": y}, ["y"])
    assert [(x.column, x.severity) for x in leaks] == [("place", "warn")]


def test_cases_of_one_patient_count_once():
    cells, y, generator = labs(1000)
    words = np.array(["home", "ward"], object)[generator.integers(0, 2, 1000)]
    rows = np.flatnonzero(y == 1)[:90]
    words[rows] = "own"
    groups = np.arange(1000)
    groups[rows] = groups[rows[0]]
    assert named(found({**cells, "place": words.astype(str), "y": y}, ["y"])) == {"place"}
    assert found({**cells, "place": words.astype(str), "y": y}, ["y"], groups=groups) == []


def test_a_code_written_as_a_number_is_a_category_and_a_score_is_not():
    cells, y, generator = labs(3000)
    code = np.where((y == 1) & (generator.random(3000) < 0.3), 4, generator.integers(1, 4, 3000))
    assert named(found({**cells, "code": code, "y": y}, ["y"])) == {"code"}
    score = np.clip(np.round(5 * y + generator.normal(2.5, 1.6, 3000)), 1, 10)  # its ends are pure, as those of good scores are
    assert found({**cells, "score": score, "y": y}, ["y"]) == []


def test_a_category_with_one_number_only():
    generator = np.random.default_rng(0)
    cost = np.round(generator.lognormal(3, 1, 1000), 2)
    place = np.array(["ward", "clinic"], object)[generator.integers(0, 2, 1000)]
    place[:90], cost[:90] = "none", 0.0
    assert named(
        found({"place": place.astype(str), "lab": generator.normal(size=1000), "cost": cost}, ["cost"], kind="regression")
    ) == {"place"}


# identifiers ----------------------------------------------------------------------------------------------------------


def test_a_running_number_is_told():
    cells, y, _ = labs()
    (leak,) = found({**cells, "sample": np.arange(len(y)), "y": y}, ["y"])
    assert (leak.kind, leak.severity, leak.column) == ("identifier", "warn", "sample")
    assert leak.sentence.startswith(
        "column 'sample' tells cases apart and nothing of a new case: its values number the rows; leave"
    )


def test_a_running_number_of_a_sorted_table_gives_the_outcome_away():
    cells, y, _ = labs()
    order = np.argsort(y, kind="stable")
    sorted_cells = {name: values[order] for name, values in cells.items()}
    assert named(found({**sorted_cells, "sample": np.arange(len(y)), "y": y[order]}, ["y"])) == {"sample"}


def test_a_rising_number_that_follows_the_outcome_says_so():
    cells, y, generator = labs()
    order = np.argsort(y + generator.normal(size=len(y)), kind="stable")
    number = np.cumsum(generator.integers(1, 9, len(y)))
    (leak,) = found({**{k: v[order] for k, v in cells.items()}, "sample": number, "y": y[order]}, ["y"])
    assert "the outcome follows the order of the rows (rank correlation" in leak.sentence


def test_a_column_named_like_an_identifier_is_told():
    cells, y, generator = labs()
    (leak,) = found({**cells, "device_no": generator.integers(0, 90, len(y)), "y": y}, ["y"])
    assert (leak.severity, leak.column) == ("warn", "device_no")
    assert found({**cells, "site_no": generator.integers(0, 8, len(y)), "y": y}, ["y"]) == []


# degenerate -----------------------------------------------------------------------------------------------------------


def test_too_few_cases_say_nothing():
    cells, y, _ = labs(40)
    y[:] = 0
    y[:8] = 1
    assert found({**cells, "late": y, "y": y}, ["y"]) == []


def test_a_rare_outcome_is_looked_at():
    generator = np.random.default_rng(0)
    y = np.zeros(60_000, int)
    y[generator.choice(60_000, 60, replace=False)] = 1
    cells = {"lab": generator.normal(size=60_000), "late": y + generator.normal(scale=0.05, size=60_000), "y": y}
    assert named(found(cells, ["y"])) == {"late"}


def test_columns_that_are_empty_or_constant_among_the_development_cases():
    cells, y, _ = labs()
    nothing = np.full(len(y), np.nan)
    nothing[:2] = 1.0
    flat = np.zeros(len(y))
    flat[0] = 1.0
    assert found({**cells, "nothing": nothing, "flat": flat, "y": y}, ["y"]) == []
