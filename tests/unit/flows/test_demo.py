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
        (out / "scores.json").write_text(json.dumps({"test": {"dice": {"value": 0.5, "low": None, "high": None}}}))
        return out

    def predict(bundle, table, *, out, watch):
        written.append(out.name)
        return out

    monkeypatch.setattr(flow, "train", train)
    monkeypatch.setattr(flow, "predict", predict)
    return written


def test_a_study_whose_package_is_not_there_is_left_out(trained, monkeypatch, tmp_path):
    def get(name, *, to):
        if name == "mni152":
            raise RequestError("the package 'nilearn' that ships these data is not installed")
        return to / "study.yaml"

    monkeypatch.setattr(flow, "get", get)
    watch = Heard()
    assert [shown.name for shown in flow.demo(tmp_path, watch=watch)] == ["breast-cancer", "diabetes"]
    assert watch.said[-1] == "mni152 is left out: the package 'nilearn' that ships these data is not installed"


def test_what_must_be_there_is_not_left_out(trained, monkeypatch, tmp_path):
    def get(name, *, to):
        raise RequestError("the file differs")

    monkeypatch.setattr(flow, "get", get)
    with pytest.raises(RequestError, match="the file differs"):
        list(flow.demo(tmp_path))


def test_masks_go_into_a_folder(trained, monkeypatch, tmp_path):
    monkeypatch.setattr(flow, "get", lambda name, *, to: to / "study.yaml")  # noqa: ARG005  called by keyword
    shown = list(flow.demo(tmp_path))
    assert trained == ["predictions.csv", "predictions.csv", "predictions"]
    assert {one.value for one in shown} == {"0.500"}
