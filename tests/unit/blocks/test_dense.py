"""Dense layers that carry several models."""

from __future__ import annotations

import torch

from osler.blocks.dense import EnsembleLinear, ResidualBlock, smooth_clip


def test_each_carried_model_is_a_linear_map_of_its_own():
    torch.manual_seed(0)
    layer = EnsembleLinear(5, 3, members=4, owner=torch.tensor([0, 0, 1, 2, 2]))
    with torch.no_grad():
        layer.scale_out.uniform_(0.5, 2)
        layer.bias.normal_()
    x = torch.randn(7, 4, 5)
    given = layer(x)
    into, out, bias = layer.scale_in.view(4, 5), layer.scale_out.view(4, 3), layer.bias.view(4, 3)
    for member in range(4):
        matrix = out[member][:, None] * layer.weight * into[member]
        torch.testing.assert_close(given[:, member], x[:, member] @ matrix.T + bias[member])


def test_signs_flip_all_inputs_of_a_column_together_and_differ_between_models():
    torch.manual_seed(0)
    owner = torch.arange(40).repeat_interleave(3)
    signs = EnsembleLinear(120, 2, members=8, owner=owner).scale_in.view(8, 40, 3)
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(signs.amin(2), signs.amax(2))
    assert len(torch.unique(signs[:, :, 0], dim=0)) == 8


def test_one_input_serves_all_carried_models():
    torch.manual_seed(0)
    layer, x = EnsembleLinear(4, 2, members=3, owner=torch.arange(4)), torch.randn(6, 4)
    torch.testing.assert_close(layer(x), layer(x[:, None].expand(-1, 3, -1)))


def test_scales_are_vectors_so_that_weight_decay_leaves_them_alone():
    layer = EnsembleLinear(4, 2, members=3)
    assert [name for name, p in layer.named_parameters() if p.dim() > 1] == ["weight"]


def test_a_block_starts_as_the_identity_and_learns_to_be_another():
    torch.manual_seed(0)
    block, x = ResidualBlock(8, members=2, dropout=0.0), torch.randn(5, 2, 8)
    torch.testing.assert_close(block(x), x)
    block(x).square().sum().backward()
    assert block.narrow.weight.grad.abs().max() > 0


def test_clipped_numbers_keep_their_order_and_their_middle():
    x = torch.linspace(-1000, 1000, 2001, dtype=torch.float64)
    squeezed = smooth_clip(x, limit=3.0)
    assert squeezed.abs().max() < 3
    assert (squeezed.diff() > 0).all()
    torch.testing.assert_close(smooth_clip(torch.tensor([0.1, -0.1])), torch.tensor([0.1, -0.1]), rtol=1e-3, atol=0)
