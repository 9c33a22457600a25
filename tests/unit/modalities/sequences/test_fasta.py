"""FASTA as a stream, and packed files."""

import gzip
import io
import tracemalloc

import pytest

from osler.core.errors import RequestError
from osler.modalities.sequences.read import bgzf
from osler.modalities.sequences.read import fasta as f
from tests.unit.modalities.sequences import genomes


def read(place):
    found = []
    for piece in f.pieces(place):
        if piece.kind == "name":
            found.append([piece.content.decode(), b""])
        else:
            found[-1][1] += piece.content
    return [(name, letters.decode("latin-1")) for name, letters in found]


@pytest.fixture
def text(tmp_path):
    def written(content):
        place = tmp_path / "some.fa"
        place.write_bytes(content)
        return place

    return written


@pytest.mark.parametrize("how", [{}, {"end": "\r\n"}, {"width": 10**9}, {"width": 7}])
@pytest.mark.parametrize("packing", ["plain", "gzip", "bgzf"])
def test_real_contigs_come_back(data, tmp_path, how, packing):
    found = genomes.contigs(data)
    place = genomes.write(tmp_path, found, **how)
    if packing == "gzip":
        place.write_bytes(gzip.compress(place.read_bytes()))
    elif packing == "bgzf":
        content = place.read_bytes()
        with bgzf.Packed(place) as out:
            out.write(content)
    assert bgzf.packing(place) == packing
    assert dict(read(place)) == found


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b">a\nAC\n\nGT\n>b\n>c x y\nTT", [("a", "ACGT"), ("b", ""), ("c", "TT")]),
        (b">a\nAC\n>a\nGG\n", [("a", "AC"), ("a", "GG")]),
        (b">", [("", "")]),
        (b"> a\nAC\n", [("", "AC")]),
        (b"; of old\n\n>a\nAC\n", [("a", "AC")]),
        (b">a\nAC-T\n>b\nACGT\n", [("a", "AC-T"), ("b", "ACGT")]),
        (b">a\nA\x00\xffT\n>b\nC\n", [("a", "A\x00\xffT"), ("b", "C")]),
        (b">a\nAC  \nGT\t\n", [("a", "ACGT")]),
        (b">a>b\nA\n", [("a>b", "A")]),
    ],
)
def test_odd_files(text, content, found):
    assert read(text(content)) == found


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is no record in it"),
        (b"ACGT\n", "a record begins with '>', and byte 0 holds something else"),
        (b"\n\n@read\nACGT", "byte 2 holds something else"),
        (b">" + b"x" * 70_000 + b"\nA", "has more than 65,536 bytes"),
        (b"\x1f\x8b\x08\x00garbage", "does not unpack to its end"),
        (gzip.compress(b">a\n" + b"ACGT" * 10_000, mtime=0)[:60], "does not unpack to its end"),
    ],
)
def test_what_is_no_fasta(text, content, told):
    with pytest.raises(RequestError, match=told.replace("(", r"\(")):
        read(text(content))


def test_no_file(tmp_path):
    with pytest.raises(RequestError, match=r"'none\.fa' cannot be read: No such file"):
        read(tmp_path / "none.fa")


def test_a_long_line_is_held_once(text):
    letters = 60_000_000
    place = text(b">a\n" + b"ACGT" * (letters // 4) + b"\n")
    tracemalloc.start()
    lengths = [one.length for one in f.extents(place)]
    peak = tracemalloc.get_traced_memory()[1]
    assert lengths == [letters]
    assert peak < 8 * f.PIECE
    tracemalloc.stop()
    assert {len(one.content) for one in f.pieces(place) if one.kind == "letters"} <= {f.PIECE, letters % f.PIECE}


def test_extents_are_those_of_samtools(data, tmp_path):
    place = genomes.write(tmp_path, genomes.contigs(data))
    genomes.tool("samtools", "faidx", place)
    golden = [line.split("\t") for line in place.with_name("genome.fa.fai").read_text().splitlines()]
    own = [[one.name, one.length, one.offset, one.line_letters, one.line_bytes] for one in f.extents(place)]
    assert [[str(part) for part in one] for one in own] == golden


@pytest.mark.parametrize("content", [b">a\nAC\nACG\n", b">a\nACG\nA\nACG\n", b">a\nACG\n\nACG\n", b">a\nACG\r\nACG\nACG\n"])
def test_lines_of_unequal_lengths(text, content):
    with pytest.raises(f.Ragged):
        f.extents(text(content))


@pytest.mark.parametrize("content", [b">a\nACG\nACG\nA\n\n>b\nA", b">a\n\nACG\nA", b">a\r\nACG\r\nACG\r\nA"])
def test_lines_that_an_index_can_tell(text, content):
    assert f.extents(text(content))[0].length in {4, 7}


# BGZF ----------------------------------------------------------------------------------------------------------------


def test_blocks_are_read_anywhere_and_by_others(tmp_path, data):
    content = genomes.fasta(genomes.contigs(data)) * 8
    place = tmp_path / "x.gz"
    with bgzf.Packed(place) as out:
        for at in range(0, len(content), 1000):
            out.write(content[at : at + 1000])
    assert gzip.decompress(place.read_bytes()) == content
    assert place.read_bytes().endswith(bgzf.END)
    blocks = bgzf.Blocks(place, bgzf.block_starts(place))
    assert len(blocks) == len(content) > 4 * bgzf.BLOCK
    for at, length in ((0, 10), (bgzf.BLOCK - 3, 10), (7, 3 * bgzf.BLOCK), (len(content) - 5, 50), (len(content), 4)):
        assert blocks.read(at, length) == content[at : at + length]
    blocks.close()
    assert genomes.tool("bgzip", "-dc", place) == content


def test_what_does_not_get_smaller_is_stored(tmp_path):
    import random

    content = random.Random(0).randbytes(3 * bgzf.BLOCK + 5)
    with bgzf.Packed(tmp_path / "x.gz") as out:
        out.write(content)
    assert gzip.decompress((tmp_path / "x.gz").read_bytes()) == content
    assert bgzf.block_starts(tmp_path / "x.gz")[-1, 1] == len(content)


@pytest.mark.parametrize("cut", [10, 30, 4000])
def test_a_cut_file_is_said(tmp_path, data, cut):
    place = tmp_path / "x.gz"
    with bgzf.Packed(place) as out:
        out.write(genomes.fasta(genomes.contigs(data)))
    place.write_bytes(place.read_bytes()[:-cut])
    with pytest.raises(RequestError, match="damaged or cut off"):
        bgzf.block_starts(place)


def test_an_error_leaves_no_ending(tmp_path):
    def fails():
        with bgzf.Packed(tmp_path / "x.gz") as out:
            out.write(b"ab")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert io.BytesIO((tmp_path / "x.gz").read_bytes()).read() == b""
