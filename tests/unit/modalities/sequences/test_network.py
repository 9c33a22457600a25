"""The network over sequences: strands, lengths, places, and what augmentation may do."""

import numpy as np
import pytest
import torch

from osler.blocks.sequences import binned, pooled
from osler.contract import Encoded
from osler.modalities.sequences.augment import augment, moved
from osler.modalities.sequences.case import LETTERS, PAD
from osler.modalities.sequences.gather import gather
from osler.modalities.sequences.network import SequenceEncoder
from osler.modalities.sequences.read.alphabet import encode, reverse_complement
from tests.unit.modalities.sequences.test_encode import cells_of, shard

PLAN = {
    "alphabet": "dna", "strands": "averaged", "positions": False, "bins": 12, "window": 4096, "architecture": "dilated",
    "width": 16, "motif": 9, "pool": 2, "kernel": 5, "depth": 2, "members": 2, "dropout": 0.0, "drop_inside": 0.0,
    "shift": 3, "mask_letters": 0.1,
}  # fmt: skip
KINDS = [{}, {"positions": True}, {"architecture": "lstm"}, {"strands": "given", "pool": 1}, {"strands": "both"}]


def encoder(**changed):
    torch.manual_seed(0)
    network = SequenceEncoder(plan={**PLAN, **changed})
    for name, value in network.named_parameters():  # blocks begin as the identity: what they do must be seen
        if name.endswith(("mix.weight", "mix.bias")):
            torch.nn.init.normal_(value, std=0.3)
    return network.eval()


def vectors(network, *codes):
    length = max(map(len, codes))
    batch = np.full((len(codes), length), PAD, np.uint8)
    for row, one in enumerate(codes):
        batch[row, : len(one)] = one
    fields = {LETTERS: torch.from_numpy(batch)}
    found = network(network.lift(fields), fields)
    assert isinstance(found, Encoded)
    return found.vector


def drawn(*lengths):
    generator = np.random.default_rng(3)
    return [generator.integers(0, 5, length).astype(np.uint8) for length in lengths]


@pytest.mark.parametrize("changed", KINDS, ids=str)
def test_shorter_sequences_in_a_batch_are_as_alone(changed):
    network, codes = encoder(**changed), drawn(41, 7, 40, 1, 33)
    together = vectors(network, *codes)
    assert together.shape == (5, 2, 16)
    for row, one in enumerate(codes):
        torch.testing.assert_close(together[row], vectors(network, one)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changed", [{}, {"strands": "both"}, {"architecture": "lstm"}], ids=str)
def test_a_sequence_and_its_reverse_complement_are_the_same(changed):
    codes = drawn(41, 30)
    network = encoder(**changed)
    found = vectors(network, *codes), vectors(network, *(reverse_complement(one) for one in codes))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)
    given = encoder(strands="given")
    assert (vectors(given, *codes) - vectors(given, *(reverse_complement(one) for one in codes))).abs().max() > 1e-2


def test_places_count_only_where_positions_do():
    once = encode("A" * 20 + "CGCG" + "A" * 20, "dna"), encode("A" * 12 + "CGCG" + "A" * 28, "dna")
    for positions, differs in ((False, False), (True, True)):
        found = vectors(encoder(positions=positions, strands="given", depth=1, motif=5), *once)
        assert ((found[0] - found[1]).abs().max() > 1e-2) == differs


def test_unknown_letters_and_none_are_zeros():
    network = encoder()
    fields = {LETTERS: torch.tensor([[4, PAD, 0, 0x80, 5]], dtype=torch.uint8)}  # N, nothing, A, a, R
    lifted = network.lift(fields)[0]
    assert lifted[:2].abs().max() == 0
    torch.testing.assert_close(lifted[2:4], torch.tensor([[0.75, -0.25, -0.25, -0.25]] * 2))
    torch.testing.assert_close(lifted[4], torch.tensor([0.25, -0.25, 0.25, -0.25]))


def test_moving_keeps_letters_and_turning_gives_the_other_strand():
    codes = torch.tensor([[0, 1, 2, 3, 0, PAD, PAD], [0, 0, 1, 2, 3, 3, 3]], dtype=torch.uint8)
    later = moved(codes, torch.tensor([-2, 1]), torch.tensor([False, False]), unknown=4)
    assert later.tolist() == [[4, 4, 0, 1, 2, PAD, PAD], [0, 1, 2, 3, 3, 3, 4]]
    turned = moved(codes, torch.tensor([0, 0]), torch.tensor([True, True]), unknown=4)
    for row, length in enumerate((5, 7)):
        own = codes[row, :length].numpy()
        assert turned[row, :length].tolist() == reverse_complement(own).tolist()
    assert turned[0, 5:].tolist() == [PAD, PAD]


def test_augmentation_follows_its_seed_and_the_plan(data, tmp_path):
    columns = shard(cells_of(data, "tf_0")[:32], tmp_path)
    fields = gather(columns, np.arange(32), window=4096)

    def done(seed, **changed):
        return augment(fields, plan={**PLAN, **changed}, generator=torch.Generator().manual_seed(seed))[LETTERS]

    assert torch.equal(done(1), done(1))
    assert not torch.equal(done(1), done(2))
    still = done(1, strands="given", shift=0, mask_letters=0.0)
    assert torch.equal(still, fields[LETTERS])
    hidden = (done(1, strands="given", shift=0) != fields[LETTERS]).float().mean()
    assert 0.07 < hidden < 0.13


def test_a_window_is_the_middle(tmp_path):
    columns = shard(["AACCGGTT", "ACG"], tmp_path)
    found = gather(columns, np.arange(2), window=4)[LETTERS]
    assert found.tolist() == [[1, 1, 2, 2], [0, 1, 2, PAD]]


def test_pooling_sees_nothing_behind_the_end():
    x, mask = torch.randn(2, 3, 8), torch.tensor([[True] * 8, [True] * 5 + [False] * 3])
    torch.testing.assert_close(pooled(x, mask)[1:], pooled(x[1:, :, :5], None))
    torch.testing.assert_close(binned(x, mask, bins=3)[1:], binned(x[1:, :, :5], None, bins=3))
    torch.testing.assert_close(binned(x, None, bins=4), x.unflatten(2, (4, 2)).mean(3))
