"""Places in cells, what the reference has there, and records by name."""

from osler.core.errors import Refusal
from osler.modalities.sequences.read import intervals as i
from osler.modalities.sequences.read.alphabet import decode
from osler.modalities.sequences.read.reference import Reference
from tests.unit.modalities.sequences import genomes


def test_stretches_are_those_of_samtools(data, tmp_path):
    contigs = genomes.contigs(data)
    fasta = genomes.write(tmp_path, contigs)
    places = [("chr1", "0", "10", "+"), ("chr1", "95", "130", "-"), ("2", "100", "140", "."), ("chr9", "0", "4", "+"),
              ("chr17_alt", "300", "310", ""), ("chr17_alt", "303", "310", "+")]  # fmt: skip
    with Reference(fasta, cache=tmp_path / "c") as reference:
        found = i.from_intervals([i.interval(*one[:3], strand=one[3]) for one in places], reference)
    told = [one.code if isinstance(one, Refusal) else decode(one, "dna") for one in found]
    golden = genomes.tool("samtools", "faidx", "--mark-strand", "no", "-i", fasta, "chr1:96-130").decode().splitlines()[1:]
    assert told[0] == contigs["chr1"][:10]
    assert told[1] == "".join(golden)
    assert told[2] == contigs["chr2"][100:140]
    assert told[3:] == ["contig", contigs["chr17_alt"][300:] + "N" * 7, "outside"]


def test_cells():
    assert (
        i.interval("chr1", "5.0", "9", strand="−") == i.interval("chr1", "5", "9", strand="-1") == i.Interval("chr1", 5, 9, "-")
    )
    assert i.interval(" ", "5", "9").code == "interval"
    assert i.interval("chr1", "10", "10").code == i.interval("chr1", "-5", "10").code == "interval"
    assert i.interval("chr1", "1", "2", strand="up").code == "strand"
    assert "16,777,216" in i.interval("chr1", "0", str(1 << 25)).sentence
    assert i.interval("chr1", "1e3", "2000").code == "interval"


def test_records_by_name(tmp_path):
    (tmp_path / "p.fa").write_bytes(b">one x\nMKV\nLA\n>two\nMK1\xff\n>three\n>four\nMM\n>four\nKK\n")
    with Reference(tmp_path / "p.fa", cache=tmp_path / "c") as source:
        found = i.from_fasta(["one", "two", "three", "four", "five"], source, most=5)
        assert i.from_fasta(["one"], source, most=4)[0].code == "too-long"
    assert found[:2] == ["MKVLA", "MK1\xff"]
    assert [one.code for one in found[2:]] == ["empty-sequence", "contig", "contig"]
