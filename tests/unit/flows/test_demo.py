"""The demo runs each study, and leaves out the one whose package is not there."""

import json

import pytest

from osler.core.errors import RequestError
from osler.core.watch import Watch
from osler.flows import demo as flow


class Heard(Watch):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


@pytest.fixture
def trained(monkeypatch):
    """Stand-ins that write scores in place of training; the folders that predictions go to."""
    written = []

    def train(request, *, out, cache, watch):
        out.mkdir(parents=True)
        scores = {"test": {"dice": {"value": 0.5, "low": None, "high": None}}, "headline": f"{request.task} of {request.target}"}
        (out / "scores.json").write_text(json.dumps(scores))
        return out

    def predict(bundle, table, *, out, watch, top=None):
        written.append(out.name)
        if top is not None:
            out.write_text(f"row,predicted_solubility\n{2 if top.lowest else 1},0.5\n")
        return out

    def explain(bundle, table, *, out, asked, watch):
        written.append(f"{table.parent.name} {asked.rows}")

    def embed(bundle, table, *, out, map_to, watch):
        written.append(f"{bundle.name} {table.name} {map_to[0].name} by {map_to[1]}")

    monkeypatch.setattr(flow, "embed", embed)
    monkeypatch.setattr(flow, "explain", explain)
    monkeypatch.setattr(flow, "train", train)
    monkeypatch.setattr(flow, "predict", predict)
    return written


def test_a_study_whose_package_is_not_there_is_left_out(trained, monkeypatch, tmp_path):
    def get(name, *, to):
        if name in {"mni152", "solubility"}:
            raise RequestError("the package that ships these data is not installed")
        return to / "study.yaml"

    monkeypatch.setattr(flow, "get", get)
    watch = Heard()
    assert [shown.name for shown in flow.demo(tmp_path, watch=watch)] == ["breast-cancer", "diabetes", "simulated-motif"]
    assert watch.said[-1] == "solubility is left out: the package that ships these data is not installed"


def test_what_must_be_there_is_not_left_out(trained, monkeypatch, tmp_path):
    def get(name, *, to):
        raise RequestError("the file differs")

    monkeypatch.setattr(flow, "get", get)
    with pytest.raises(RequestError, match="the file differs"):
        list(flow.demo(tmp_path))


def test_masks_go_into_a_folder(trained, monkeypatch, tmp_path):
    monkeypatch.setattr(flow, "get", lambda name, *, to: to / "study.yaml")  # noqa: ARG005  called by keyword
    shown = list(flow.demo(tmp_path))
    told = [name for name in trained if " " not in name]
    assert told[:5] == ["predictions.csv", "predictions.csv", "predictions", "predictions.csv", "predictions.csv"]
    assert {one.value for one in shown} == {"0.500"}


def test_a_library_is_screened_and_both_ends_are_explained(trained, monkeypatch, tmp_path):
    monkeypatch.setattr(flow, "get", lambda name, *, to: to / "study.yaml")  # noqa: ARG005  called by keyword
    last = list(flow.demo(tmp_path))[-1]
    assert trained[6:] == ["highest.csv", "lowest.csv", "library (1, 2)"]
    assert last.hits == tmp_path / "solubility" / "hits" / "explanation.html"


def test_one_study_is_mapped_by_vectors_that_never_saw_its_label(trained, monkeypatch, tmp_path):
    monkeypatch.setattr(flow, "get", lambda name, *, to: to / "study.yaml")  # noqa: ARG005  called by keyword
    first, *others = flow.demo(tmp_path)
    assert trained[1] == "vectors table.csv map.html by diagnosis"
    assert first.map == tmp_path / "breast-cancer" / "map.html"
    assert first.headline == "representation of ('diagnosis',)"
    assert {one.map for one in others} == {None}
