"""From numbers and categories to floats."""

from __future__ import annotations

import torch

from osler.blocks.embeddings import Periodic, PiecewiseLinear, Vocabularies

NAN = float("nan")


def test_a_number_fills_the_bins_below_it_and_its_share_of_its_own():
    bins = PiecewiseLinear(torch.tensor([[0.0, 1.0, 3.0, 4.0]]))
    given = bins(torch.tensor([[0.0], [0.5], [2.0], [4.0]]))[:, 0]
    assert given.tolist() == [[0, 0, 0], [0.5, 0, 0], [1, 0.5, 0], [1, 1, 1]]


def test_outer_bins_go_on_beyond_the_edges_but_not_far():
    bins = PiecewiseLinear(torch.tensor([[0.0, 1.0, 2.0]]))
    given = bins(torch.tensor([[-0.5], [-100.0], [2.5], [100.0]]))[:, 0]
    assert given.tolist() == [[-0.5, 0], [-1, 0], [1, 1.5], [1, 2]]


def test_columns_with_fewer_edges_and_missing_values_give_zeros():
    bins = PiecewiseLinear(torch.tensor([[0.0, 1.0, NAN, NAN], [NAN] * 4, [5.0, 6.0, 7.0, 8.0]]))
    given = bins(torch.tensor([[2.0, 1.0, NAN], [NAN, NAN, 9.0]]))
    assert given[0].tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert given[1].tolist() == [[0, 0, 0], [0, 0, 0], [1, 1, 2]]


def test_waves_differ_by_column_and_carry_gradients():
    torch.manual_seed(0)
    waves = Periodic(3, size=4)
    x = torch.randn(5, 3, requires_grad=True)
    given = waves(x)
    assert given.shape == (5, 3, 4)
    given.sum().backward()
    assert (x.grad.abs() > 0).all()
    assert not torch.allclose(waves(torch.ones(1, 3))[0, 0], waves(torch.ones(1, 3))[0, 1])


def looked_up(words: list[list[int]], hashes: list[list[int]]) -> list[list[int]]:
    return Vocabularies([torch.tensor(w, dtype=torch.int64) for w in words], size=2).rows(torch.tensor(hashes)).tolist()


def test_words_are_found_in_the_vocabulary_of_their_own_column_alone():
    words = [[-9, 4, 7], [4, 2**62], []]
    # rows: 0–2 unknown, 3–5 missing, 6–8 words of the first column, 9–10 of the second
    assert looked_up(words, [[-9, 4, 4], [7, 2**62, 7], [4, -9, 0]]) == [[6, 9, 2], [8, 10, 2], [7, 1, 5]]
    assert looked_up(words, [[0, 0, 0], [5, 5, 5], [-(2**63), 2**63 - 1, 1]]) == [[3, 4, 5], [0, 1, 2], [0, 1, 2]]


def test_no_word_at_all_and_no_column_at_all():
    assert looked_up([[], []], [[5, 0]]) == [[0, 3]]
    assert Vocabularies([], size=3)(torch.empty(4, 0, dtype=torch.int64)).shape == (4, 0, 3)


def test_unknown_words_say_nothing_at_first():
    table = Vocabularies([torch.tensor([3])], size=4)
    assert table(torch.tensor([[99]])).abs().max() == 0
    assert table(torch.tensor([[3]])).abs().max() > 0
