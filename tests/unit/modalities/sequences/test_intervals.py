"""BED, intervals in cells, and what the reference has there."""

import gzip

import pytest

from osler.core.errors import Refusal, RequestError
from osler.modalities.sequences.read import intervals as i
from osler.modalities.sequences.read.alphabet import decode
from osler.modalities.sequences.read.reference import Reference
from tests.unit.modalities.sequences import genomes

BED = b"""browser position chr1:1-100
track name="peaks" description="x"
# comment
chr1\t0\t10

chr1\t95\t130\tpeak\t7.5\t-\tmore\tcolumns\r
2 100 140 two 0 +
chr1\t10\t10
chr1\t-5\t10
chr9\t0\t4
chr17_alt\t300\t310\tends\t0\t.
chr17_alt\t303\t310
chr1\t5
chr1\t1\t2\tx\t0\tup
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "x.bed").write_bytes(BED)
    return tmp_path / "x.bed"


def test_lines_of_bed(place):
    found = list(i.bed(place))
    assert found[:3] == [
        i.Interval("chr1", 0, 10),
        i.Interval("chr1", 95, 130, "-", "peak", "7.5"),
        i.Interval("2", 100, 140, "+", "two", "0"),
    ]
    assert [one.code if isinstance(one, Refusal) else "" for one in found[3:]] == [
        "interval", "interval", "", "", "", "interval", "strand",
    ]  # fmt: skip
    place.with_name("y.bed.gz").write_bytes(gzip.compress(BED))
    assert list(i.bed(place.with_name("y.bed.gz"))) == found


def test_stretches_are_those_of_samtools(place, data, tmp_path):
    contigs = genomes.contigs(data)
    fasta = genomes.write(tmp_path, contigs)
    with Reference(fasta, cache=tmp_path / "c") as reference:
        found = i.from_intervals(list(i.bed(place)), reference)
    told = [one.code if isinstance(one, Refusal) else decode(one, "dna") for one in found]
    golden = genomes.tool("samtools", "faidx", "--mark-strand", "no", "-i", fasta, "chr1:96-130").decode().splitlines()[1:]
    assert told[0] == contigs["chr1"][:10]
    assert told[1] == "".join(golden)
    assert told[2] == contigs["chr2"][100:140]
    assert told[3:] == ["interval", "interval", "contig", contigs["chr17_alt"][300:] + "N" * 7, "outside", "interval", "strand"]


def test_cells(tmp_path):
    assert (
        i.interval("chr1", "5.0", "9", strand="−") == i.interval("chr1", "5", "9", strand="-1") == i.Interval("chr1", 5, 9, "-")
    )
    assert i.interval(" ", "5", "9").code == "interval"
    assert "16,777,216" in i.interval("chr1", "0", str(1 << 25)).sentence
    assert i.interval("chr1", "1e3", "2000").code == "interval"


def test_a_line_without_end_is_no_bed(tmp_path):
    (tmp_path / "x.bed").write_bytes(b"chr1" * (1 << 19))
    with pytest.raises(RequestError, match="it is no BED"):
        list(i.bed(tmp_path / "x.bed"))


def test_records_by_name(tmp_path):
    (tmp_path / "p.fa").write_bytes(b">one x\nMKV\nLA\n>two\nMK1\xff\n>three\n>four\nMM\n>four\nKK\n")
    with Reference(tmp_path / "p.fa", cache=tmp_path / "c") as source:
        found = i.from_fasta(["one", "two", "three", "four", "five"], source, most=5)
        assert i.from_fasta(["one"], source, most=4)[0].code == "too-long"
    assert found[:2] == ["MKVLA", "MK1\xff"]
    assert [one.code for one in found[2:]] == ["empty-sequence", "contig", "contig"]
