"""BED and FASTA as tables."""

import gzip
import tracemalloc

import pytest

from osler.core.errors import TableError
from osler.spine.scan import blocks, cases_column, open_table
from osler.spine.scan import genomic as g

BED = b"""browser position chr1:1-100
track name="peaks" description="x"
# comment
chr1\t0\t10\t.\t0\t+\t5.5

chr1\t95\t130\tpeak\t7.5\t-\t6.5\tmore\r
2 100 140
chr1\t5
"""


def whole(path):
    return [row for block in blocks(path) for row in block.rows.to_pylist()]


def test_places(tmp_path):
    path = tmp_path / "x.bed"
    path.write_bytes(BED)
    none = dict.fromkeys((*g.PLACES, "column_7"))
    golden = [
        {**none, "chrom": "chr1", "start": "0", "end": "10", "name": ".", "score": "0", "strand": "+", "column_7": "5.5"},
        {**none, "chrom": "chr1", "start": "95", "end": "130", "name": "peak", "score": "7.5", "strand": "-", "column_7": "6.5"},
        {**none, "chrom": "2", "start": "100", "end": "140"},
        {**none, "chrom": "chr1", "start": "5"},
    ]
    assert whole(path) == golden
    (tmp_path / "y.bed.gz").write_bytes(gzip.compress(BED))
    assert whole(tmp_path / "y.bed.gz") == golden
    assert open_table(path, cache=tmp_path / "cache").rows.to_pylist() == golden
    assert cases_column(path) is None


@pytest.mark.parametrize("how", [lambda c: c, lambda c: c.replace(b"\n", b"\r\n"), gzip.compress])
def test_records(tmp_path, how):
    path = tmp_path / ("x.fa.gz" if how is gzip.compress else "x.fasta")
    path.write_bytes(how(b";old\n>a the first one\nACGT\nacgt\n\n>b\n>\nTT\n>a\nGG"))
    assert whole(path) == [
        {"sequence": "ACGTacgt", "name": "a", "description": "the first one"},
        {"sequence": None, "name": "b", "description": None},
        {"sequence": "TT", "name": None, "description": None},
        {"sequence": "GG", "name": "a", "description": None},
    ]
    assert cases_column(path) == "sequence"


def test_a_chromosome_is_refused_and_not_held(tmp_path):
    path = tmp_path / "x.fa"
    path.write_bytes(b">a\n" + b"ACGT" * 10_000_000 + b"\n>b\nAC\xff\n>c\nAC\n")
    tracemalloc.start()
    [block] = blocks(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert block.rows.column("sequence").to_pylist() == [None, None, "AC"]
    assert {row: refusal.code for row, refusal in block.refusals.items()} == {0: "too-long", 1: "encoding"}
    assert peak < 30 << 20


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"ACGT\n>a\n", "a record begins with '>'"),
        (b">" + b"x" * 70_000, "a header has more than 65,536 bytes"),
        (b"\n\n", "no rows"),
    ],
)
def test_what_is_no_fasta(tmp_path, content, told):
    (tmp_path / "x.fa").write_bytes(content)
    with pytest.raises(TableError, match=told):
        whole(tmp_path / "x.fa")


def test_pieces_are_cut_where_they_would_grow(tmp_path, monkeypatch):
    monkeypatch.setattr(g, "HELD", 10)
    path = tmp_path / "x.fa"
    path.write_bytes(b"".join(b">r%d\nACGTACGT\n" % number for number in range(9)))
    assert [row["name"] for row in whole(path)] == [f"r{number}" for number in range(9)]
