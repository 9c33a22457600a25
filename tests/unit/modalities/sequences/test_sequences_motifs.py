"""Motifs: what was planted is found at its true width, noise has none, files are read or refused, likeness has chance beside it."""

import csv
import gzip

import numpy as np
import pytest

from osler.core.errors import OutputError, RequestError
from osler.datasets import simulated
from osler.modalities.sequences.motifs.files import read_motifs, write_meme
from osler.modalities.sequences.motifs.find import enriched, recurring
from osler.modalities.sequences.motifs.match import Known, likeness, match

# JASPAR MA0139.1, as the data set of the simulated study has it
TRUE = np.array([simulated.CTCF[letter] for letter in "ACGT"], float)
TRUE = TRUE / TRUE.sum(0)
# JASPAR MA0004.1 (Arnt), counts of 20 sites
ARNT = np.array([[4, 19, 0, 0, 0, 0], [16, 0, 20, 0, 0, 0], [0, 1, 0, 20, 0, 20], [0, 0, 0, 0, 20, 0]], float)
ARNT_TEXT = """>MA0004.1\tArnt
A  [     4     19      0      0      0      0 ]
C  [    16      0     20      0      0      0 ]
G  [     0      1      0     20      0     20 ]
T  [     0      0      0      0     20      0 ]
"""


@pytest.fixture(scope="module")
def planted():
    """The simulated study's first thousand sequences as letters, which of them have the site, and attributions with noise."""
    rows = list(simulated.motif({}).rows)[:1000]
    codes = np.array([["ACGT".index(letter) for letter in text] for _, text, _ in rows])
    letters = np.eye(4, dtype=np.float32)[codes].transpose(0, 2, 1)
    has = np.array([word == "yes" for *_, word in rows])
    odds = np.log(TRUE / 0.25 + 1e-3)
    seen = np.lib.stride_tricks.sliding_window_view(letters, TRUE.shape[1], axis=2)
    generator = np.random.default_rng(5)
    adds = generator.normal(0, 0.1, codes.shape)
    for at in np.flatnonzero(has):
        both = [(seen[at] * m[:, None]).sum((0, 2)) for m in (odds, odds[::-1, ::-1])]
        strand = int(both[1].max() > both[0].max())
        start = int(both[strand].argmax())
        turned = odds[::-1, ::-1] if strand else odds
        adds[at, start : start + 19] += 0.3 * (letters[at][:, start : start + 19] * turned).sum(0)
    return letters, has, adds


def test_the_planted_motif_is_found_at_its_true_width(planted):
    letters, has, adds = planted
    found = recurring(adds, letters, strands=True)
    assert len(found) == 1
    motif = found[0]
    alike = likeness(TRUE, motif.counts)
    assert motif.counts.shape == (4, 19)
    assert alike.pearson >= 0.99
    assert alike.offset == 0
    assert motif.cases >= 0.9 * has.sum()
    assert motif.contribution > 1
    assert has[motif.sites[:, 0]].mean() > 0.98
    assert set(motif.sites[:, 2]) == {0, 1}


def test_sites_lie_where_the_letters_are(planted):
    letters, _, adds = planted
    motif = recurring(adds, letters, strands=True)[0]
    counts = np.zeros((4, 19))
    for case, start, strand in motif.sites.tolist():
        site = letters[case][:, start : start + 19]
        if site.shape[1] == 19:
            counts += site[::-1, ::-1] if strand else site
    assert likeness(motif.counts, counts).pearson > 0.999


def test_without_attributions_what_one_class_has_is_found(planted):
    letters, has, _ = planted
    found = enriched(letters[:400], has[:400], strands=True)
    assert [m.counts.shape[1] for m in found] == [19]
    assert likeness(TRUE, found[0].counts).pearson >= 0.98
    assert found[0].contribution is None


def test_noise_has_no_motif(planted):
    letters, _, adds = planted
    generator = np.random.default_rng(0)
    assert recurring(generator.normal(size=adds.shape), letters, strands=True) == ()
    assert enriched(letters[:300], generator.random(300) < 0.5, strands=True) == ()
    assert recurring(-adds, letters, strands=True) == ()


