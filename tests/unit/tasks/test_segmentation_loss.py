"""Dice and cross-entropy: values, gradients, deep supervision."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from osler.contract import TargetBatch
from osler.core.plan import Brief, Plan
from osler.tasks.segmentation import Segmentation
from tests.unit.tasks.masks import columns, hippocampus

TASK = Segmentation()
EXCLUSIVE = {"target.marks": {"kind": "exclusive", "values": [[1], [2]], "channel": [0, 0]}, "target.supervised": 3}
REGIONS = {"target.marks": {"kind": "overlapping", "values": [[1, 2], [2]], "channel": [0, 0]}}


@pytest.fixture
def head(data):
    """Two heads' masks of one size, (2, 1, 32, 32, 32)."""
    cut = [hippocampus(data, n)[:32, 8:40, :32] for n in ("003", "006")]
    padded = [np.pad(c, [(0, 32 - s) for s in c.shape]) for c in cut]
    return torch.from_numpy(np.stack(padded)[:, None])


def batch(values, observed=None):
    return TargetBatch(values, torch.ones_like(values, dtype=torch.bool) if observed is None else observed)


def perfect(values, plan, size=30.0):
    if plan is EXCLUSIVE:
        return size * F.one_hot(values[:, 0].long(), 3).movedim(-1, 1).float()
    v = values[:, 0]
    return size * (2 * torch.stack([v > 0, v == 2], dim=1).float() - 1)


def by_hand(raw, values, observed):
    """The loss of exclusive labels with loops, case by case."""
    out = []
    for one, value, seen in zip(raw.double(), values[:, 0], observed[:, 0], strict=True):
        chance = one.softmax(0)[:, seen]
        number = value[seen].long()
        entropy = -chance.gather(0, number[None]).log().mean()
        dice = []
        for label in (1, 2):
            p, t = chance[label], (number == label).double()
            dice.append((2 * (p * t).sum() + 1e-5) / (p.sum() + t.sum() + 1e-5))
        out.append(entropy + 1 - torch.stack(dice).mean())
    return torch.stack(out)


@pytest.mark.parametrize("plan", [EXCLUSIVE, REGIONS], ids=["exclusive", "regions"])
def test_a_perfect_prediction_has_no_loss_and_a_wrong_one_has(head, plan):
    good = TASK.loss(perfect(head, plan), batch(head), plan=plan)
    bad = TASK.loss(-perfect(head, plan), batch(head), plan=plan)
    assert good.shape == (2,)
    assert good.max() < 1e-3
    assert bad.min() > 1


def test_the_loss_is_the_formula_over_observed_places(head):
    torch.manual_seed(0)
    raw, observed = torch.randn(2, 3, *head.shape[2:]), torch.rand(head.shape) > 0.5
    found = TASK.loss(raw, batch(head, observed), plan=EXCLUSIVE)
    assert found.double().numpy() == pytest.approx(by_hand(raw, head, observed).numpy(), rel=1e-5)
    unmarked = torch.where(observed, head, 255)  # the value that says so counts like a place that is not observed
    again = TASK.loss(raw, batch(unmarked), plan=EXCLUSIVE)
    assert again.numpy() == pytest.approx(found.numpy(), rel=1e-6)


def test_regions_have_binary_losses(head):
    torch.manual_seed(0)
    raw = torch.randn(2, 2, *head.shape[2:])
    found = TASK.loss(raw, batch(head), plan=REGIONS)
    truth = torch.stack([head[:, 0] > 0, head[:, 0] == 2], dim=1).float()
    entropy = F.binary_cross_entropy_with_logits(raw, truth, reduction="none").flatten(1).mean(1)
    p, t = raw.sigmoid().flatten(2), truth.flatten(2)
    dice = ((2 * (p * t).sum(2) + 1e-5) / (p.sum(2) + t.sum(2) + 1e-5)).mean(1)
    assert found.numpy() == pytest.approx((entropy + 1 - dice).numpy(), rel=1e-5)


