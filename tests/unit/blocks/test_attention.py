"""Attention over tokens."""

from __future__ import annotations

import torch

from osler.blocks.attention import AttentionBlock


def test_tokens_are_a_set_their_order_says_nothing():
    torch.manual_seed(0)
    block, x = AttentionBlock(12, heads=2, dropout=0.0).eval(), torch.randn(3, 5, 12)
    order = torch.randperm(5)
    torch.testing.assert_close(block(x)[:, order], block(x[:, order]), rtol=1e-4, atol=1e-5)


def test_a_token_hears_the_others():
    torch.manual_seed(0)
    block, x = AttentionBlock(12, heads=4, dropout=0.0).eval(), torch.randn(1, 3, 12)
    other = x.clone()
    other[0, 2] += torch.randn(12)  # a shift of all would vanish in the norm
    assert (block(x)[0, 0] - block(other)[0, 0]).abs().max() > 1e-3


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    block, x = AttentionBlock(12, heads=2, dropout=0.5), torch.randn(2, 3, 12)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))
