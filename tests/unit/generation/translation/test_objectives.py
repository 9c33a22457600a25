"""What is trained: with pairs and without, with a critic and without, again and after a break."""

import numpy as np
import pytest
import torch

from osler.generation.translation.losses import absolute, judged, weights_of
from osler.generation.translation.network import PatchCritic, Translator
from osler.generation.translation.paired import Paired
from osler.generation.translation.pieces import Pieces
from osler.generation.translation.slices import Side
from osler.generation.translation.translating import Translating
from osler.generation.translation.unpaired import Unpaired
from osler.spine.fit import Clock, Run, fit
from tests.unit.generation.translation.sides import UNIT, columns, heads, plan

CHANNELS = (1, 1, 1)


def trained(objective, pieces, *, rows, tune, folder, cut):
    run = Run(pieces.plan, 0, 0, folder, Clock())
    return fit(objective, lambda chosen, seed: cut(chosen, seed=seed), rows=rows, tune=lambda: pieces.still(tune), run=run)


@pytest.fixture(scope="module")
def pieces():
    sources, targets = heads(24)
    return Pieces((Side.of(columns(sources)), Side.of(columns(targets))), (UNIT, UNIT), plan())


def again(pieces, **changed):
    return Pieces(pieces.sides, pieces.scales, plan(**changed))


def test_a_network_learns_an_inversion_in_seconds(pieces, tmp_path):
    torch.manual_seed(0)
    objective = Paired(channels=CHANNELS, plan=pieces.plan)
    before = objective.score(pieces.still(np.arange(20, 24)))
    found = trained(objective, pieces, rows=np.arange(20), tune=np.arange(20, 24), folder=tmp_path, cut=pieces.paired)
    assert found.best < 0.25 * before
    by = Translating(objective.module["forth"], (UNIT, UNIT), pieces.plan, "uint8")
    source, truth = pieces.sides[0].image(21), pieces.sides[1].image(21)
    made = by.valued(by.translated(by.lifted(source)))
    body = source[0] > 30
    assert np.abs(made - truth)[0, body].mean() < 0.35 * np.abs(source.astype(float) - truth)[0, body].mean()
    assert np.corrcoef(made[0, body], truth[0, body])[0, 1] > 0.8
    assert np.corrcoef(source[0, body], truth[0, body])[0, 1] < -0.9


@pytest.mark.parametrize("kind", ["paired", "critic", "unpaired"])
def test_a_training_that_was_killed_ends_with_the_same_weights(kind, pieces, tmp_path):
    small = {"fit__epochs": 3, "fit__rounds": 1, "fit__batch": 4, "translation__widths": [4, 8], "translation__critic": 4}
    pairing = "unpaired" if kind == "unpaired" else "paired"
    some = again(pieces, **small, translation__adversarial=kind == "critic", translation__pairing=pairing)
    ends = []
    for name, stops in (("whole", [None]), ("broken", [1e-9, None])):
        for stop in stops:
            torch.manual_seed(5)
            objective = (Unpaired if kind == "unpaired" else Paired)(channels=CHANNELS, plan=some.plan)
            cut = some.unpaired if kind == "unpaired" else some.paired
            run = Run(some.plan, 0, 0, tmp_path / name, Clock(None))
            calls = {"left": 3 if stop else 10**6}

            def batch(chosen, seed, *, cut=cut, calls=calls):
                calls["left"] -= 1
                if calls["left"] < 0:
                    raise KeyboardInterrupt
                return cut(chosen, seed=seed)

            try:
                fit(objective, batch, rows=np.arange(8), tune=lambda: some.still(np.arange(20, 24)), run=run)
            except KeyboardInterrupt:
                assert stop
        ends.append(objective.module.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_a_translator_begins_as_the_identity_of_any_size():
    network = Translator(3, 1, own=1, widths=[8, 16, 16], depth=1)
    x = torch.randn(2, 3, 21, 34)
    assert network(x).shape == (2, 1, 21, 34)
    assert torch.allclose(network(x), x[:, 1:2]), "the slice itself, not its neighbours"
    joint = Translator(2, 1, own=2, widths=[8, 16], depth=1)
    assert torch.allclose(joint(x[:, :2]), x[:, :2].mean(1, keepdim=True), atol=1e-6)


def test_the_critic_learns_and_the_translator_keeps_still_in_its_turn(pieces):
    some = again(pieces, translation__adversarial=True)
    objective = Paired(channels=CHANNELS, plan=some.plan)
    batch = some.paired(np.arange(8), seed=1)
    first, second = objective.optimisers(plan=some.plan)
    held = {id(p) for group in first.param_groups for p in group["params"]}
    assert held.isdisjoint({id(p) for group in second.param_groups for p in group["params"]})
    objective.step(batch, turn=0, generator=None)
    losses = []
    for _ in range(30):
        second.zero_grad()
        loss = objective.step(batch, turn=1, generator=None).mean()
        loss.backward()
        assert all(p.grad is None or not p.grad.any() for p in objective.module["forth"].parameters())
        second.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0], "it tells made from real"


