"""What holds of any two inputs together: each may be missing, in training and later."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import osler
from osler.core import registry
from osler.core.errors import StudyError
from osler.flows.adding import withheld
from osler.flows.members import crew_raw, joined_features
from osler.flows.predictor import Predictor, load
from osler.flows.train import train
from osler.spine.fit import Source
from tests.contract.pairs import (
    BROKEN,
    CASES,
    KINDS,
    NEITHER,
    OFTEN,
    PAIRS,
    TARGETS,
    Pair,
    gaps,
    request_of,
    rows_of,
    table_of,
    without,
)
from tests.contract.studies import register

INPUTS = ("first", "second")


@dataclass(frozen=True)
class Trained:
    """A bundle of a pair, loaded, the rows of its table before any cell was taken away, and where their files lie."""

    pair: Pair
    predictor: Predictor
    bundle: Path
    rows: list
    folder: Path

    def table(self, lacking):
        return table_of(without(self.rows, self.pair, lacking), self.folder)

    def source(self, lacking, predictor=None):
        predictor = predictor or self.predictor
        return Source(predictor.modalities, predictor.columns(self.table(lacking)), predictor.contents.plan)

    def raw(self, source):
        return crew_raw(self.predictor.crews[0], source, np.arange(len(self.rows)))


@pytest.fixture(scope="module", autouse=True)
def _known():
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory, _known):
    folder = tmp_path_factory.mktemp("pairs")
    return folder, rows_of(folder)


@pytest.fixture(scope="module", params=[pytest.param(p, id=str(p), marks=() if p in OFTEN else pytest.mark.slow) for p in PAIRS])
def trained(request, files):
    folder, rows = files
    pair = request.param
    lacking = without(rows, pair, gaps())
    lacking[BROKEN] = pair.broken(lacking[BROKEN])
    out = train(request_of(lacking, folder, pair), out=folder / f"{pair}.bundle", cache=folder / "cache")
    return Trained(pair, load(out), out, rows, folder)


def test_every_modality_has_its_pairs():
    assert set(KINDS) >= set(registry.MODALITIES)
    of_vectors = {name for name in registry.TASKS if registry.task(name).needs({}) == "vector"}
    assert {p.task for p in PAIRS} == set(TARGETS) == of_vectors
    assert {frozenset((p.first, p.second)) for p in OFTEN} == {frozenset((p.first, p.second)) for p in PAIRS}
    for kind in KINDS:
        assert {p.task for p in OFTEN if kind in {p.first, p.second}} == set(TARGETS)


def test_a_case_without_one_input_is_predicted_and_one_without_any_is_not(trained):
    lines = trained.predictor.lines(trained.table(gaps()))
    values = next(v for k, v in lines.items() if v.dtype.kind == "f" and k != "row")
    assert np.flatnonzero(~np.isfinite(values)).tolist() == [NEITHER]
    assert lines["refused"][NEITHER] == "no_input: every input is missing in this row"
    assert lines["without"][[0, 1, 3, NEITHER]].tolist() == ["", "second", "first", ""]


def test_a_case_with_an_input_that_cannot_be_read_goes_on_without_it(trained):
    name = trained.pair.of_files
    if name is None:
        pytest.skip("cells of a table cannot be broken files")
    rows = [trained.pair.broken(trained.rows[0]), trained.rows[1]]
    lines = trained.predictor.lines(table_of(rows, trained.folder))
    gone = trained.predictor.lines(table_of(without(rows, trained.pair, {0: (name,)}), trained.folder))
    assert lines["refused"].tolist() == ["", ""]
    assert lines["without"][0].startswith(f"{name} (")
    assert "no picture" in lines["without"][0]
    assert lines["without"][1] == ""
    for column in set(lines) - {"without"}:
        assert lines[column].tolist() == gone[column].tolist()


def test_an_input_withheld_is_an_input_absent(trained):
    whole = trained.source({})
    for name in INPUTS:
        absent = trained.source(dict.fromkeys(range(CASES), (name,)))
        held = trained.raw(withheld(whole, name))
        for part, values in trained.raw(absent).items():
            np.testing.assert_array_equal(held[part], values)
        assert np.abs(held["network"] - trained.raw(whole)["network"]).max() > 0  # and it is no other input


def test_features_of_an_absent_input_are_missing_and_those_of_the_other_stay(trained):
    states, rows = trained.predictor.crews[0].states, np.arange(CASES)
    whole = joined_features(trained.source({}), rows, states)
    for name in INPUTS:
        found = joined_features(withheld(trained.source({}), name), rows, states)
        own = np.array([feature.startswith(f"{name}.") for feature in found.names])
        assert np.isnan(found.matrix[:, own]).all()
        np.testing.assert_array_equal(found.matrix[:, ~own], whole.matrix[:, ~own])


def test_a_batch_equals_one_by_one_where_inputs_are_missing(trained):
    source = trained.source(gaps())
    rows = np.array([0, 1, 3, 4, 5, 7])
    together = crew_raw(trained.predictor.crews[0], source, rows)
    for at, row in enumerate(rows):
        alone = crew_raw(trained.predictor.crews[0], source, np.array([row]))
        for part, values in alone.items():
            np.testing.assert_allclose(together[part][at], values[0], rtol=1e-4, atol=1e-5)


def test_loaded_again_it_predicts_the_same(trained):
    again = load(trained.bundle)
    first, second = (p.lines(trained.table(gaps())) for p in (trained.predictor, again))
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_what_each_input_adds_is_told_in_pairs(trained):
    scores = json.loads((trained.bundle / "scores.json").read_text())
    told = scores["inputs"]
    assert [row["name"] for row in told["rows"]] == list(INPUTS)
    for row in told["rows"]:
        assert row["present"] + row["absent"] == scores["counts"]["cases"]
        assert (row["cases"] >= 10) == bool(row["parts"])


def test_attributions_add_up_over_inputs_and_an_absent_one_gets_nothing(trained):
    path = trained.folder / f"explained-{trained.pair}.parquet"
    pq.write_table(trained.table({0: ("first",), 1: ("second",)}).rows, path)
    for case, gone in zip(trained.predictor.explain(path, row=[1, 2]), INPUTS, strict=True):
        answer = case["answers"][0]
        network = {f["name"]: f["attribution"]["network"] for f in answer["features"]}
        absent = [v for name, v in network.items() if name.split(".")[0] == gone]
        assert absent == [0.0] * len(absent)
        assert absent
        total = sum(f["attribution"]["bundle"] for f in answer["features"])
        ends = answer["bundle"]
        assert total == pytest.approx(ends["score"] - ends["reference"], abs=abs(ends["error"]) + 1e-6)


@pytest.mark.parametrize("present", [1, 0])
@pytest.mark.parametrize("name", INPUTS)
def test_an_input_of_one_case_trains_and_one_of_none_is_refused(files, tmp_path, name, present):
    folder, rows = files
    pair = Pair("strips", "tables", "classification")
    few = dict.fromkeys(range(present, CASES), (name,))
    asked = request_of(without(rows, pair, few), folder, pair)
    if not present:
        with pytest.raises(StudyError, match=f"input '{name}' is missing in all {CASES} rows"):
            train(asked, out=tmp_path / "m", cache=tmp_path)
        return
    predictor = load(train(asked, out=tmp_path / "m", cache=tmp_path))
    known = dict(zip(INPUTS, predictor.crews[0].networks[0].network.fusion.known.tolist(), strict=True))
    assert known == {name: False, ({*INPUTS} - {name}).pop(): True}
    whole = Source(predictor.modalities, predictor.columns(table_of(rows, folder)), predictor.contents.plan)
    crew, some = predictor.crews[0], np.arange(CASES)
    for source in (whole, withheld(whole, name)):
        raws = crew_raw(crew, source, some)
        assert all(np.isfinite(raw).all() for raw in raws.values())
    # an encoder that one person trained has no say
    np.testing.assert_array_equal(crew_raw(crew, whole, some)["network"], crew_raw(crew, withheld(whole, name), some)["network"])


def test_files_that_all_fail_end_the_run(files, tmp_path):
    folder, rows = files
    pair = Pair("strips", "tables", "classification")
    broken = [{**row, "image": "broken.npy"} for row in rows]
    with pytest.raises(StudyError, match="64 times unreadable: the file is no picture; mend its columns, or leave it out"):
        train(request_of(broken, folder, pair), out=tmp_path / "m", cache=tmp_path)


def test_new_cases_are_evaluated_where_inputs_are_missing(trained, tmp_path):
    path = trained.folder / f"new-{trained.pair}.parquet"
    pq.write_table(trained.table(gaps()).rows, path)
    scores = osler.evaluate(trained.bundle, path, out=tmp_path / "e")
    rows = {row["name"]: row for row in scores.inputs["rows"]}
    lacking = {name: sum(name in one for one in gaps().values()) - 1 for name in INPUTS}  # one case is refused
    assert {name: row["absent"] for name, row in rows.items()} == lacking
    assert all(row["cases"] == CASES - 1 - sum(lacking.values()) for row in rows.values())


def test_the_source_is_left_as_it_was(trained):
    source = trained.source({})
    before = {name: columns.present.copy() for name, columns in source.columns.items()}
    trained.raw(withheld(source, "first"))
    assert all(np.array_equal(source.columns[name].present, kept) for name, kept in before.items())
    assert replace(source) == source
