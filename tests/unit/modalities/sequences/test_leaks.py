"""Sequences that training knows: the other strand, long pieces in common, and what stays together."""

from functools import partial

import numpy as np

from osler.core.split import Fold, Split
from osler.core.target import Target
from osler.flows import replicates
from osler.modalities.sequences import Sequences
from osler.modalities.sequences.case import LETTERS
from osler.modalities.sequences.gather import blocks
from osler.modalities.sequences.keys import Keys
from osler.modalities.sequences.keys.pieces import pieces
from osler.modalities.sequences.leaks import NEARNESS, clues, leaks, nearness
from osler.modalities.sequences.read.alphabet import decode
from tests.unit.modalities.sequences.test_encode import PROTEIN, cells_of, shard

TURN = str.maketrans("ACGT", "TGCA")


def split_of(training, test):
    rows = np.array(training)
    return Split(rows[:-1], rows[-1:], rows[:0], np.array(test), (Fold(rows[:-1], rows[-1:], rows[:0]),), "test")


def random_dna(count, length=80, seed=0):
    return ["".join(row) for row in np.random.default_rng(seed).choice(list("ACGT"), (count, length))]


def test_reverse_complements_stop_and_shared_pieces_warn(tmp_path):
    own = random_dna(8)
    cells = [*own, own[0][::-1].translate(TURN), own[1][20:60] + random_dna(1, length=40, seed=2)[0], ("C" * 5 + own[2][:45])[::-1].translate(TURN),
             own[3][:39] + "ACGT" * 9, *random_dna(2, seed=1)]  # fmt: skip
    columns = shard(cells, tmp_path)
    found = {leak.kind: leak for leak in leaks(columns, split_of(range(8), range(8, 14)))}
    assert found["same-sequence"].severity == "stop"
    assert (found["same-sequence"].rows.tolist(), found["same-sequence"].test_rows.tolist()) == ([0], [8])
    near = found["near-sequence"]
    assert (near.severity, near.rows.tolist(), near.test_rows.tolist()) == ("warn", [1, 2], [9, 10])  # 39 letters are too few
    assert near.sentence == "2 test sequences share 40 letters or more in a row with 2 training sequences"
    told = nearness(columns, np.arange(8, 14), among=np.arange(8))[NEARNESS]
    np.testing.assert_allclose(told, [1, 1 / 41, 6 / 11, 0, 0, 0])


def test_pieces_are_those_that_text_tells(data, tmp_path):
    cells = [*cells_of(data, "prom_prom_core_tata")[:150], "ACGT" * 9, "N".join(["ACGTTGCA" * 5] * 2)]
    columns = shard(cells, tmp_path)
    numbers, owner = pieces(columns[LETTERS], alphabet="dna")
    texts = [decode(columns[LETTERS][row], "dna") for row in range(len(cells))]
    words = [
        {min(t[i : i + 40], t[i : i + 40][::-1].translate(TURN)) for i in range(len(t) - 39) if "N" not in t[i : i + 40]}
        for t in texts
    ]
    assert [int((owner == row).sum()) for row in range(len(cells))] == [len(own) for own in words]
    assert len(np.unique(numbers)) == len(set().union(*words))


def test_sequences_are_cut_into_blocks_and_give_the_same(tmp_path, monkeypatch):
    cells = [*random_dna(20), *random_dna(1, length=500), *random_dna(5, seed=2)]
    letters = shard(cells, tmp_path)[LETTERS]
    whole = pieces(letters, alphabet="dna")
    assert list(blocks(np.array([3, 3, 9, 1, 1]), most=6)) == [(0, 2), (2, 3), (3, 5)]
    monkeypatch.setattr("osler.modalities.sequences.keys.pieces.blocks", partial(blocks, most=200))
    for one, other in zip(whole, pieces(letters, alphabet="dna"), strict=True):
        np.testing.assert_array_equal(one, other)
    few, _ = pieces(letters, alphabet="dna", share=4)
    assert 0.15 < len(few) / len(whole[0]) < 0.35
    assert np.isin(few, whole[0]).all()


def test_similar_sequences_stay_together_on_either_strand(tmp_path):
    own = random_dna(4, length=100)
    cells = [
        own[0],
        own[0][30:] + own[1][:30],
        own[1][:60][::-1].translate(TURN),
        own[1][20:],
        own[2],
        own[3],
        own[3].lower(),
        None,
    ]
    keys = Keys(shard(cells, tmp_path))
    assert list(keys) == ["similar", "sequence"]
    similar, same = keys["similar"], keys["sequence"]
    assert len(set(similar[:2])) == 1
    assert len(set(similar[2:4])) == 1
    assert len({similar[0], *similar[2:6].tolist(), similar[7]}) == 5
    assert same[5] == same[6]
    assert len(set(same.tolist())) == 7


def test_rows_of_one_sequence_weigh_one_together_in_training(tmp_path):
    own = random_dna(3)
    cells = [own[0], own[1], own[0][::-1].translate(TURN), own[2], own[0].lower()]
    columns = shard(cells, tmp_path)
    target = Target(np.array([[1.0], [0], [1], [0], [1]]), np.ones((5, 1), bool), {})
    modalities = {"letters": Sequences()}
    weight = replicates.weighted(target, modalities=modalities, columns={"letters": columns}, settings={}).weight
    np.testing.assert_allclose(weight / weight[1], [1 / 3, 1, 1 / 3, 1, 1 / 3])
    np.testing.assert_allclose(weight.mean(), 1)


def test_proteins_have_no_other_strand(tmp_path):
    cells = [PROTEIN, PROTEIN[::-1], PROTEIN[20:40] + "MWWWWKKKKPPPPGGGGHHHHTTTT", PROTEIN[1:] + "A"]
    keys = Keys(shard(cells, tmp_path))
    assert keys["similar"].tolist().count(keys["similar"][0]) == 3
    assert len(set(keys["sequence"].tolist())) == 4


def test_length_and_gc_are_clues(tmp_path):
    columns = shard(["GGCCAATT", "GGGGCCCCNN", None], tmp_path)
    (found,) = clues(columns, np.arange(3))
    assert found.names == ("length", "GC share")
    np.testing.assert_array_equal(found.values, [[8, 10, np.nan], [0.5, 1.0, np.nan]])


def test_gc_is_the_yardstick_of_nucleotides_alone(tmp_path):
    columns = shard(["ACGTACGTACGTAA", "NNNNNNACGCGCGCGCNN", None, "acgtACGTGGGGGGGG"], tmp_path)
    found = Sequences().yardsticks(columns, np.array([3, 2, 1, 0]))
    assert list(found) == ["GC share"]
    np.testing.assert_allclose(found["GC share"], [12 / 16, np.nan, 9 / 10, 6 / 14])
    assert Sequences().yardsticks(shard([PROTEIN * 2], tmp_path / "p"), np.arange(1)) == {}
