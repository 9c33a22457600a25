"""A target with a value for each letter: how cells are read, and that letters and values stay together on every way."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from osler.core.columns import Ragged
from osler.core.errors import Refused, StudyError
from osler.core.registry import modality
from osler.core.state import State
from osler.core.table import Table
from osler.modalities.sequences.augment import augment
from osler.modalities.sequences.baseline import PLACES, REACH, place_features
from osler.modalities.sequences.case import IDENTITY, LETTERS, PAD, TRACK
from osler.modalities.sequences.facts.asymmetry import track_bias
from osler.modalities.sequences.gather import gather, tile_weights, tiles, windows
from osler.modalities.sequences.network import PlaceEncoder
from osler.modalities.sequences.read.alphabet import encode, reverse_complement
from osler.modalities.sequences.read.tracks import track
from tests.unit.modalities.sequences.test_encode import cells_of

SEQUENCES = modality("sequences")
PLAN = {
    "alphabet": "dna", "strands": "averaged", "window": 4096, "architecture": "dilated", "width": 16, "motif": 9, "kernel": 5, "depth": 3,
    "drop_inside": 0.0, "shift": 3, "mask_letters": 0.1,
}  # fmt: skip
ROLES = frozenset({"input", "target", "truth", "baseline"})  # those of a target on a grid


def columns_of(sequences, tracks, tmp_path, kind=None):
    held = {"sequence": pa.array(sequences, pa.string()), "track": pa.array(tracks, kind or pa.string())}
    rows = SEQUENCES.locate(Table(pa.table(held), tmp_path), columns=("sequence",), aligned=("track",))
    reading = {d.name: d.value for d in SEQUENCES.reading(rows, settings={"alphabet": "dna"})}
    return SEQUENCES.shard(rows, reading=reading, roles=ROLES)


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("0011", [0, 0, 1, 1]),
        ("0 0 1 1", [0, 0, 1, 1]),
        (" 0.5\t-2  1e3 nan ", [0.5, -2, 1000, np.nan]),
        ("1,,.,4", [1, np.nan, np.nan, 4]),
        ("[1, 2, NA, 4]", [1, 2, np.nan, 4]),
        ("01.1", [0, 1, np.nan, 1]),
        ([1.5, None, 2, 3], [1.5, np.nan, 2, 3]),
        ("", [np.nan] * 4),
        (None, [np.nan] * 4),
        ("NA", [np.nan] * 4),
    ],
    ids=str,
)
def test_a_cell_is_a_list_text_with_separators_or_digits(cell, values):
    found = track(cell, length=4, column="t")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(values, np.float32))


def test_a_sequence_of_one_letter_has_a_point_for_an_unknown_value_and_a_digit_for_a_known_one():
    assert track("7", length=1, column="t").tolist() == [7]
    assert np.isnan(track(".", length=1, column="t")).all()


@pytest.mark.parametrize(
    ("cell", "code", "told"),
    [
        ("001", "track-length", "the track has 3 values and the sequence 4 letters"),
        ("0 0 1 1 0", "track-length", "the track has 5 values"),
        ("1", "track-length", "the track has 1 values"),
        (7, "track-length", "the track has 1 values"),
        ("0 x 1 1", "track-value", "value 2 of the track is no number"),
        ("0 1 inf 1", "track-value", "value 3 of the track"),
        ("0,1,1,1e39", "track-value", "value 4 of the track"),  # beyond what four bytes hold
        ("1_0 1 1 1", "track-value", "value 1 of the track"),
    ],
)
def test_what_is_no_value_for_each_letter_is_refused_and_not_quoted(cell, code, told):
    with pytest.raises(Refused) as refused:
        track(cell, length=4, column="t")
    assert refused.value.refusal.code == code
    assert told in refused.value.refusal.sentence
    assert refused.value.refusal.column == "t"
    assert not {"x", "inf", "1e39", "1_0"} & set(refused.value.refusal.sentence.replace(";", " ").split())


def test_a_bad_track_refuses_its_row_alone_and_a_missing_one_none(tmp_path):
    columns = columns_of(["ACGT", "ACGTA", "TTTT", None, "CCCC"], ["0110", "011", None, "1", "0 0 1 .5"], tmp_path)
    assert columns.present.tolist() == [True, False, True, False, True]
    assert {row: one.code for row, one in columns.refusals.items()} == {1: "track-length"}
    values = columns[TRACK]
    assert isinstance(values, Ragged)
    assert [values[row].tolist() for row in (0, 1, 3)] == [[0, 1, 1, 0], [], []]
    assert np.isnan(values[2]).all()
    assert len(values[2]) == 4
    assert columns.field(TRACK).role == "target"
    assert IDENTITY in columns.arrays  # strands and copies are looked for as ever


def test_lists_of_a_typed_table_are_read_as_text_is(tmp_path):
    typed = columns_of(["ACGT", "AC"], [[0.5, None, 2, 1], [1, 0]], tmp_path, pa.list_(pa.float64()))
    text = columns_of(["ACGT", "AC"], ["0.5,,2,1", "1 0"], tmp_path)
    np.testing.assert_array_equal(typed[TRACK].values, text[TRACK].values)


def test_without_a_track_the_columns_have_none_and_another_track_is_another_shard(tmp_path):
    table = Table(pa.table({"sequence": ["ACGT"] * 3, "a": ["0101"] * 3, "b": ["0111"] * 3}), tmp_path)
    plain = SEQUENCES.locate(table, columns=("sequence",))
    assert TRACK not in SEQUENCES.shard(plain, reading={"alphabet": "dna", "longest": 99}, roles=ROLES).arrays
    keys = {
        SEQUENCES.digest(SEQUENCES.locate(table, columns=("sequence",), aligned=one), file_digest=str)
        for one in ((), ("a",), ("b",))
    }
    assert len(keys) == 3
    with pytest.raises(StudyError, match="is one column, and 2 are given"):
        SEQUENCES.locate(table, columns=("sequence",), aligned=("a", "b"))


def test_augmentation_moves_each_value_with_its_letter(tmp_path):
    """The value of a letter is its code, of the other strand that of the opposite base: whatever moves, they tell the same."""
    generator = np.random.default_rng(4)
    cells = ["".join(generator.choice(list("ACGT"), 30 + row % 5)) for row in range(40)]
    columns = columns_of(cells, [" ".join(str("ACGT".index(letter)) for letter in cell) for cell in cells], tmp_path)
    batch = gather(columns, np.arange(40), window=4096, names=(LETTERS, TRACK))
    assert batch[TRACK].shape == (40, 1, 34)
    assert torch.isnan(batch[TRACK][0, 0, 30:]).all()
    found = augment(dict(batch), plan=PLAN, generator=torch.Generator().manual_seed(0))
    codes, values = found[LETTERS], found[TRACK][:, 0]
    known = codes < 4
    turned = (values[known] == 3 - codes[known].float()).float().mean()
    assert 0.2 < turned < 0.8  # about half are read from the other strand, where values stay those of the given one
    same = (values == codes.float()) | (values == 3 - codes.float()) | ~known
    assert bool(same.all())
    outside = (codes == 4) & torch.isnan(values)
    hidden = (codes == 4) & ~torch.isnan(values)
    assert outside.any()
    assert hidden.any()  # a letter that is hidden is still asked for
    assert torch.isnan(values[codes == PAD]).all()
    again = augment(dict(batch), plan={**PLAN, "shift": 0, "mask_letters": 0.0, "strands": "given"}, generator=torch.Generator())
    torch.testing.assert_close(again[TRACK], batch[TRACK], equal_nan=True)


def test_long_sequences_are_cut_at_random_in_training_and_covered_in_prediction(tmp_path):
    cells = ["ACGTTGCA" * 20, "ACGT" * 5]
    columns = columns_of(cells, [" ".join(map(str, range(len(cell)))) for cell in cells], tmp_path)
    assert windows(columns, np.array([1]), window=64, generator=np.random.default_rng(0)) is None
    starts = set()
    for seed in range(30):
        cut = windows(columns, np.array([0, 1]), window=64, generator=np.random.default_rng(seed))
        batch = gather(columns, np.array([0, 1]), window=64, windows=cut, names=(LETTERS, TRACK))
        first = int(cut[0, 0, 0])
        starts.add(first)
        assert batch[TRACK][0, 0].tolist() == list(range(first, first + 64))
        assert batch[TRACK][1, 0, :20].tolist() == list(range(20))
        assert torch.isnan(batch[TRACK][1, 0, 20:]).all()
    assert len(starts) > 10
    assert min(starts) >= 0
    assert max(starts) <= 160 - 64
    assert tiles(64, window=64) is None
    found = tiles(160, window=64)[:, 0]
    assert (found[:, 1] - found[:, 0] == 64).all()
    assert (found[0, 0], found[-1, 1]) == (0, 160)
    assert (np.diff(found[:, 0]) <= 32).all()  # each letter has neighbours to both sides in one of them
    weights = tile_weights(64)
    assert weights.argmax() in (31, 32)
    assert weights.min() > 0


def encoder(**changed):
    torch.manual_seed(0)
    network = PlaceEncoder(plan={**PLAN, **changed})
    for name, value in network.named_parameters():  # blocks begin as the identity: what they do must be seen
        if name.endswith(("mix.weight", "mix.bias")):
            torch.nn.init.normal_(value, std=0.3)
    return network.eval()


def maps(network, *codes):
    batch = np.full((len(codes), max(map(len, codes))), PAD, np.uint8)
    for row, one in enumerate(codes):
        batch[row, : len(one)] = one
    fields = {LETTERS: torch.from_numpy(batch)}
    return network(network.lift(fields), fields)


KINDS = [{}, {"strands": "given"}, {"strands": "both"}, {"architecture": "lstm"}]


@pytest.mark.parametrize("changed", KINDS, ids=str)
def test_padding_changes_nothing(changed):
    generator = np.random.default_rng(3)
    codes = [generator.integers(0, 5, length).astype(np.uint8) for length in (41, 7, 40, 1)]
    network = encoder(**changed)
    together = maps(network, *codes)
    assert together.maps[0].shape == (4, 16, 41)
    assert together.vector.shape == (4, network.width)
    for row, one in enumerate(codes):
        alone = maps(network, one)
        torch.testing.assert_close(together.maps[0][row, :, : len(one)], alone.maps[0][0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(together.vector[row], alone.vector[0], rtol=1e-4, atol=1e-5)
        assert not together.maps[0][row, :, len(one) :].any()


@pytest.mark.parametrize("changed", [{}, {"strands": "both"}, {"architecture": "lstm"}], ids=str)
def test_the_map_of_the_reverse_complement_is_the_map_backwards(changed):
    generator = np.random.default_rng(3)
    codes = [generator.integers(0, 4, length).astype(np.uint8) for length in (41, 30)]
    network = encoder(**changed)
    here, there = (maps(network, *each).maps[0] for each in (codes, [reverse_complement(one) for one in codes]))
    for row, length in enumerate((41, 30)):
        torch.testing.assert_close(here[row, :, :length], there[row, :, :length].flip(1), rtol=1e-4, atol=1e-5)
    given = encoder(strands="given")
    here, there = (maps(given, *each).maps[0] for each in (codes, [reverse_complement(one) for one in codes]))
    assert (here[0] - there[0].flip(1)).abs().max() > 1e-2


def test_each_letter_sees_its_neighbours_and_nothing_far_away():
    network = encoder(strands="given", depth=1, motif=5)
    one = encode("ACGTTGCA" * 8, "dna")
    other = one.copy()
    other[32] = (other[32] + 1) % 4
    away = (maps(network, one).maps[0] - maps(network, other).maps[0])[0].abs().max(0).values
    changed = np.flatnonzero(away.detach().numpy() > 1e-7)
    assert 32 in changed
    assert changed.min() >= 32 - 4
    assert changed.max() <= 32 + 4  # two letters of the filter and two of the block, to either side


def test_a_target_of_one_strand_is_seen_and_one_of_both_is_not(data, tmp_path):
    """CA is marked: on the given strand alone, and on both. The letters are real."""
    cells = cells_of(data, "tf_0")[:400]
    for words, seen in ((("CA",), True), (("CA", "TG"), False)):
        marks = [
            " ".join(str(int(cell[at : at + 2] in words or cell[max(at - 1, 0) : at + 1] in words)) for at in range(len(cell)))
            for cell in cells
        ]
        columns = columns_of(cells, marks, tmp_path)
        score = track_bias(columns[LETTERS], columns[TRACK])
        assert (score > 8) == seen, score


def test_features_of_letters_tell_what_stands_about_each(tmp_path):
    cell = "ACGTTGCACCGGTTAAN"
    columns = columns_of([cell, "TTT"], [" ".join(["1"] * len(cell)), "0 . 1"], tmp_path)
    state = State({}, {"alphabet": "dna", "joined": True, "parts": 0})
    found = place_features(columns, np.array([0, 1]), state=state, generator=None)
    assert found.matrix.shape == (20, len(found.names))
    assert found.positions.tolist() == [0] * 17 + [1] * 3
    assert found.places.tolist() == [*range(17), 0, 1, 2]
    here = {name: found.matrix[:, at] for at, name in enumerate(found.names)}
    assert here["letter"][:4].tolist() == [0, 1, 2, 3]
    assert np.isnan(here["letter"][16])  # N
    assert here["letter +1"][:3].tolist() == [1, 2, 3]
    assert np.isnan(here["letter -1"][[0, 17]]).all()  # no letter of the sequence before
    assert found.categorical.sum() == 2 * REACH + 1
    assert here["G within 50"][0] == pytest.approx(4 / 17)
    assert here["T within 10"][18] == 1
    assert here["letters before"][[0, 16, 19]].tolist() == [0, 16, 2]
    assert here["letters behind"][[0, 16, 19]].tolist() == [16, 0, 0]
    alone = place_features(columns, np.array([1]), state=state, generator=None)
    np.testing.assert_array_equal(alone.matrix, found.matrix[17:])
    some = place_features(columns, np.array([1, 0]), state=state, generator=np.random.default_rng(0))
    assert some.places.tolist() == [0, 2, *range(17)]  # an unknown value is no line to learn from
    assert PLACES > 20


def test_half_of_the_letters_to_learn_from_are_seen_from_the_other_strand(tmp_path):
    cell = "ACGTTGCACCGGTTAAGATTTCC" * 3
    other = cell.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    columns = columns_of([cell, other], [" ".join(["1"] * len(cell))] * 2, tmp_path)
    state = State({}, {"alphabet": "dna", "joined": True, "parts": 0})
    here = place_features(columns, np.array([0]), state=state, generator=None).matrix
    there = place_features(columns, np.array([1]), state=state, generator=None).matrix[::-1]
    drawn = place_features(columns, np.array([0]), state=state, generator=np.random.default_rng(0)).matrix
    same = [np.allclose(drawn, one, atol=1e-6, equal_nan=True) for one in (here, there)]
    assert same == [False, False]
    own, turned = (np.isclose(drawn, one, atol=1e-6, equal_nan=True).all(axis=1) for one in (here, there))
    assert (own | turned).all()
    assert 20 < turned.sum() < 49
    given = State({}, {"alphabet": "dna", "joined": False, "parts": 0})
    again = place_features(columns, np.array([0]), state=given, generator=np.random.default_rng(0)).matrix
    np.testing.assert_array_equal(again, here)


def test_a_case_is_drawn_as_lines_with_gaps_and_without_words(tmp_path):
    columns = columns_of(["ACGTACGTAC", "ACGT"], ["0 0 1 1 nan nan 1 0 0 0", "0110"], tmp_path)
    predicted = np.linspace(0, 1, 10, dtype=np.float32)[None]
    both = SEQUENCES.picture(columns, 0, layers={"marks": predicted, "truth": columns[TRACK][0][None]})
    assert both.startswith("<svg")
    assert both.count('fill-opacity="0.25"') == 2  # what is true, before and behind the gap
    assert both.count('stroke-width="1.5"') == 1
    alone = SEQUENCES.picture(columns, 0)
    assert alone.count('stroke-width="1.5"') == 0
    blind = SEQUENCES.picture(columns, 1, layers={"marks": predicted[:, :4]})
    assert "fill-opacity" in blind  # columns that were read with the truth tell it
    plain = SEQUENCES.shard(
        SEQUENCES.locate(Table(pa.table({"sequence": ["ACGTACGTAC"]}), tmp_path), columns=("sequence",)),
        reading={"alphabet": "dna", "longest": 99}, roles=frozenset({"input"}),
    )  # fmt: skip
    assert "fill-opacity" not in SEQUENCES.picture(plain, 0, layers={"marks": predicted})
    long = np.full((1, 5_000), np.nan)
    long[0, 10] = -3.0
    assert len(SEQUENCES.picture(plain, 0, layers={"marks": long})) < 3_000
