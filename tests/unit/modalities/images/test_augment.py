"""Augmentation moves every field by its warp, re-lights within reason, and is the same for the same seed."""

import numpy as np
import pytest
import torch

from osler.core.plan import Decision, Plan
from osler.modalities.images.augment import Motion, augment, drawn, relit, warped

STILL = dict.fromkeys(("rotate", "scale", "shear", "shift", "gamma", "contrast", "brightness", "noise", "erase"), 0.0)
LIVELY = {
    "flip": "both", "rotate": 40.0, "scale": 0.2, "shear": 0.1, "shift": 0.1, "gamma": 0.3, "contrast": 0.2, "brightness": 0.1,
    "noise": 0.02, "erase": 0.2,
}  # fmt: skip
SIZES = [(20, 14), (9, 12, 10)]


def plan(**values) -> Plan:
    return Plan(Decision(k, v, "") for k, v in {"flip": "none", **STILL, **values}.items())


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def motion(size, *, cases=6, seed=0, **values) -> Motion:
    return drawn(cases, size=torch.Size(size), plan=plan(**values), generator=seeded(seed))


@pytest.mark.parametrize("size", SIZES)
def test_nothing_asked_for_changes_nothing(size):
    pixels = (torch.rand(4, 2, *size) * 255).to(torch.uint8)
    mask = pixels[:, 0] > 100
    fields = {"pixels": pixels, "mask": mask}
    found = augment(fields, warps={"pixels": "linear", "mask": "nearest"}, plan=plan(), generator=seeded())
    torch.testing.assert_close(found["pixels"], pixels.float(), atol=1e-2, rtol=0)
    assert torch.equal(found["mask"], mask)


@pytest.mark.parametrize("size", SIZES)
def test_a_mirror_is_exact(size):
    pixels = torch.rand(64, 1, *size)
    found = warped(pixels, motion(size, cases=64, flip="horizontal"), warp="linear", size=torch.Size(size))
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(found, pixels, strict=True)]
    turned = [torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(found, pixels, strict=True)]
    assert all(a != b for a, b in zip(same, turned, strict=True))
    assert 15 < sum(turned) < 49


def test_a_quarter_turn_of_an_oblong_picture_keeps_its_proportions():
    disc = ((torch.arange(21)[:, None] - 10) ** 2 + (torch.arange(41)[None] - 20) ** 2 < 64).float()[None, None]
    quarter = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    sides = torch.tensor([21.0, 41.0])
    turn = Motion(quarter * (sides[None, :] / sides[:, None]), torch.zeros(1, 2))
    found = warped(disc, turn, warp="linear", size=disc.shape[2:])
    assert (found - disc).abs().max() < 1e-4


@pytest.mark.parametrize("size", SIZES)
def test_masks_and_points_go_where_the_picture_goes(size):
    moved = motion(size, rotate=40.0, scale=0.2, shear=0.1, shift=0.1, flip="both")
    places = torch.stack(torch.meshgrid(*[torch.arange(s) for s in size], indexing="ij"), -1).float()
    centre = torch.tensor([s // 2 for s in size]).float()
    blob = torch.exp(-((places - centre - 1) ** 2).sum(-1) / 4)
    cases = len(moved.matrix)
    pictures = blob.expand(cases, 1, *size)
    found = warped(pictures, moved, warp="linear", size=torch.Size(size))[:, 0]
    mask = warped((blob > 0.3).expand(cases, *size), moved, warp="nearest", size=torch.Size(size))
    assert mask.dtype == torch.bool
    inside, outside = found[mask].mean(), found[~mask].mean()
    assert inside > 0.4 > 0.1 > outside
    point = warped((centre + 1).expand(cases, 1, len(size)), moved, warp="points", size=torch.Size(size))[:, 0]
    weight = found.flatten(1).clamp_min(0.05) - 0.05
    middle = (weight[..., None] * places.reshape(1, -1, len(size))).sum(1) / weight.sum(1, keepdim=True)
    torch.testing.assert_close(point, middle, atol=0.5, rtol=0)


def test_to_target_undoes_to_source():
    moved = motion((20, 14), rotate=40.0, scale=0.2, shear=0.1, shift=0.1, flip="both")
    places = torch.rand(6, 5, 2)
    torch.testing.assert_close(moved.to_source(moved.to_target(places)), places)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int16, torch.float32])
def test_the_same_seed_gives_the_same_pictures_in_the_range_that_they_had(dtype):
    pixels = (torch.rand(16, 3, 12, 12) * 200 + 20).to(dtype)
    kept = pixels.clone()
    one, again, other = (
        augment({"pixels": pixels}, warps={"pixels": "linear"}, plan=plan(**LIVELY), generator=seeded(s))["pixels"]
        for s in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(pixels.float(), kept.float())
    assert one.dtype == torch.float32
    assert one.min() > -100
    assert one.max() < 400


def test_a_picture_does_not_depend_on_the_others():
    pixels = torch.rand(8, 1, 12, 12)
    alone = pixels.clone()
    alone[1:] = 0
    whole, part = (relit(p, plan=plan(**LIVELY), generator=seeded()) for p in (pixels, alone))
    torch.testing.assert_close(whole[0], part[0])


def test_a_flat_picture_stays_finite():
    found = augment({"pixels": torch.full((3, 1, 8, 8), 7, dtype=torch.uint8)}, warps={"pixels": "linear"}, plan=plan(**LIVELY), generator=seeded())  # fmt: skip
    np.testing.assert_allclose(found["pixels"].numpy(), 7, atol=1e-3)


def test_a_part_is_made_flat_in_half_of_the_pictures():
    pixels = torch.rand(200, 1, 16, 16)
    found = relit(pixels, plan=plan(erase=0.5), generator=seeded())
    changed = (found - pixels).abs().amax((1, 2, 3)) > 1e-3
    assert 70 < int(changed.sum()) < 130
