"""Which of very many cases network and baseline are compared on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from osler.flows import evaluate as flow
from osler.flows import gathering
from osler.flows.sample import Lot
from osler.flows.verbs import train
from osler.spine.output import Blend
from osler.spine.report.answer import ROUTINE

SETTINGS = {"fit.epochs": 2, "fit.members": 1, "fit.threads": 1, "split.folds": 2, "baseline.effort": 1, "explain.seconds": 0.0}


def passed(lot, blocks):
    """Return what a lot drew of blocks of cases, as places among all, and which of these it keeps."""
    starts = np.cumsum([0, *blocks[:-1]])
    drawn = np.concatenate([start + lot.draw(size) for start, size in zip(starts, blocks, strict=True)])
    return drawn, *lot.kept()


@pytest.mark.parametrize("about", [None, 150, 10])
def test_all_are_drawn_of_few(about):
    drawn, kept, places = passed(Lot(100, about=about, seed=0), [70, 0, 80])
    assert drawn.tolist() == kept.tolist() == places.tolist() == list(range(150))


def test_about_as_many_as_wanted_are_drawn_of_a_known_number_evenly():
    drawn, kept, places = passed(Lot(1000, about=50_000, seed=0), [10_000] * 5)
    assert len(places) == pytest.approx(1000, abs=4 * 1000**0.5)
    assert len(kept) == len(drawn)
    assert np.histogram(places, 5, (0, 50_000))[0] == pytest.approx(200, abs=4 * 200**0.5)


@pytest.mark.parametrize("about", [None, 500])
def test_where_more_come_than_was_thought_it_draws_again_from_what_it_has(about):
    drawn, kept, places = passed(Lot(1000, about=about, seed=0), [10_000] * 5)
    assert 900 < len(places) <= 2000
    assert len(drawn) < 10_000 + 8000  # the share is halved as soon as it is too great
    np.testing.assert_array_equal(drawn[kept], places)
    assert np.histogram(places, 5, (0, 50_000))[0] == pytest.approx(len(places) / 5, abs=4 * (len(places) / 5) ** 0.5)


@pytest.fixture(scope="module")
def cancer(tmp_path_factory):
    from sklearn.datasets import load_breast_cancer

    folder, bunch = tmp_path_factory.mktemp("model"), load_breast_cancer(as_frame=True)
    frame = pl.from_pandas(bunch.data.iloc[:, :4]).with_columns(kind=pl.Series(["mb"[v] for v in bunch.target]))
    frame.write_csv(folder / "table.csv")
    train(folder / "table.csv", target="kind", out=folder / "m", settings=SETTINGS, cache=folder / "cache", budget="1m")
    return folder


@pytest.fixture
def shared(monkeypatch):
    """Let a bundle predict with a share of the network that training did not choose; 100 cases are then very many."""
    load = flow.load

    def with_share(share, most=100):
        monkeypatch.setattr(flow, "load", lambda *asked, **named: replace(load(*asked, **named), blend=Blend(share)))
        monkeypatch.setattr(gathering, "COMPARED", most)

    return with_share


@pytest.mark.parametrize(("share", "absent", "other"), [(0.0, "network", "baseline"), (1.0, "baseline", "network")])
def test_a_part_without_a_share_is_scored_on_some_and_the_rest_on_all(cancer, shared, tmp_path, share, absent, other):
    shared(share, most=10_000)
    whole = flow.evaluate(cancer / "m", cancer / "table.csv", out=tmp_path / "whole")
    shared(share)
    some = flow.evaluate(cancer / "m", cancer / "table.csv", out=tmp_path / "some")
    few = some.counts["compared"]
    assert 60 < few < 140
    assert "compared" not in whole.counts
    assert some.test == whole.test
    assert getattr(some, other) == getattr(whole, other)
    assert getattr(some, absent)["auroc"].value == pytest.approx(getattr(whole, absent)["auroc"].value, abs=0.1)
    assert getattr(some, absent)["auroc"] != getattr(whole, absent)["auroc"]
    assert (
        some.verdict.difference.high - some.verdict.difference.low > whole.verdict.difference.high - whole.verdict.difference.low
    )
    note = f"The {absent} and its comparison with the {other} rest on a random {few} of the cases."
    assert note in some.notes
    assert note.startswith(ROUTINE)
    assert note in (tmp_path / "some" / "report.html").read_text()
    assert json.loads((tmp_path / "some" / "scores.json").read_text())["counts"]["compared"] == few
    assert not [n for n in whole.notes if "random" in n]


def test_parts_that_both_have_a_share_are_computed_of_every_case(cancer, shared, tmp_path):
    shared(0.5)
    assert "compared" not in flow.evaluate(cancer / "m", cancer / "table.csv", out=tmp_path / "some").counts


def test_recalibration_takes_every_part_of_every_case(cancer, shared, tmp_path):
    shared(0.0)
    found = flow.evaluate(cancer / "m", cancer / "table.csv", out=tmp_path / "some", recalibrate=tmp_path / "new")
    assert "compared" not in found.counts
