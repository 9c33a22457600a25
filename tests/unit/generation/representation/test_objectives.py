"""The ways to represent: losses against their formulas, laws of what is hidden, and each memorises a handful of cases."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from osler.contract import Encoded
from osler.core.plan import Decision, Plan
from osler.generation.representation.contrastive import Contrastive, others, projection, redundancy
from osler.generation.representation.decoders import decoder
from osler.generation.representation.denoising import Denoising, distance
from osler.generation.representation.noise import hidden, weights
from osler.generation.representation.variational import Cloud, Variational, divergence
from osler.generation.representation.views import cut_out, relit

SHAPES = {"row": (9,), "sequence": (24, 4), "picture": (1, 12, 12), "volume": (2, 6, 6, 4)}
WIDTH = 32
PLAN = Plan(
    Decision(name, value, "")
    for name, value in {
        "fit.precision": "float32", "fit.weight_decay": 0.0, "fit.learning_rate": 3e-3, "fit.predict_batch": 8,
        "representation.hidden": 0.1, "representation.noise": 0.0, "representation.channels": 8, "representation.size": 16,
        "representation.beta": 1e-4, "representation.loss": "others", "representation.temperature": 0.2,
        "representation.projected": 16, "representation.crop": 0.8, "representation.light": 0.1,
    }.items()
)  # fmt: skip


class Flat(nn.Module):
    """An encoder of any shape through one hidden layer."""

    def __init__(self, shape):
        super().__init__()
        self.width = WIDTH
        self.owner = torch.arange(shape[0]) // 3
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 64), nn.ReLU(), nn.Linear(64, WIDTH))

    def lift(self, fields):
        return fields["x"]

    def forward(self, lifted, fields):
        return Encoded(self.body(lifted))


def cases(shape, count=8):
    drawn = torch.randn(count, *shape, generator=torch.Generator().manual_seed(1))
    if len(shape) != 2:
        return drawn
    return nn.functional.one_hot(drawn.argmax(2), shape[1]).float() - 1 / shape[1]


def objective(kind, shape):
    torch.manual_seed(0)
    encoder = Flat(shape)
    if kind == "contrastive":
        return Contrastive(name="x", encoder=encoder, beside=projection(WIDTH, plan=PLAN), plan=PLAN)
    if kind == "variational":
        return Variational(name="x", encoder=encoder, beside=Cloud(WIDTH, shape, plan=PLAN), plan=PLAN)
    return Denoising(name="x", encoder=encoder, beside=decoder(WIDTH, shape, channels=8), plan=PLAN)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kind", ["contrastive", "denoising", "variational"])
def test_a_handful_of_cases_is_memorised(kind, shape):
    found, fields = objective(kind, shape), {"x": cases(shape)}
    (optimiser,) = found.optimisers(plan=PLAN)
    losses = []
    for step in range(250):
        loss = found.loss(fields, generator=torch.Generator().manual_seed(step)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:3])
    found.module.eval()
    assert (found.errors(fields) is None) == (kind == "contrastive")
    if kind != "contrastive":
        assert float(found.errors(fields).mean()) < 0.5 * float((fields["x"] ** 2).mean())


@pytest.mark.parametrize("shape", [(7,), (30, 4), (3, 9, 13), (1, 28, 28), (1, 20, 33, 5)])
def test_a_decoder_gives_the_shape_that_was_lifted(shape):
    assert decoder(WIDTH, shape, channels=8)(torch.zeros(2, WIDTH)).shape == (2, *shape)


def test_telling_looks_apart_is_the_formula():
    """NT-Xent of Chen et al. 2020, equation 1, by loops."""
    one, two = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(3))
    looks = [*one, *two]
    alike = [[math.exp(float(nn.functional.cosine_similarity(a, b, dim=0)) / 0.5) for b in looks] for a in looks]

    def of(i, j):
        return -math.log(alike[i][j] / sum(alike[i][k] for k in range(10) if k != i))

    wanted = [(of(i, i + 5) + of(i + 5, i)) / 2 for i in range(5)]
    assert others(one, two, temperature=0.5).tolist() == pytest.approx(wanted, rel=1e-5)


def test_redundancy_is_the_formula():
    """VICReg of Bardes et al. 2022, equations 1 to 6, in numpy."""
    one, two = torch.randn(2, 7, 4, generator=torch.Generator().manual_seed(4))
    parts = []
    for x in (one.numpy().astype(float), two.numpy().astype(float)):
        spread = np.maximum(0, 1 - np.sqrt(x.var(0, ddof=1) + 1e-4)).mean()
        covariance = np.cov(x.T)
        parts.append(12.5 * spread + (covariance**2 - np.diag(np.diag(covariance**2))).sum() / 4)
    wanted = 25 * ((one - two) ** 2).mean() + sum(parts)
    assert float(redundancy(one, two).mean()) == pytest.approx(float(wanted), rel=1e-5)


def test_looks_that_collapsed_cost_more_than_looks_that_spread():
    spread = torch.randn(64, 8, generator=torch.Generator().manual_seed(5))
    assert float(redundancy(spread, spread).mean()) < float(redundancy(torch.zeros(64, 8), torch.zeros(64, 8)).mean())


def test_the_distance_of_a_cloud_is_that_of_torch():
    mean, spread = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(6))
    wanted = kl_divergence(Normal(mean, torch.exp(spread / 2)), Normal(0.0, 1.0)).sum(1)
    assert divergence(mean, spread).tolist() == pytest.approx(wanted.tolist(), rel=1e-5)


@pytest.mark.parametrize("shape", [(300,), (200, 4), (1, 28, 28)])
def test_about_the_asked_share_of_a_case_is_hidden(shape):
    drawn = cases(shape, count=64) + (10.0 if len(shape) != 2 else 0.0)
    encoder = Flat(shape)
    encoder.owner = torch.arange(shape[0])
    seen = hidden(drawn, encoder=encoder, share=0.3, noise=0.0, generator=torch.Generator().manual_seed(0))
    changed = (seen != drawn).reshape(64, shape[0], -1).any(2) if len(shape) < 3 else seen != drawn
    assert 0.2 < float(changed.float().mean()) < 0.4
    assert torch.equal(hidden(drawn, encoder=encoder, share=0.0, noise=0.0, generator=torch.Generator()), drawn)


def test_each_column_of_a_row_counts_alike_however_many_floats_it_has():
    encoder = Flat((4,))
    encoder.owner = torch.tensor([0, 0, 0, 1])
    weight = weights(torch.zeros(2, 4), encoder=encoder)
    assert weight.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1.0])
    far, near = torch.tensor([[1.0, 1.0, 1.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    zero = torch.zeros(1, 4)
    assert float(distance(zero, far, weight=weight)) == pytest.approx(float(distance(zero, near, weight=weight)))


def test_what_lies_behind_a_sequence_counts_nothing():
    sequence = cases((10, 4), count=1)
    padded = torch.cat([sequence, torch.zeros(1, 6, 4)], dim=1)
    guess = torch.ones(1, 16, 4)
    weight = weights(padded, encoder=None)
    assert float(distance(padded, guess, weight=weight)) == pytest.approx(
        float(distance(sequence, guess[:, :10], weight=weights(sequence, encoder=None)))
    )


@pytest.mark.parametrize("shape", [(1, 12, 12), (2, 8, 6, 5)])
def test_a_cut_out_of_all_is_the_picture_up_to_its_shape(shape):
    """With the whole area the box can only be a little skewed, and lies inside."""
    drawn = torch.full((4, *shape), 3.0)
    assert torch.allclose(cut_out(drawn, crop=1.0, generator=torch.Generator()), drawn)
    assert torch.equal(relit(drawn, light=0.0, generator=torch.Generator().manual_seed(0)), drawn)


def test_two_cut_outs_of_a_picture_differ_and_hold_no_other_grey():
    drawn = cases((1, 16, 16), count=4)
    generator = torch.Generator().manual_seed(2)
    one, two = (cut_out(drawn, crop=0.3, generator=generator) for _ in range(2))
    assert not torch.allclose(one, two)
    assert float(one.max()) <= float(drawn.max()) + 1e-5
    assert float(one.min()) >= float(drawn.min()) - 1e-5
