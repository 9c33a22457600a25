"""Convolutional blocks keep the shapes that they promise, on two axes and on three."""

import pytest
import torch

from osler.blocks.convolution import ResidualUnit, Shortcut, SqueezeExcite, Stem, dropped, global_mean

SIZES = {2: (9, 6), 3: (5, 6, 4)}


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_residual_unit_halves_sizes_upwards_and_starts_as_its_shortcut(dims, norm, stride):
    x = torch.randn(2, 4, *SIZES[dims])
    unit = ResidualUnit(4, 8, stride=stride, norm=norm, dims=dims, gated=True).eval()
    found = unit(x)
    assert found.shape == (2, 8, *(-(-s // stride) for s in SIZES[dims]))
    torch.testing.assert_close(found, torch.relu(unit.shortcut(x)))


@pytest.mark.parametrize(("halvings", "size"), [(0, 32), (1, 16), (3, 4)])
def test_a_stem_halves_as_often_as_asked(halvings, size):
    stem = Stem(3, 32, halvings=halvings)
    assert stem(torch.zeros(2, 3, 32, 32)).shape == (2, 32, size, size)
    assert len(stem) == {0: 1, 1: 2, 3: 3}[halvings]


def test_a_shortcut_of_equal_shape_is_the_identity():
    x = torch.randn(1, 3, 4, 4)
    assert torch.equal(Shortcut(3, 3, stride=1)(x), x)


def test_a_shortcut_passes_over_no_element():
    x = torch.randn(1, 3, 7, 7, requires_grad=True)
    Shortcut(3, 5, stride=2).eval()(x).sum().backward()
    assert (x.grad != 0).all()


def test_a_gate_scales_whole_channels():
    x = torch.rand(2, 8, 3, 3) + 1
    share = SqueezeExcite(8)(x) / x
    torch.testing.assert_close(share, share[..., :1, :1].expand_as(share))


def test_dropped_cases_are_nothing_and_the_mean_stays():
    torch.manual_seed(0)
    found = dropped(torch.ones(20_000, 1, 1, 1), rate=0.3, training=True)
    assert sorted(set(found.flatten().tolist())) == pytest.approx([0, 1 / 0.7])
    assert found.mean() == pytest.approx(1, abs=0.02)
    assert torch.equal(dropped(found, rate=0.3, training=False), found)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_global_mean_is_over_all_places(dims):
    x = torch.randn(2, 3, *SIZES[dims])
    torch.testing.assert_close(global_mean(x), x.reshape(2, 3, -1).mean(2))