def test_one_strand_alone_finds_sites_on_it_alone(planted):
    letters, _, adds = planted
    sites = recurring(adds, letters, strands=True)[0].sites
    one_way = sites[sites[:, 2] == sites[0, 2], 0]
    found = recurring(adds[one_way], letters[one_way], strands=False)
    assert set(found[0].sites[:, 2]) == {0}
    assert found[0].counts.shape[1] == 19
    assert likeness(TRUE, found[0].counts).pearson >= 0.98


def test_the_same_seed_finds_the_same(planted):
    letters, _, adds = planted
    one, two = (recurring(adds[:300], letters[:300], strands=True, seed=4) for _ in range(2))
    assert len(one) == len(two) > 0
    np.testing.assert_array_equal(one[0].counts, two[0].counts)


def test_short_sequences_padding_and_nothing_are_no_fault(planted):
    letters, _, adds = planted
    padded, gone = adds.copy(), letters.copy()
    padded[:, 90:], gone[:, :, 90:] = np.nan, 0
    assert recurring(padded, gone, strands=True)[0].counts.shape[1] == 19
    assert recurring(adds[:0], letters[:0], strands=True) == ()
    assert recurring(adds[:, :5], letters[:, :, :5], strands=True) == ()
    assert recurring(np.full_like(adds, np.nan), letters, strands=True) == ()


def test_proteins_have_motifs_of_their_own():
    generator = np.random.default_rng(2)
    codes = generator.integers(0, 20, (300, 60))
    adds = generator.normal(0, 0.1, codes.shape)
    motif = np.array([5, 0, 17, 8, 13, 2])
    for at in range(0, 300, 2):
        start = generator.integers(0, 54)
        codes[at, start : start + 6], adds[at, start : start + 6] = motif, 1.0
    found = recurring(adds, np.eye(20, dtype=np.float32)[codes].transpose(0, 2, 1), strands=False)
    assert found[0].counts.argmax(0).tolist() == motif.tolist()


# likeness ---------------------------------------------------------------------------------------------------------------


def test_likeness_is_pearsons_correlation_over_the_union():
    generator = np.random.default_rng(1)
    first, second = generator.dirichlet(np.ones(4), 9).T, generator.dirichlet(np.ones(4), 6).T
    found = likeness(first, second)
    turned = second[::-1, ::-1] if found.opposite else second
    left, right = max(0, -found.offset), max(0, found.offset + 6 - 9)
    a = np.pad(first, ((0, 0), (left, right)), constant_values=0.25)
    b = np.full(a.shape, 0.25)
    b[:, found.offset + left : found.offset + left + 6] = turned
    assert found.pearson == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-9)


def test_a_motif_is_itself_on_either_strand():
    assert likeness(TRUE, TRUE).pearson == pytest.approx(1)
    turned = likeness(TRUE, TRUE[::-1, ::-1])
    assert (turned.pearson, turned.offset, turned.opposite) == (pytest.approx(1), 0, True)
    assert likeness(TRUE, TRUE[::-1, ::-1], strands=False).pearson < 0.8


def test_the_known_motif_is_named_and_others_are_not():
    generator = np.random.default_rng(3)
    others = [Known(f"random{n}", "", generator.dirichlet(np.full(4, 0.3), 12).T) for n in range(60)]
    known = [*others, Known("MA0139.1", "CTCF", TRUE), Known("MA0004.1", "Arnt", ARNT / ARNT.sum(0))]
    noisy = generator.dirichlet(np.ones(4), 19).T * 0.2 + TRUE * 0.8
    found = match(noisy, known)
    assert [m.known.name for m in found] == ["CTCF"]
    assert found[0].p < 1e-3
    assert found[0].p <= found[0].q < 0.05
    assert match(noisy, known) == found
    assert match(noisy, []) == ()


