"""Both networks: sizes, what bounds them, and augmentation that gradients pass through."""

import itertools

import pytest
import torch

from osler.generation.synthesis.augment import CUT, augmented, cut, lit, moved
from osler.generation.synthesis.discriminator import Discriminator, alikeness
from osler.generation.synthesis.generator import Generator, levels, widths

SIZES = [(8, 8), (28, 28), (31, 50), (64, 64), (128, 96)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_size_is_made_and_judged(size, channels):
    torch.manual_seed(0)
    generator = Generator(channels=channels, size=size, classes=3, noise=8, width=4)
    made = generator(torch.randn(2, 8), torch.tensor([0, 2]))
    assert made.shape == (2, channels, *size)
    assert made.abs().max() <= 1
    judge = Discriminator(channels=channels, size=size, classes=3, width=4, bound=True)
    assert judge(made, torch.tensor([0, 2])).shape == (2,)


@pytest.mark.parametrize("size", SIZES)
def test_maps_grow_by_two_up_to_the_size(size):
    found = levels(size)
    assert found[-1] == size
    assert max(found[0]) <= 8
    for coarse, fine in itertools.pairwise(found):
        assert [-(-side // 2) for side in fine] == list(coarse)
    assert widths(len(found), width=4)[0] <= 32


def test_a_made_picture_does_not_depend_on_those_beside_it():
    torch.manual_seed(0)
    generator = Generator(channels=1, size=(28, 28), classes=2, noise=8, width=4)
    noise, classes = torch.randn(6, 8), torch.tensor([0, 1, 0, 1, 0, 1])
    generator(noise, classes)  # running statistics
    generator.eval()
    alone = torch.cat([generator(noise[i : i + 1], classes[i : i + 1]) for i in range(6)])
    assert torch.allclose(generator(noise, classes), alone, atol=1e-5)


def test_layers_of_the_discriminator_are_held_to_slope_one():
    torch.manual_seed(0)
    judge = Discriminator(channels=1, size=(28, 28), classes=2, width=8, bound=True)
    for _ in range(30):  # power iteration goes on in training
        judge(torch.randn(4, 1, 28, 28), torch.tensor([0, 1, 0, 1]))
    judge.eval()
    for layer in (judge.start, judge.falls[0].second, judge.score):
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
        assert float(largest) == pytest.approx(1, abs=0.05)


def test_the_class_is_heard():
    torch.manual_seed(0)
    judge = Discriminator(channels=1, size=(8, 8), classes=2, width=4, bound=True).eval()
    pictures = torch.randn(4, 1, 8, 8)
    assert not torch.allclose(
        judge(pictures, torch.zeros(4, dtype=torch.int64)), judge(pictures, torch.ones(4, dtype=torch.int64))
    )


def test_alike_pictures_are_told_by_their_spread():
    same = alikeness(torch.ones(8, 3, 4, 4))
    varied = alikeness(torch.randn(8, 3, 4, 4))
    assert same.shape == varied.shape == (8, 1, 4, 4)
    assert float(same.max()) == pytest.approx(1e-4)
    assert float(varied.min()) > 0.3
    assert alikeness(torch.randn(7, 3, 4, 4)).shape == (7, 1, 4, 4)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_gradients_pass_through_augmentation():
    pictures = torch.rand(16, 1, 12, 12).requires_grad_()
    augmented(pictures, share=1.0, generator=generator()).sum().backward()
    assert (pictures.grad != 0).any((1, 2, 3)).all()


def test_the_same_draws_augment_alike_and_no_share_leaves_as_it_was():
    pictures = torch.rand(16, 3, 12, 10) * 2 - 1
    before = pictures.clone()
    assert augmented(pictures, share=0.0, generator=generator()) is pictures
    one, other = (augmented(pictures, share=0.5, generator=generator(4)) for _ in range(2))
    assert torch.equal(one, other)
    assert torch.equal(pictures, before)
    kept = (one == pictures).flatten(1).all(1).float().mean()
    assert 0 < kept < 0.6, "an eighth or so is touched by no step"


def test_pictures_move_by_whole_pixels_with_black_behind():
    pictures = torch.arange(1, 1 + 64.0).reshape(1, 1, 8, 8).repeat(50, 1, 1, 1) / 64
    found = moved(pictures, generator=generator())
    places = set()
    for one in found[:, 0]:
        inside = one > -1
        rows, columns = inside.any(1), inside.any(0)
        part = one[rows][:, columns]
        at = (pictures[0, 0] == part[0, 0]).nonzero()[0]
        same = pictures[0, 0][at[0] : at[0] + len(part), at[1] : at[1] + part.shape[1]]
        assert torch.allclose(part, same)
        places.add((int(rows.nonzero()[0]) - int(at[0]), int(columns.nonzero()[0]) - int(at[1])))
    assert places == {(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)}


def test_a_rectangle_is_cut_out_of_each():
    found = cut(torch.ones(200, 2, 20, 20), generator=generator())
    gone = found == 0
    assert (gone[:, 0] == gone[:, 1]).all()
    share = gone[:, 0].float().mean((1, 2))
    assert share.max() <= CUT**2 + 0.05
    assert share.min() > 0


def test_light_changes_mean_and_contrast_alone():
    pictures = torch.rand(8, 1, 6, 6)
    found = lit(pictures, generator=generator())
    flat = [(p - p.mean()) / p.std() for p in (pictures, found) for p in p]
    for one, other in zip(flat[:8], flat[8:], strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert (found.mean((1, 2, 3)) != pictures.mean((1, 2, 3))).all()
