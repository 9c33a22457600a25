"""What the players want, against what can be worked out by hand."""

import math

import pytest
import torch
import torch.nn.functional as F

from osler.core.errors import PlanError
from osler.generation.synthesis.losses import LOSSES, against, slope_penalty, towards, value

SURE = torch.tensor([-8.0])  # a discriminator that is sure of a generated picture: D = 0.0003


def test_the_game_is_worth_minus_log_four_where_nothing_can_be_told_apart():
    nothing = torch.zeros(5)  # D = 1/2 everywhere (Goodfellow et al. 2014, theorem 1)
    assert float(value(nothing, nothing)) == pytest.approx(-math.log(4))
    assert float(against(nothing, nothing, kind="minimax").mean()) == pytest.approx(math.log(4))


def test_the_discriminator_lowers_minus_the_value():
    real, fake = torch.tensor([0.3, -1.2]), torch.tensor([0.7, 2.0])
    assert float(against(real, fake, kind="minimax").mean()) == pytest.approx(-float(value(real, fake)))
    assert torch.equal(against(real, fake, kind="minimax"), against(real, fake, kind="non-saturating"))


def test_the_best_discriminator_is_the_share_of_real_pictures():
    """With p of real and q of made pictures at one place the value is highest at D = p / (p + q)."""
    p, q = 0.3, 0.1
    scores = torch.linspace(-4, 4, 8001)
    worth = p * F.logsigmoid(scores) + q * F.logsigmoid(-scores)
    assert float(torch.sigmoid(scores[worth.argmax()])) == pytest.approx(p / (p + q), abs=1e-3)


@pytest.mark.parametrize(("kind", "slope"), [("minimax", -torch.sigmoid(SURE)), ("non-saturating", torch.sigmoid(SURE) - 1)])
def test_the_generators_slope(kind, slope):
    score = SURE.clone().requires_grad_()
    towards(score, kind=kind).sum().backward()
    assert float(score.grad) == pytest.approx(float(slope), rel=1e-5)


def test_only_the_minimax_generator_stands_still_before_a_sure_discriminator():
    slopes = {}
    for kind in LOSSES:
        score = SURE.clone().requires_grad_()
        towards(score, kind=kind).sum().backward()
        slopes[kind] = abs(float(score.grad))
    assert slopes["minimax"] < 1e-3
    assert slopes["non-saturating"] > 0.999
    assert slopes["hinge"] == 1


def test_hinge_asks_no_more_of_what_is_beyond_its_margin():
    assert against(torch.tensor([2.0]), torch.tensor([-2.0]), kind="hinge").tolist() == [0]
    assert against(torch.tensor([0.0]), torch.tensor([0.0]), kind="hinge").tolist() == [2]


def test_another_loss_is_refused():
    with pytest.raises(PlanError, match=r"'synthesis\.loss' cannot be 'magic'; it is one of: non-saturating, hinge, minimax"):
        towards(SURE, kind="magic")


def test_the_slope_penalty_is_the_squared_norm_of_the_gradient():
    """Of s(x) = w · x + a |x|² the gradient is w + 2 a x, of which the norm is worked out by hand."""
    w, a = torch.tensor([[[1.0, -2.0], [0.5, 0.0]]]), 0.25
    x = torch.tensor([[[[1.0, 0.0], [2.0, -4.0]]], [[[0.0, 0.0], [0.0, 0.0]]]]).requires_grad_()
    scores = (w * x).flatten(1).sum(1) + a * x.square().flatten(1).sum(1)
    found = slope_penalty(scores, x)
    assert found.tolist() == pytest.approx([(1.5**2 + 2**2 + 1.5**2 + 2**2), 1 + 4 + 0.25])
    found.sum().backward()  # d/dx |w + 2 a x|² = 4 a (w + 2 a x)
    assert torch.allclose(x.grad, 4 * a * (w + 2 * a * x.detach()))


def test_the_slope_penalty_of_a_network_agrees_with_finite_differences():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1)).double()
    x = torch.randn(3, 1, 2, 3, dtype=torch.float64).requires_grad_()
    found = slope_penalty(network(x)[:, 0], x)
    step, by_hand = 1e-6, torch.zeros(3, dtype=torch.float64)
    for place in range(6):
        moved = torch.zeros(6, dtype=torch.float64)
        moved[place] = step
        both = [network(x.detach() + sign * moved.view(1, 1, 2, 3))[:, 0] for sign in (1, -1)]
        by_hand += ((both[0] - both[1]) / (2 * step)).detach() ** 2
    assert torch.allclose(found, by_hand, rtol=1e-6)