def test_chance_gives_even_p_values():
    generator = np.random.default_rng(4)
    known = [Known(str(n), "", generator.dirichlet(np.full(4, 0.3), 10).T) for n in range(40)]
    p = [m.p for turn in range(15) for m in match(generator.dirichlet(np.full(4, 0.3), 10).T, known, most=1.0, seed=turn)]
    assert 0.4 < np.mean(p) < 0.6
    assert np.mean(np.array(p) < 0.05) < 0.09


# files ------------------------------------------------------------------------------------------------------------------


def test_jaspar_text_is_read(tmp_path):
    path = tmp_path / "two.jaspar"
    bare = ">MA0139.1 CTCF\n" + "\n".join(" ".join(map(str, simulated.CTCF[letter])) for letter in "ACGT")
    path.write_text(ARNT_TEXT.replace("\n", "\r\n") + bare)
    arnt, ctcf = read_motifs(path)
    assert (arnt.identifier, arnt.name, ctcf.name) == ("MA0004.1", "Arnt", "CTCF")
    np.testing.assert_allclose(arnt.frequencies, ARNT / 20)
    np.testing.assert_allclose(ctcf.frequencies, TRUE)


def test_what_is_written_as_meme_is_read_again(tmp_path):
    path = tmp_path / "found.meme"
    write_meme({"motif-1": (TRUE, 913), "motif-2": (ARNT / 20, 20)}, path)
    found = read_motifs(path)
    assert [k.identifier for k in found] == ["motif-1", "motif-2"]
    np.testing.assert_allclose(found[0].frequencies, TRUE, atol=2e-6)
    protein = np.random.default_rng(0).dirichlet(np.ones(20), 5).T
    write_meme({"p": (protein, 9)}, path, alphabet="protein", strands=False)
    np.testing.assert_allclose(read_motifs(path, alphabet="protein")[0].frequencies, protein, atol=2e-6)
    with pytest.raises(OutputError, match=r"cannot write 'x\.meme'"):
        write_meme({}, tmp_path / "none" / "x.meme")


def test_a_meme_file_with_all_its_lines_is_read(tmp_path):
    path = tmp_path / "db.meme"
    path.write_text(
        "MEME version 5.5.4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies (from uniform):\n"
        "A 0.25 C 0.25 G 0.25 T 0.25\n\nMOTIF MA0004.1 Arnt\n\nletter-probability matrix: alength= 4 w= 6 nsites= 20 E= 1.2e-3\n"
        + "".join("\t".join(f"{v:.4f}" for v in column) + "\n" for column in (ARNT / 20).T)
        + "\nURL http://example.org/MA0004.1\n"
    )
    (found,) = read_motifs(path)
    assert (found.identifier, found.name) == ("MA0004.1", "Arnt")
    np.testing.assert_allclose(found.frequencies, ARNT / 20)


HEAD = "MEME version 4\nALPHABET= ACGT\nMOTIF a\n"
MATRIX = "letter-probability matrix: alength= 4 w= 2\n"
ROW = "0.25 0.25 0.25 0.25\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "starts neither with"),
        ("<html>not found</html>", "starts neither with"),
        ("MEME version 4\n", "has no motif"),
        (HEAD.replace("ACGT", "ACDE") + MATRIX + ROW * 2, "line 2: the motifs have other letters than ACGT"),
        ('MEME version 4\nALPHABET "DNA"\n', "an alphabet of its own is not read"),
        (HEAD + MATRIX + ROW, "has 1 rows, not 2"),
        (HEAD + MATRIX.replace("w= 2", "w= 900000000") + ROW, "has 900000000 places; 1 to 500"),
        (HEAD + MATRIX.replace("w= 2", "w= two") + ROW, "whole numbers"),
        (HEAD + MATRIX.replace("alength= 4", "alength= 20") + ROW * 2, "has 20 letters, the sequences have 4"),
        (HEAD + MATRIX + ROW + "0.25 0.25 0.5\n", "3 numbers stand here, 4 in the first row"),
        (HEAD + MATRIX + ROW + "nan 0.25 0.5 0.25\n", "no count or probability"),
        (HEAD + MATRIX + ROW + "-0.25 0.5 0.5 0.25\n", "below zero"),
        (HEAD + MATRIX + ROW + "0.9 0.9 0.9 0.9\n", "do not add up to one"),
        (HEAD + MATRIX + ROW + "0.2x 0.9 0.9 0.9\n", "no number"),
        ("MEME version 4\n" + MATRIX + ROW * 2, "before the line MOTIF"),
        ("MEME version 4\nMOTIF\n" + MATRIX + ROW * 2, "has no name"),
        (ARNT_TEXT.replace("T  [", "A  ["), "more rows than its four letters"),
        (ARNT_TEXT.replace(" 20 ]\nT", " ]\nT"), "no four rows of equal length"),
        (ARNT_TEXT.replace("19", "inf"), "no count or probability"),
        (ARNT_TEXT.replace("19", "0").replace("1 ", "0 "), "no letter at all"),
        (ARNT_TEXT.replace("19", "many"), "no number"),
        (">\n1 2\n1 2\n1 2\n1 2", "has no name"),
        (">MA0004.1 Arnt", "no four rows"),
    ],
)
def test_a_wrong_file_is_told_by_its_line(tmp_path, text, message):
    path = tmp_path / "wrong.txt"
    path.write_text(text)
    with pytest.raises(RequestError, match=f"wrong.txt.*{message}"):
        read_motifs(path)


