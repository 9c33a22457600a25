"""Masks scored on new cases and in folds, slices of a patient as one, and the page of single cases (strips and marking)."""

import json
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import osler
from osler.core.errors import RequestError
from osler.flows import overlays
from osler.flows.pooling import Together
from osler.flows.train import train
from osler.spine.study import Request
from osler.tasks.classification import Classification
from tests.contract.marking import Marking
from tests.contract.strips import write_strips
from tests.contract.studies import register

CASES = 40
SMALL = ("fit.epochs=1", "fit.members=1", "fit.threads=1", "split.folds=1")


def by_patient(self, statistics, groups, *, info):
    """Places of a patient's slices added up."""
    if groups is None:
        return statistics, np.arange(len(statistics))
    found, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    sums = np.zeros((len(found), statistics.shape[1]))
    np.add.at(sums, inverse, statistics)
    order = np.argsort(first)
    return sums[order], first[order]


@pytest.fixture(scope="module", autouse=True)
def _known():
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    rows = write_strips(folder, cases=CASES)
    for number, row in enumerate(rows):
        row |= {"name": f"c{number}", "site": "ab"[number // 2 % 2]}
    pq.write_table(pa.Table.from_pylist(rows), folder / "table.parquet")
    train(asked(folder), out=folder / "m", cache=folder / "cache")
    return folder, rows


def asked(folder, **more):
    return Request(
        folder / "table.parquet", target=("mask",), task="marking", inputs=("picture=strips:image",), group="patient", id="name",
        subgroups=("site",), budget="20s", settings=SMALL, **more,
    )  # fmt: skip


def dice(folder, rows, segmented):
    marks = [segmented[n + 1].marks[0] for n in range(len(rows))]
    truth = [np.load(folder / row["mask"]) for row in rows]
    return [(2 * (m * t).sum(), m.sum() + t.sum()) for m, t in zip(marks, truth, strict=True)]


def test_new_cases_are_scored_against_their_masks_and_shown(study, tmp_path):
    folder, rows = study
    scores = osler.evaluate(folder / "m", folder / "table.parquet", out=tmp_path / "e")
    over, under = np.array(dice(folder, rows, dict(osler.load(folder / "m").segment(folder / "table.parquet")))).T
    assert scores.test["dice"].value == pytest.approx(np.mean(over / under))
    assert scores.counts["cases"] == CASES
    assert set(scores.network) == set(scores.baseline) == {"dice"}
    assert scores.explanation == {}
    page = (tmp_path / "e" / "cases.html").read_text()
    assert page.count("<desc>") == CASES
    assert page.count("truth=") == CASES
    report = (tmp_path / "e" / "report.html").read_text()
    assert 'id="explanation"' not in report
    assert "AUROC" not in report
    assert 'id="sample"' not in report


def test_a_case_without_a_good_file_is_refused_and_the_others_are_scored(study, tmp_path):
    folder, rows = study
    (folder / "broken.npy").write_bytes(b"nothing")
    pq.write_table(pa.Table.from_pylist([{**rows[0], "image": "broken.npy"}, *rows[1:12]]), folder / "bad.parquet")
    scores = osler.evaluate(folder / "m", folder / "bad.parquet", out=tmp_path / "e")
    assert scores.counts["cases"] == 11
    assert "the file is no picture" in (tmp_path / "e" / "cases.html").read_text()


def test_slices_of_a_patient_are_scored_as_one(study, tmp_path, monkeypatch):
    folder, rows = study
    monkeypatch.setattr(Marking, "pooled", by_patient)
    scores = osler.evaluate(folder / "m", folder / "table.parquet", out=tmp_path / "e")
    lines = np.array(dice(folder, rows, dict(osler.load(folder / "m").segment(folder / "table.parquet"))))
    over, under = lines.reshape(-1, 2, 2).sum(1).T  # patients have two slices one after the other
    assert scores.test["dice"].value == pytest.approx(np.mean(over / under))
    assert scores.counts["cases"] == scores.counts["groups"] == CASES // 2
    assert f"{CASES} cases are scored as {CASES // 2}." in " ".join(scores.notes)
    assert f"{CASES} cases are scored as {CASES // 2}." in (tmp_path / "e" / "report.html").read_text()
    assert (tmp_path / "e" / "cases.html").read_text().count("<desc>") == CASES  # each slice is shown


def test_folds_score_every_case_by_a_training_that_never_saw_it(study, tmp_path, monkeypatch):
    folder, _ = study
    monkeypatch.setattr(Marking, "pooled", by_patient)
    seen = []
    kept = overlays.drawing
    monkeypatch.setattr(
        overlays, "drawing", lambda source, painter, row: (seen.append((id(painter.crews), row)), kept(source, painter, row))[1]
    )
    out = train(asked(folder, folds=3), out=tmp_path / "m", cache=folder / "cache")
    scores = json.loads((out / "scores.json").read_text())
    assert scores["counts"]["cases"] == CASES // 2
    assert len({row for _, row in seen}) == CASES
    assert len({crews for crews, _ in seen}) == 3
    assert any(f"{CASES} cases are scored as {CASES // 2}." in note for note in scores["notes"])
    assert scores["origin"]["kind"] == "folds"
    assert (tmp_path / "m.cases.html").read_text().count("<desc>") == CASES


def test_two_bundles_are_compared_on_the_same_masks(study):
    folder, _ = study
    found = osler.compare(folder / "m", folder / "m", folder / "table.parquet")
    assert found.verdict.difference.value == 0
    assert found.counts["cases"] == CASES


def test_masks_are_not_recalibrated(study, tmp_path):
    folder, _ = study
    with pytest.raises(RequestError, match="masks and tracks cannot be recalibrated on new cases; leave --recalibrate out"):
        osler.evaluate(folder / "m", folder / "table.parquet", out=tmp_path / "e", recalibrate=tmp_path / "r")
    assert not (tmp_path / "e").exists()


def test_answers_for_whole_cases_are_no_masks(study):
    folder, _ = study
    vector = replace(osler.load(folder / "m"), task=Classification())
    with pytest.raises(RequestError, match="this bundle gives one answer per case and no masks"):
        next(vector.segment(folder / "table.parquet"))


def test_the_page_shows_the_worst_first_within_its_bounds(study, tmp_path, monkeypatch):
    folder, _ = study
    monkeypatch.setattr(overlays, "MOST", 7)
    osler.evaluate(folder / "m", folder / "table.parquet", out=tmp_path / "e")
    page = (tmp_path / "e" / "cases.html").read_text()
    assert page.count("<desc>") == 7
    losses = [float(v) for v in re.findall(r'<p class="muted">Loss ([\d.]+)</p>', page)]
    assert len(losses) == 7
    assert losses == sorted(losses, reverse=True)
    assert page.count('<td class="name">') == CASES - 7
    monkeypatch.setattr(overlays, "BYTES", 0)
    osler.evaluate(folder / "m", folder / "table.parquet", out=tmp_path / "e")
    assert (tmp_path / "e" / "cases.html").read_text().count("<desc>") == overlays.LEAST


def test_a_leak_of_one_slice_touches_the_whole_patient(monkeypatch):
    monkeypatch.setattr(Marking, "pooled", by_patient)
    lines = {"test": np.arange(18.0).reshape(6, 3)}
    told = Together.of(Marking(), lines, np.array([7, 7, 3, 3, 3, 9]), info={})
    np.testing.assert_array_equal(told.lines["test"], [[3, 5, 7], [27, 30, 33], [15, 16, 17]])
    np.testing.assert_array_equal(told.first, [0, 2, 5])
    np.testing.assert_array_equal(told.groups, [7, 3, 9])
    np.testing.assert_array_equal(told.any(np.array([0, 1, 0, 0, 0, 0], bool)), [True, False, False])
    alone = Together.of(Marking(), lines, None, info={})
    np.testing.assert_array_equal(alone.any(np.array([0, 1, 0, 0, 0, 0], bool)), [0, 1, 0, 0, 0, 0])
