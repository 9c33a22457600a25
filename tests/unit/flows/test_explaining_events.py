"""Events are explained by their codes, though cases differ in length and folds in vocabulary; the network is a known sum."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from osler.blocks.fusion import Fusion, Network
from osler.contract import Encoded, Modality, Task
from osler.core.plan import Plan
from osler.core.registry import task
from osler.core.state import State
from osler.flows.explaining import Subject, attributions, bundle_raw, compared_with, references_of, stored_references
from osler.flows.importance import FEWEST, explanation
from osler.flows.pictures import drawn
from osler.modalities.timelines import Timelines
from osler.modalities.timelines.fit import fit, places
from osler.spine.fit import Source
from osler.spine.output import Blend
from tests.unit.modalities.timelines.stays import physionet


class Events(Timelines):
    """Timelines whose batches are flat events with offsets."""

    gather = Modality.gather


class Sum(nn.Module):
    """Adds up, over the events, value times what the code's hash says, and a tenth for each."""

    width, channels, ragged = 1, (), True

    def __init__(self, state):
        super().__init__()
        self.state = state

    def _padded(self, flat, fields):
        lengths = torch.diff(fields["codes.offsets"]).tolist()
        return nn.utils.rnn.pad_sequence(flat.split(lengths), batch_first=True)

    def lift(self, fields):
        pairs = torch.stack([torch.nan_to_num(fields["values"]), torch.ones_like(fields["values"])], dim=-1)
        return self._padded(pairs, fields)

    def owners(self, fields):
        owner = torch.from_numpy(self.state.arrays["owner"][places(fields["codes"].numpy(), self.state)])
        return self._padded(owner[:, None].expand(-1, 2), fields)

    def forward(self, lifted, fields):
        slopes = self._padded(torch.from_numpy(slope(fields["codes"].numpy())).float(), fields)
        return Encoded((lifted[..., 0] * slopes + 0.1 * lifted[..., 1]).sum(1, keepdim=True))


def slope(codes):
    return (codes % 7 - 3) / 1000


class Linear:
    """A baseline of known coefficients, alike for a column in each fold."""

    def __init__(self, names):
        self.weights = np.array([len(name) / 100 for name in names])

    def raw(self, matrix):
        return (np.nan_to_num(matrix) @ self.weights)[:, None]

    def contributions(self, matrix):
        return (np.nan_to_num(matrix) * self.weights)[:, None, :], np.zeros(1)


class Member:
    """A member that is not trained."""

    def __init__(self, network):
        self.network = network

    @torch.no_grad()
    def raw(self, source, rows):
        return self.network(source.batch(rows)).double().numpy()


class Number(Task):
    name = "number"

    def width(self, info):
        return 1


def crew_of(modality, columns, state):
    network = Network(fusion=Fusion(encoders={"events": Sum(state)}), head=nn.Linear(1, 1), output="vector").eval()
    with torch.no_grad():
        network.head.weight.fill_(1.0)
        network.head.bias.fill_(0.0)
    baseline = Linear(modality.baseline_features(columns, np.arange(1), state=state).names)
    return SimpleNamespace(states={"events": state}, networks=(Member(network),), baseline=baseline)


@pytest.fixture(scope="module")
def subject(data):
    columns, _ = physionet(data, most=60)
    modality = Events()
    halves = np.arange(30), np.arange(30, 60)
    states = [fit(columns, rows, groups=np.arange(60), plan={"vocabulary": 29}) for rows in halves]
    assert set(states[0].values["names"]) != set(states[1].values["names"])
    source = Source({"events": modality}, {"events": columns}, Plan([]))
    crews = tuple(crew_of(modality, columns, state) for state in states)
    stored = references_of(source, crews, halves, groups=np.arange(60), seed=0)
    return Subject.of(
        source, crews, blend=Blend(0.25), task=Number(), info={}, state=State(), references=stored_references(stored, crews)
    )


