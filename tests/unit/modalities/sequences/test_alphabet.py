"""Letters and codes."""

import numpy as np
import pytest

from osler.core.errors import Refused
from osler.modalities.sequences.read import alphabet as a
from tests.unit.modalities.sequences.genomes import windows


def test_codes_are_as_promised():
    assert a.encode("ACGTNRYSWKMBDHV", "dna").tolist() == list(range(15))
    assert a.encode("acgtn", "dna").tolist() == [128, 129, 130, 131, 132]
    assert a.encode("ACGU", "rna").tolist() == a.encode("ACGT", "rna").tolist() == [0, 1, 2, 3]
    assert a.encode("ACDEFGHIKLMNPQRSTVWYXBZJUO*", "protein").tolist() == list(range(27))
    assert a.encode(b" ACGT\r\n", "dna").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("alphabet", "letters"), [("dna", a.NUCLEOTIDES), ("rna", "ACGUNRYSWKMBDHV"), ("protein", a.AMINO_ACIDS)]
)
def test_letters_come_back(alphabet, letters):
    for text in (letters, letters[:-1].lower()):
        assert a.decode(a.encode(text, alphabet), alphabet) == text
    assert a.decode(np.array([200], np.uint8), alphabet) == "?"


def test_real_windows_come_back(data):
    for text in windows(data)[:200]:
        assert a.decode(a.encode(text, "dna"), "dna") == text


def test_complements_agree_with_another_table():
    # Bio.Data.IUPACData.ambiguous_dna_complement of Biopython 1.85
    golden = dict(zip("ACGTMRWSYKVHDBN", "TGCAKYWSRMBDHVN", strict=True))
    letters = "".join(golden)
    assert a.decode(a.complement(a.encode(letters, "dna")), "dna") == "".join(golden.values())
    assert a.decode(a.reverse_complement(a.encode("aACGTnR", "dna")), "dna") == "YnACGTt"


def test_two_complements_are_none():
    codes = np.arange(256, dtype=np.uint8)
    assert (a.complement(a.complement(codes)) == codes).all()
    both = codes.reshape(4, 64)
    assert (a.reverse_complement(both)[:, 0] == a.complement(both)[:, -1]).all()


@pytest.mark.parametrize(
    ("text", "alphabet", "code", "told"),
    [
        ("ACXT", "dna", "letter", "letter 3 is none of DNA"),
        ("  AC1T", "dna", "letter", "letter 5"),
        ("ACUT", "dna", "letter", "letter 3"),
        ("ACé", "dna", "letter", "letter 3"),
        ("AC-T", "dna", "gap", "letter 3 is a gap"),
        (" \n", "dna", "empty-sequence", "no letter"),
        ("MK*L", "protein", "end-inside", "letter 3 is '*'"),
        ("MK1", "protein", "letter", "letter 3 is none of proteins"),
    ],
)
def test_what_is_refused(text, alphabet, code, told):
    with pytest.raises(Refused, match=told.replace("*", r"\*")) as error:
        a.encode(text, alphabet)
    assert error.value.refusal.code == code
    bare = text.strip()
    assert not bare or bare not in error.value.refusal.sentence


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["ACGTACGT", "acgtnnn"], "dna"),
        (["ACGUACGU", "ACGG"], "rna"),
        (["MKVLATLLR", "MSTNPKPQRKTKRNTNRRPQDVKFPGG"], "protein"),
        (["KRSTRSKRAGSSRKTRSK"], "protein"),  # letters of IUPAC nucleotides but for none: most of them are not single bases
        (["hello there", "12"], None),
        ([], None),
        (["", " "], None),
        (["ACGT"] * 19 + ["?"], "dna"),
    ],
)
def test_alphabets_are_seen(cells, found):
    assert a.alphabet_of(cells) == found


def test_profiles_are_shares():
    dna, protein = a.profile("dna"), a.profile("protein")
    assert dna.shape == (256, 4)
    assert protein.shape == (256, 20)
    assert np.allclose(dna[:15].sum(1), 1)
    assert np.allclose(protein[:26].sum(1), 1)
    assert dna[3].tolist() == [0, 0, 0, 1]
    assert dna[4].tolist() == [0.25] * 4
    assert dna[a.encode("y", "dna")[0]].tolist() == [0, 0.5, 0, 0.5]
    assert not protein[a.END].any()
    assert not dna[15:128].any()
    assert (dna[:15] == dna[128:143]).all()
    swapped = dna[a.complement(np.arange(15, dtype=np.uint8))]
    assert (swapped == dna[:15, ::-1]).all()  # A and T, C and G change places
