"""From cells to columns: what is a sequence, what is refused, which alphabet, and words counted."""

import itertools
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from osler.core.columns import Ragged
from osler.core.errors import PlanError, StudyError
from osler.core.registry import MODALITIES, modality
from osler.core.table import Table
from osler.modalities.sequences.case import IDENTITY, LETTERS
from osler.modalities.sequences.encode.words import opposite, spelled, strandless, tallied, word_numbers
from osler.modalities.sequences.read.alphabet import decode

SEQUENCES = modality("sequences")
PROTEIN = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"


def table(cells, tmp_path):
    return Table(pa.table({"sequence": pa.array(cells, pa.string())}), tmp_path)


def shard(cells, tmp_path, *, roles=("input", "identity"), **settings):
    rows = SEQUENCES.locate(table(cells, tmp_path), columns=("sequence",))
    reading = {d.name: d.value for d in SEQUENCES.reading(rows, settings=settings)}
    return SEQUENCES.shard(rows, reading=reading, roles=frozenset(roles))


def cells_of(data, task, part="dev"):
    import gzip

    with gzip.open(data / f"genomes/gue/{task}/{part}.csv.gz", "rt", encoding="utf-8") as stream:
        next(stream)
        return [line.partition(",")[0] for line in stream]


def test_real_windows_come_back_as_they_were_written(data, tmp_path):
    cells = cells_of(data, "tf_0")
    columns = shard(cells, tmp_path)
    assert columns.present.all()
    assert not columns.refusals
    assert [decode(columns[LETTERS][row], "dna") for row in range(len(cells))] == cells


def test_what_cannot_be_read_is_a_refused_row_with_the_letter_s_place(tmp_path):
    cells = ["ACGTACGTACGTACGT", None, "ACGTQCGT", "AC-GT", "N" * 100, "ACGT" * 30_000, "acgtn", "  "]
    columns = shard([*cells, *["ACGTTGCA"] * 80], tmp_path)
    assert columns.present[:8].tolist() == [True, False, False, False, False, False, True, False]
    told = {row: (one.code, one.column) for row, one in columns.refusals.items()}
    assert told == {row: (code, "sequence") for row, code in ((2, "letter"), (3, "gap"), (4, "unknown-letters"), (5, "too-long"))}
    assert "letter 5" in columns.refusals[2].sentence
    assert "Q" not in columns.refusals[2].sentence.partition(";")[0]


def test_alphabet_is_seen_and_can_be_set(tmp_path):
    kinds = {"dna": "ACGTTGCAACGGTA", "rna": "ACGUUGCAACGGUA", "protein": PROTEIN}
    for alphabet, cell in kinds.items():
        rows = SEQUENCES.locate(table([cell] * 20, tmp_path), columns=("sequence",))
        assert SEQUENCES.reading(rows, settings={})[0].value == alphabet
        assert SEQUENCES.reading(rows, settings={"alphabet": "protein"})[0].value == "protein"
    with pytest.raises(PlanError, match="alphabet"):
        SEQUENCES.reading(rows, settings={"alphabet": "dan"})


def test_only_columns_of_sequences_are_recognised(data):
    sure = {name: modality(name) for name in MODALITIES}
    cells = cells_of(data, "prom_prom_core_tata")[:200]
    assert max(sure, key=lambda name: sure[name].recognises(cells)) == "sequences"
    assert SEQUENCES.recognises([PROTEIN, PROTEIN[::-1], PROTEIN[10:] + "MKV"]) > 0.5
    others = (["AG", "AA", "GG"] * 9, ["ACGTAC"] * 9, ["SEVERE", "MILD"] * 9, ["PATIENTWITHAFIRSTADMISSION"] * 9, ["ENSG00000139618"],
              ["case12345678901234567890"], ["A" * 40, "A" * 39, "A" * 38], ["CC(=O)OC1=CC=CC=C1C(=O)O"])  # fmt: skip
    assert [SEQUENCES.recognises(one) for one in others] == [0.0] * len(others)


def test_an_input_is_one_column(tmp_path):
    with pytest.raises(StudyError, match="one column, and 2 are given"):
        SEQUENCES.locate(table(["ACGT"], tmp_path), columns=("sequence", "sequence"))
    with pytest.raises(StudyError, match="did you mean 'sequence'"):
        SEQUENCES.locate(table(["ACGT"], tmp_path), columns=("sequenc",))


def test_both_strands_are_one_sequence_and_soft_masks_none(tmp_path):
    columns = shard(["AACGTTTGCA", "TGCAAACGTT", "aacgtttgca", "AACGTTTGCC"], tmp_path)
    keys = np.asarray(columns[IDENTITY])[:, 0]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    prints = [tuple(p) for p in columns.fingerprints]
    assert prints[0] == prints[2]
    assert len(set(prints)) == 3


def test_words_are_counted_as_text_is(data, tmp_path):
    cells = [*cells_of(data, "tf_4")[:20], "ACGTNACGTAC", "AC", "A"]
    letters = shard([*cells, "GGGTTTAAACCC"], tmp_path)[LETTERS]
    for places in ((0,), (0, 1, 2), (0, 1, 4, 5)):
        size = 4 ** len(places)
        found = tallied(letters, word_numbers(letters, places, base=4), words=size)
        names = ["".join(w) for w in itertools.product("ACGT", repeat=len(places))]
        for row, cell in enumerate(cells):
            words = Counter("".join(cell[at + p] for p in places) for at in range(len(cell) - places[-1]))
            assert found[row].tolist() == [float(words.get(name, 0)) for name in names]


def test_a_word_and_its_reverse_complement_are_one():
    names = spelled((0, 1, 2), range(64), alphabet="dna")
    turned = [name[::-1].translate(str.maketrans("ACGT", "TGCA")) for name in names]
    assert [names[at] for at in opposite(3)] == turned
    shared, kept = strandless(4)
    assert len(kept) == 136  # of 256, 16 are their own
    assert (shared == shared[opposite(4)]).all()


def test_words_by_place_add_up_to_words():
    letters = Ragged(np.random.default_rng(0).integers(0, 4, 300).astype(np.uint8), np.array([0, 101, 150, 150, 300]))
    numbers = word_numbers(letters, (0, 1), base=4)
    placed = tallied(letters, numbers, words=16, bins=7).reshape(4, 7, 16)
    np.testing.assert_array_equal(placed.sum(axis=1), tallied(letters, numbers, words=16))
    assert placed[0, :, :].sum(axis=1).tolist() == [15.0, 14, 15, 14, 15, 14, 13]  # 101 letters, of which the last begins no pair