def test_no_text_too_large_missing_and_proteins_are_said(tmp_path, monkeypatch):
    path = tmp_path / "x.bin"
    path.write_bytes(b"MEME\0\xff")
    with pytest.raises(RequestError, match="is no text"):
        read_motifs(path)
    with pytest.raises(RequestError, match=r"cannot read the motifs in 'none\.txt'"):
        read_motifs(tmp_path / "none.txt")
    path.write_text(ARNT_TEXT)
    with pytest.raises(RequestError, match="the sequences are proteins"):
        read_motifs(path, alphabet="protein")
    monkeypatch.setattr("osler.modalities.sequences.motifs.files.MOST_BYTES", 10)
    with pytest.raises(RequestError, match="more than motifs take"):
        read_motifs(path)


def test_hostile_files_are_read_or_refused_and_nothing_else(tmp_path):
    generator = np.random.default_rng(7)
    path = tmp_path / "mutant.txt"
    texts = [ARNT_TEXT.encode(), (HEAD + MATRIX + ROW * 2).encode()]
    refused = 0
    for turn in range(600):
        raw = bytearray(texts[turn % 2])
        for _ in range(int(generator.integers(1, 6))):
            at = int(generator.integers(0, len(raw)))
            match int(generator.integers(0, 3)):
                case 0:
                    raw[at] = int(generator.integers(0, 256))
                case 1:
                    del raw[at : at + int(generator.integers(1, 20))]
                case _:
                    raw[at:at] = raw[at : at + int(generator.integers(1, 30))]
            raw = raw or bytearray(b"x")
        path.write_bytes(bytes(raw))
        try:
            for one in read_motifs(path):
                assert np.isfinite(one.frequencies).all()
                assert np.allclose(one.frequencies.sum(0), 1)
        except RequestError:
            refused += 1
    assert 120 < refused < 600


def test_windows_bound_by_an_e_box_factor_have_it(data):
    """GUE's tf_4, its development part: CACGTG, which basic helix-loop-helix factors bind, in spite of repeats and GC in both classes."""
    with gzip.open(data / "genomes/gue/tf_4/dev.csv.gz", "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    codes = np.array([["ACGTN".index(letter) for letter in row["sequence"]] for row in rows])
    letters = np.eye(5, dtype=np.float32)[codes][..., :4].transpose(0, 2, 1)
    bound = np.array([row["label"] == "1" for row in rows])
    found = enriched(letters, bound, strands=True)
    consensus = "".join("ACGT"[at] for at in found[0].counts.argmax(0))
    assert "CACGTG" in consensus
    assert bound[found[0].sites[:, 0]].all()
    without = ["CACGTG" not in row["sequence"] for row in rows]
    assert bound.mean() > bound[without].mean() + 0.03, "the data say so too"
