"""Message passing equals its definition, bond by bond, forward and backward."""

import numpy as np
import pytest
import torch

from osler.blocks.message_passing import READOUTS, DirectedMessages, Pool, Routes
from osler.modalities.molecules.gather import (
    ALIKE,
    ALIKE_STARTS,
    BEGINS,
    BEGINS_ATOM,
    BEGINS_BOND,
    FED,
    FED_STARTS,
    FEEDS,
    FEEDS_STARTS,
    INTO,
    INTO_STARTS,
    SOURCE,
    TARGET,
    begins,
    routes,
)

# a ring of four with a tail, an atom of five neighbours, a bond alone, an atom alone
JOINED = np.array([[0, 1], [1, 2], [2, 3], [0, 3], [3, 4], [5, 6], [5, 7], [5, 8], [5, 9], [5, 10], [11, 12]])
ATOMS = 14


def tensors(joined=JOINED, atoms=ATOMS):
    return {name: torch.from_numpy(values.astype(np.int32)) for name, values in routes(joined, atoms=atoms).items()}


def feeds(found):
    return Routes(*(found[name] for name in (FEEDS, FEEDS_STARTS, FED, FED_STARTS)))


def kinds(of, count):
    """Routes from `count` distinct lines to bonds that are each the line that `of` names."""
    order = np.argsort(of, kind="stable")
    starts = np.cumsum(np.bincount(of, minlength=count)) - np.bincount(of, minlength=count)
    parts = (of, np.arange(len(of)), order, starts)
    return Routes(*(torch.from_numpy(np.asarray(part, np.int32)) for part in parts))


def matrix(found):
    """Which directed bond hears which: it begins where the other ends, and is not its reverse."""
    source, target = found[SOURCE].numpy(), found[TARGET].numpy()
    return (source[:, None] == target[None, :]) & (target[:, None] != source[None, :])


def test_a_bond_hears_all_that_lead_to_it_but_its_own_reverse():
    found = tensors()
    values = torch.randn(2 * len(JOINED), 5)
    expected = torch.from_numpy(matrix(found)).float() @ values
    torch.testing.assert_close(feeds(found).summed(values), expected)
    torch.testing.assert_close(feeds(found).turned().summed(values), torch.from_numpy(matrix(found)).float().T @ values)


def test_an_atom_hears_the_bonds_that_end_in_it():
    found = tensors()
    target = found[TARGET]
    into = Routes(found[INTO], found[INTO_STARTS], target, torch.arange(len(target), dtype=torch.int32))
    values = torch.randn(len(target), 3)
    expected = torch.zeros(ATOMS, 3).index_add_(0, target.long(), values)
    torch.testing.assert_close(into.summed(values), expected)
    assert (into.summed(values)[13] == 0).all()


def test_gradients_equal_those_of_plain_sums():
    found = tensors()
    way = feeds(found)
    values = torch.randn(2 * len(JOINED), 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(way.summed, (values,))


def test_a_step_is_what_the_papers_define():
    torch.manual_seed(0)
    found = tensors()
    messages = DirectedMessages(6, steps=2).eval()
    of = np.arange(2 * len(JOINED)) % 7  # of seven distinct beginnings
    begun = torch.randn(7, 6)
    expected = begun[of]
    heard = torch.from_numpy(matrix(found)).float()
    for norm, onward in zip(messages.norms, messages.maps, strict=True):
        expected = expected + torch.relu(onward(heard @ norm(expected)))
    torch.testing.assert_close(messages(begun, feeds(found), kinds=kinds(of, 7)), expected)
    torch.testing.assert_close(messages(begun[of], feeds(found)), expected)
    everything = torch.ones(len(of), 1)
    torch.testing.assert_close(messages(begun, feeds(found), kinds=kinds(of, 7), present=everything), expected)


def test_bonds_that_begin_alike_share_a_line():
    atom, bond = np.array([3, 0, 3, 0, 3], np.int32), np.array([1, 0, 1, 1, 0], np.int32)
    found = begins(atom, bond)
    assert (found[BEGINS_ATOM][found[BEGINS]] == atom).all()
    assert (found[BEGINS_BOND][found[BEGINS]] == bond).all()
    assert len(found[BEGINS_ATOM]) == 4
    way = Routes(*(torch.from_numpy(found[name]) for name in (BEGINS,)), torch.arange(5),
                 *(torch.from_numpy(found[name]) for name in (ALIKE, ALIKE_STARTS)))  # fmt: skip
    lines = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(way.summed(lines), lines[found[BEGINS]])
    assert torch.autograd.gradcheck(way.summed, (lines,))


def test_messages_are_left_out_as_a_whole_in_training_alone():
    torch.manual_seed(0)
    found = tensors()
    hidden, messages = torch.randn(2 * len(JOINED), 6), DirectedMessages(6, steps=1, dropout=0.5)
    each = kinds(np.arange(len(hidden)), len(hidden))
    kept = messages._heard(hidden)
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(messages(hidden, feeds(found), kinds=each), messages(hidden, feeds(found), kinds=each))
    assert messages.eval()._heard(hidden) is None


def test_molecules_without_a_bond_have_no_messages():
    found = tensors(np.empty((0, 2), np.int64), 3)
    hidden = torch.empty(0, 4, requires_grad=True)
    out = DirectedMessages(4, steps=2)(hidden, feeds(found), kinds=kinds(np.empty(0, np.int64), 0))
    assert out.shape == (0, 4)
    out.sum().backward()


@pytest.mark.parametrize("how", READOUTS)
def test_readouts_are_means_or_sums_over_the_atoms_of_each_molecule(how):
    torch.manual_seed(1)
    states, owner = torch.randn(5, 3), torch.tensor([0, 0, 0, 1, 1], dtype=torch.int32)
    each = torch.arange(5, dtype=torch.int32)
    within = Routes(each, torch.tensor([0, 3], dtype=torch.int32), owner, each)
    pool = Pool(3, how=how, usual=2.0)
    found = pool(states, within)
    expected = {"mean": states[:3].mean(0), "sum": states[:3].sum(0) / 2}
    if how == "attention":
        share = torch.exp(4 * torch.tanh(pool.weigh(states[:3]) / 4))
        expected["attention"] = (states[:3] * share).sum(0) / share.sum()
    torch.testing.assert_close(found[0], expected[how])
    nothing = pool(states, within, present=torch.zeros(5, 1))
    assert (nothing == 0).all()