@pytest.mark.parametrize("plan", [EXCLUSIVE, REGIONS], ids=["exclusive", "regions"])
@pytest.mark.parametrize("kind", ["nobody looked", "empty", "mixed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_finite_where_nothing_is_marked_or_observed(head, plan, kind, dtype):
    values = {"nobody looked": torch.full_like(head, 255), "empty": torch.zeros_like(head), "mixed": head}[kind]
    raw = torch.randn(2, 3 if plan is EXCLUSIVE else 2, *head.shape[2:]).mul(20).to(dtype).requires_grad_()
    loss = TASK.loss(raw, batch(values), plan=plan)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(raw.grad).all()
    if kind == "nobody looked":
        assert raw.grad.abs().max() == 0


def test_a_case_does_not_change_the_loss_of_another(head):
    torch.manual_seed(0)
    raw = torch.randn(2, 3, *head.shape[2:])
    both = TASK.loss(raw, batch(head), plan=EXCLUSIVE)
    alone = torch.cat([TASK.loss(raw[i : i + 1], batch(head[i : i + 1]), plan=EXCLUSIVE) for i in (0, 1)])
    assert both.numpy() == pytest.approx(alone.numpy(), rel=1e-6)


def test_coarser_maps_are_compared_with_the_mask_at_their_places(head):
    torch.manual_seed(0)
    raws = tuple(torch.randn(2, 3, *size) for size in ((32, 32, 32), (16, 16, 32), (8, 8, 16)))
    found = TASK.loss(raws, batch(head), plan=EXCLUSIVE)
    parts = [
        TASK.loss(raw, batch(values), plan=EXCLUSIVE)
        for raw, values in zip(raws, (head, head[:, :, 1::2, 1::2], head[:, :, 2::4, 2::4, 1::2]), strict=True)
    ]
    expected = (4 * parts[0] + 2 * parts[1] + parts[2]) / 7
    assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-6)


def test_single_places_have_cross_entropy_alone():
    raw = torch.tensor([[1.0, 2.0, 0.5], [0.0, 0.0, 3.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    values = torch.tensor([[1.0], [2.0], [255.0]], dtype=torch.float64)
    found = TASK.loss(raw, batch(values), plan=EXCLUSIVE)
    wanted = F.cross_entropy(raw[:2].float(), torch.tensor([1, 2]), reduction="none")
    assert found.numpy() == pytest.approx([*wanted.tolist(), 0.0])
    pair = TASK.loss(raw[:, :2], batch(values), plan=REGIONS)
    assert pair[0].item() == pytest.approx(
        F.binary_cross_entropy_with_logits(raw[0, :2], torch.tensor([1.0, 0.0], dtype=torch.float64)).item()
    )


@pytest.mark.parametrize("axes", [2, 3])
def test_the_head_gives_a_raw_map_for_each_supervised_map_in_training_and_the_finest_else(axes):
    info = {"kind": "exclusive", "names": ["a", "b"], "axes": axes}
    head = TASK.head(info=info, width=8, channels=(4, 8, 16, 32), plan=EXCLUSIVE)
    maps = tuple(torch.randn(2, c, *(16 // 2**d,) * axes) for d, c in enumerate((4, 8, 16, 32)))
    raws = head.train()(maps)
    assert [tuple(r.shape) for r in raws] == [(2, 3, *(16 // 2**d,) * axes) for d in range(3)]
    assert head.eval()(maps).shape == (2, 3, *(16,) * axes)
    one = TASK.head(info=info, width=8, channels=(4,), plan={"target.supervised": 0})
    assert one.train()(maps[:1]).shape == (2, 3, *(16,) * axes)


def test_a_small_network_memorises_a_head(head):
    torch.manual_seed(0)
    x = torch.cat([(head == v).float() for v in (1, 2)], dim=1)
    net = torch.nn.Conv3d(2, 3, 1)
    optimiser = torch.optim.Adam(net.parameters(), 0.3)
    for _ in range(40):
        optimiser.zero_grad()
        loss = TASK.loss(net(x), batch(head), plan=EXCLUSIVE).mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.05


def test_the_plan_holds_what_the_loss_needs(data):
    masks = [hippocampus(data, n)[None] for n in ("003", "006")]
    settings = {"target.labels": {"front": 1, "back": 2}}
    target, _ = TASK.marked(columns(masks), names=("mask",), settings={"labels": settings["target.labels"]})
    facts = TASK.facts(target, np.arange(2))
    brief = Brief({}, facts, "segmentation", "map", "cpu", 10, 2, 2, settings=settings)
    plan = Plan.from_json(Plan(TASK.rules(brief)).set_by_user(settings).to_json())
    raw = torch.randn(2, 3, 32, 48, 32)
    small = torch.from_numpy(np.stack([m[:, :30, :40, :30] for m in masks]))
    assert torch.isfinite(TASK.loss(raw[..., :30, :40, :30], batch(small), plan=plan)).all()
    assert plan["target.labels"] == {"front": 1, "back": 2}