def test_laws_of_the_losses():
    x, y = torch.zeros(2, 1, 16, 16), torch.full((2, 1, 16, 16), 0.5)
    everywhere = torch.ones(2, 1, 16, 16)
    assert absolute(x, y, everywhere).tolist() == [0.5, 0.5]
    half = everywhere.clone()
    half[..., 8:] = 0
    y[..., 8:] = 99
    assert absolute(x, y, half).tolist() == [0.5, 0.5], "places without weight do not count"
    assert judged(torch.ones(3, 1, 4, 4), real=True).tolist() == [0, 0, 0]
    assert judged(torch.ones(3, 1, 4, 4), real=False).tolist() == [1, 1, 1]
    head = torch.full((1, 1, 16, 16), -1.0)
    head[..., 6:10, 6:10] = 0.5
    weight = weights_of(head, None, known=torch.ones(1, 1, 16, 16, dtype=torch.bool), share=0.1, air=0.1)
    assert weight[0, 0, 8, 8] == 1
    assert weight[0, 0, 0, 0] == pytest.approx(0.1)
    assert PatchCritic(2, width=8)(torch.zeros(1, 2, 32, 32)).shape == (1, 1, 4, 4)


def test_the_way_there_and_back_costs_nothing_where_it_leads_home(pieces):
    some = again(pieces, translation__pairing="unpaired")
    objective = Unpaired(channels=CHANNELS, plan=some.plan)  # both translators begin as the identity
    batch = some.unpaired(np.arange(8), seed=3)
    x, y = (batch.inputs[name].fields for name in ("source", "target"))
    sides = [(one["picture"], one["known"]) for one in (x, y)]
    made = (objective.module["forth"](sides[0][0]), objective.module["back"](sides[1][0]))
    assert objective.cycle(*sides, made=made).abs().max() < 1e-6
    with torch.no_grad():
        objective.module["back"].kept.bias += 0.25
    made = (made[0], objective.module["back"](sides[1][0]))
    # |back(forth(x)) - x| and |forth(back(y)) - y| are each a quarter
    assert objective.cycle(*sides, made=made).detach().numpy() == pytest.approx(0.5, abs=1e-5)


def test_unpaired_training_learns_brightness_without_pairs(tmp_path):
    sources, _ = heads(16, seed=1)
    targets = [(image * 0.4).astype(np.uint8) for image in heads(16, seed=2)[0]]
    rows = [*sources, *(None,) * 16], [*(None,) * 16, *targets]
    some = Pieces(tuple(Side.of(columns(list(side))) for side in rows), (UNIT, UNIT), plan(translation__pairing="unpaired", translation__identity=0.0, translation__cycle=2.0, translation__widths=[8, 8], fit__epochs=10))  # fmt: skip
    torch.manual_seed(0)
    objective = Unpaired(channels=CHANNELS, plan=some.plan)
    trained(objective, some, rows=np.arange(32), tune=np.array([0, 16]), folder=tmp_path, cut=some.unpaired)
    by = Translating(objective.module["forth"], (UNIT, UNIT), some.plan, "uint8")
    source = sources[3]
    made = by.valued(by.translated(by.lifted(source)))
    body = source > 30
    before = abs(source[body].mean() - 0.4 * source[body].mean())
    assert abs(made[body].mean() - 0.4 * source[body].mean()) < 0.5 * before


def test_a_batch_without_one_side_teaches_nothing(pieces):
    lone = Pieces((pieces.sides[0], Side.of(columns([None, *heads(1)[1]]))), (UNIT, UNIT), plan(translation__pairing="unpaired"))
    batch = lone.unpaired(np.array([0]), seed=0)
    assert set(batch.inputs) == {"source"}
    loss = Unpaired(channels=CHANNELS, plan=lone.plan).step(batch, turn=0, generator=None)
    assert float(loss.detach().sum()) == 0