def by_hand(subject, row):
    """Return what the networks say of each feature: the mean over folds, a code that one fold does not know being the rest."""
    columns, names = subject.source.columns["events"], [f.name for f in subject.features]
    out = np.zeros(len(names))
    for crew in subject.crews:
        known = crew.states["events"].values["names"]
        for code, value in zip(columns["codes"][row], columns["values"][row], strict=True):
            name = columns.words.text(int(code))
            at = names.index(name) if name in known and name in names else len(names) - 1
            out[at] += (np.nan_to_num(value) * slope(code) + 0.1) / len(subject.crews)
    return out


def test_each_code_gets_what_its_events_add(subject):
    rows = np.array([3, 40])
    parts = attributions(subject, rows, subject.answers())
    for line, row in enumerate(rows):
        np.testing.assert_allclose(parts["network"].values[line, 0], by_hand(subject, row), rtol=1e-3, atol=1e-3)
    for part in parts.values():
        np.testing.assert_allclose(part.error, 0, atol=1e-3)
    mixed = 0.25 * parts["network"].values + 0.75 * parts["baseline"].values
    np.testing.assert_allclose(parts["bundle"].values, mixed)
    assert [f.name for f in subject.features][-1] == "events"  # the rest goes by the input's name


def test_the_columns_of_a_code_are_told_together(subject):
    (part,) = (attributions(subject, np.array([3]), subject.answers())["baseline"],)
    names = [f.name for f in subject.features]
    expected = np.zeros(len(names))
    columns = subject.source.columns["events"]
    for crew in subject.crews:
        state = crew.states["events"]
        found = subject.source.modalities["events"].baseline_features(columns, np.array([3]), state=state)
        for name, value in zip(found.names, np.nan_to_num(found.matrix[0]) * crew.baseline.weights, strict=True):
            code = name.rsplit(" ", 1)[0] if " " in name else ""
            expected[names.index(code) if code in names else -1] += value / 2
    np.testing.assert_allclose(part.values[0, 0], expected, rtol=1e-5, atol=1e-5)


def test_nothing_happened_to_whom_a_case_is_compared_with(subject):
    assert compared_with(subject) == "nothing"
    part = attributions(subject, np.array([3]), subject.answers())["network"]
    assert part.reference[0, 0] == pytest.approx(0, abs=1e-6)


def test_the_drawing_shows_what_each_event_adds(subject):
    columns = subject.source.columns["events"]
    row = next(r for r in range(60) if len(columns["times"][r]))
    parts = attributions(subject, np.array([row]), subject.answers())
    assert parts["network"].maps["events"].shape == (1, 1, len(columns["times"][row]), 2)
    ((one,),) = drawn(subject, subject.answers(), parts=parts, row=row)
    assert (one["input"], one["modality"], one["layers"]) == ("events", "timelines", ["attribution"])
    assert "#d55e00" in one["svg"]
    # cases of different lengths have no map in common
    assert attributions(subject, np.array([3, 40]), subject.answers())["network"].maps == {}


def test_what_is_told_on_the_whole_names_the_codes(subject):
    number = task("regression")
    target, _ = number.target({"y": np.arange(60.0)})
    plan = subject.source.plan
    named = {"blend": subject.blend, "task": number, "info": target.info, "references": subject.references}
    raw = bundle_raw(subject, subject.source.columns)
    settled = number.settle(raw, target, np.arange(60), plan=plan)
    whole = Subject.of(subject.source, subject.crews, state=settled, **named)
    told = explanation(whole, target, groups=None, seconds=4.0, seed=0)
    assert told["attribution"]["references"] == "nothing"
    assert {line["name"] for line in told["attribution"]["shares"]} <= {f.name for f in subject.features}
    assert len(told["permutation"]["rows"]) > 0
    assert "maps" not in told
    hurried = explanation(whole, target, groups=None, seconds=1e-9, seed=0)  # a mean of one case would be that case's
    assert hurried["attribution"]["cases"] == FEWEST
