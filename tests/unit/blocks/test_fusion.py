"""Several inputs in one network: absent ones, dropped ones, mixed ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from osler.blocks.fusion import JOINS, Fusion, Network
from osler.contract import Batch, Encoded, InputBatch


class Line(nn.Module):
    """Numbers (B, 2) to vectors (B, K, width), or (B, width) of one model."""

    channels = ()

    def __init__(self, width=3, models=None):
        super().__init__()
        self.width, self.models = width, models
        self.body = nn.Linear(2, width * (models or 1))

    def lift(self, fields):
        return fields["x"]

    def forward(self, lifted, fields):
        out = self.body(lifted)
        return Encoded(out if self.models is None else out.unflatten(1, (self.models, self.width)))


def batch_of(values, here):
    """Return a batch of values (n, 2) by input; `here` tells by input which cases have it."""
    inputs = {}
    for name, x in values.items():
        index = torch.nonzero(torch.as_tensor(here[name]))[:, 0]
        inputs[name] = InputBatch({"x": x[index]} if len(index) else {}, index)
    return Batch(inputs, len(next(iter(values.values()))))


def values_of(*names, cases=6):
    return {name: torch.randn(cases, 2, generator=torch.Generator().manual_seed(at)) for at, name in enumerate(names)}


def fusion_of(encoders, **settings):
    torch.manual_seed(0)
    fusion = Fusion(encoders=encoders, **settings)
    with torch.no_grad():
        for absent in fusion.absent:
            absent.normal_()
    return fusion


def test_an_input_may_be_called_what_a_module_calls_its_own():
    names = ("values", "type", "forward", "0", "keys", "training", "a-b")
    values = values_of(*names)
    fusion = fusion_of({name: Line() for name in names}).eval()
    found = fusion(batch_of(values, {name: [True] * 6 for name in names}))
    assert found.vector.shape == (6, 1, 21)
    again = fusion_of({name: Line() for name in names})
    again.load_state_dict(fusion.state_dict())


def test_a_present_input_speaks_and_an_absent_one_is_its_learned_vector():
    values = values_of("a", "b")
    fusion = fusion_of({"a": Line(), "b": Line(width=4)}).eval()
    here = {"a": [True, False, True, True, False, True], "b": [False, True, True, False, True, False]}
    found = fusion(batch_of(values, here)).vector[:, 0]
    for row in range(6):
        wanted = [fusion.encoders[n](values[n][row : row + 1], {}).vector[0] if here[n][row] else fusion.absent[at]
                  for at, n in enumerate("ab")]  # fmt: skip
        torch.testing.assert_close(found[row], torch.cat(wanted))


@pytest.mark.parametrize("join", JOINS)
def test_inputs_that_carry_different_numbers_of_models_fit_together(join):
    names = {"a": 4, "b": 6, "c": None}
    values = values_of(*names)
    fusion = fusion_of({name: Line(models=models) for name, models in names.items()}, join=join).eval()
    network = Network(fusion=fusion, head=nn.Linear(fusion.width, 2), output="vector").eval()
    whole = dict.fromkeys(names, (True,) * 6)
    assert fusion(batch_of(values, whole)).vector.shape == (6, 6, 9)
    for name in names:  # and where one is absent in all cases
        found = network.each(batch_of(values, {**whole, name: [False] * 6}))
        assert found.shape == (6, 4 if name == "b" else 6, 2)
    alone = [
        network(batch_of({k: v[row : row + 1] for k, v in values.items()}, dict.fromkeys(names, (True,)))) for row in range(6)
    ]
    torch.testing.assert_close(network(batch_of(values, whole)), torch.cat(alone))


def test_inputs_are_dropped_in_training_and_never_the_last():
    cases = 4000
    values = {name: x.abs() + 1 for name, x in values_of("a", "b", cases=cases).items()}
    fusion = fusion_of({"a": Line(), "b": Line()}, drop=0.3)
    here = {"a": torch.ones(cases, dtype=torch.bool), "b": torch.arange(cases) % 2 == 0}
    torch.manual_seed(1)
    found = fusion(batch_of(values, here)).vector[:, 0]
    gone = {n: (found[:, 3 * at : 3 * at + 3] == fusion.absent[at]).all(1) for at, n in enumerate("ab")}
    assert not (gone["a"] & gone["b"]).any()
    assert not gone["a"][1::2].any()  # there is nothing else
    assert torch.equal(gone["b"][1::2], torch.ones(cases // 2, dtype=torch.bool))
    # dropped alone, or both drawn and the other kept: 0.3 * 0.7 + 0.3² / 2
    for name in "ab":
        assert gone[name][::2].float().mean().item() == pytest.approx(0.3 * 0.7 + 0.045, abs=0.03)
    fusion.eval()
    assert not (fusion(batch_of(values, here)).vector[:, 0, :3] == fusion.absent[0]).all(1).any()


def test_the_vector_of_a_dropped_input_is_learned():
    fusion = fusion_of({"a": Line(), "b": Line()}, drop=0.3)
    values = values_of("a", "b", cases=64)
    fusion(batch_of(values, {"a": [True] * 64, "b": [True] * 64})).vector.sum().backward()
    assert all(absent.grad is not None and absent.grad.abs().sum() > 0 for absent in fusion.absent)


def test_an_unknown_input_counts_as_absent_and_stays_so_when_loaded():
    fusion = fusion_of({"a": Line(), "b": Line()}).eval()
    fusion.learn(["a"])
    values = values_of("a", "b")
    whole = {"a": [True] * 6, "b": [True] * 6}
    without = fusion(batch_of(values, {**whole, "b": [False] * 6})).vector
    again = fusion_of({"a": Line(), "b": Line()}).eval()
    again.load_state_dict(fusion.state_dict())
    for one in (fusion, again):
        assert torch.equal(one(batch_of(values, whole)).vector, without)
        assert set(one.lift(batch_of(values, whole))) == {"a"}


def test_mixed_inputs_start_as_a_sum_of_their_parts():
    values, whole = values_of("a", "b"), {"a": [True] * 6, "b": [True] * 6}
    plain, mixed = (fusion_of({"a": Line(), "b": Line()}, join=join).eval() for join in ("side by side", "mixed"))
    mixed.load_state_dict(plain.state_dict(), strict=False)
    assert torch.equal(mixed(batch_of(values, whole)).vector, plain(batch_of(values, whole)).vector)


def test_what_one_input_means_may_depend_on_another_where_they_are_mixed():
    """The outcome is the sign of a product: no sum over inputs knows it."""
    values = values_of("a", "b", cases=512)
    truth = (values["a"][:, 0] * values["b"][:, 0] > 0).float()
    batch = batch_of(values, {"a": [True] * 512, "b": [True] * 512})
    right = {}
    for join in JOINS:
        torch.manual_seed(0)
        fusion = Fusion(encoders={"a": Line(width=8), "b": Line(width=8)}, join=join)
        network = Network(fusion=fusion, head=nn.Linear(16, 1), output="vector")
        optimiser = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(300):
            optimiser.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(network(batch)[:, 0], truth).backward()
            optimiser.step()
        right[join] = ((network(batch)[:, 0] > 0) == (truth > 0)).float().mean().item()
    assert right["mixed"] > 0.95
    assert right["side by side"] < 0.65


def test_a_single_input_passes_through():
    values = values_of("a")
    fusion = fusion_of({"a": Line()}, drop=0.5, join="mixed")
    found = fusion(batch_of(values, {"a": [True] * 6}))
    torch.testing.assert_close(found.vector[:, 0], fusion.encoders["a"].body(values["a"]))
