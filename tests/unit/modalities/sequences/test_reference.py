"""A genome read at any place, its indexes, its assembly, its contigs' names."""

import os

import numpy as np
import pytest

from osler.core.errors import Refused, RequestError
from osler.modalities.sequences.read import assemblies, bgzf
from osler.modalities.sequences.read.alphabet import decode
from osler.modalities.sequences.read.index import parsed
from osler.modalities.sequences.read.reference import PAGE, Reference
from tests.unit.modalities.sequences import genomes


@pytest.fixture(scope="module")
def contigs(data):
    return genomes.contigs(data)


def read(reference, contig, start, end, strand="+"):
    return decode(reference.fetch(contig, start, end, strand), "dna")


@pytest.mark.parametrize("how", ["plain", "crlf", "one line", "bgzip", "gzip", "ragged"])
def test_stretches_are_those_of_pysam(contigs, tmp_path, how):
    pysam = pytest.importorskip("pysam")
    other = genomes.write(tmp_path, contigs, name="peer.fa")
    place = genomes.write(tmp_path, contigs, end="\r\n" if how == "crlf" else "\n", width=10**9 if how == "one line" else 60)
    if how == "bgzip":
        genomes.tool("bgzip", place)
        place = place.with_name("genome.fa.gz")
    elif how == "gzip":
        import gzip

        place.write_bytes(gzip.compress(place.read_bytes()))
    elif how == "ragged":
        place.write_bytes(place.read_bytes().replace(b"AC", b"A\nC", 50))
    generator = np.random.default_rng(0)
    with Reference(place, cache=tmp_path / "cache") as reference, pysam.FastaFile(str(other)) as peer:
        assert reference.contigs == dict(zip(peer.references, peer.lengths, strict=True))
        for _ in range(200):
            name = str(generator.choice(list(contigs)))
            start, end = sorted(generator.integers(0, len(contigs[name]) + 1, 2).tolist())
            assert read(reference, name, start, end) == peer.fetch(name, start, end)
        assert read(reference, "chr1", PAGE - 5, PAGE + 5) == peer.fetch("chr1", PAGE - 5, PAGE + 5)
        assert reference.letters("chr2", most=1 << 20) == contigs["chr2"]
    assert any({"gzip": "plain gzip", "ragged": "lines differ"}.get(how, "has no index") in note for note in reference.notes)


def test_ends_and_strands(contigs, tmp_path):
    with Reference(genomes.write(tmp_path, contigs), cache=tmp_path / "c") as reference:
        text = contigs["chr17_alt"]
        assert read(reference, "chr17_alt", -3, 4) == "NNN" + text[:4]
        assert read(reference, "chr17_alt", len(text) - 2, len(text) + 3) == text[-2:] + "NNN"
        assert read(reference, "chr17_alt", -9, -3) == "N" * 6
        assert read(reference, "chr17_alt", 5, 5) == ""
        swap = str.maketrans("ACGTacgt", "TGCAtgca")
        assert read(reference, "chr17_alt", 90, 120, "-") == text[90:120].translate(swap)[::-1]


def test_other_names_are_matched(contigs, tmp_path):
    with Reference(genomes.write(tmp_path, contigs), cache=tmp_path / "c") as reference:
        assert [reference.contig(name) for name in ("1", "chr1", "MT", "chrMT", "M", "Chr2")] == [
            "chr1",
            "chr1",
            *["chrM"] * 3,
            "chr2",
        ]
        with pytest.raises(Refused, match="no record has this name in the FASTA file") as error:
            reference.contig("chr17_al")
        assert error.value.refusal.code == "contig"


def test_two_records_of_one_name_are_none(tmp_path):
    (tmp_path / "x.fa").write_bytes(b">a\nACGT\n>b\nGG\n>a\nTT\n")
    with Reference(tmp_path / "x.fa", cache=tmp_path / "c") as reference:
        assert read(reference, "b", 0, 2) == "GG"
        with pytest.raises(Refused, match="several records have this name"):
            reference.fetch("a", 0, 2)


def test_a_wrong_letter_is_refused_where_it_stands(tmp_path):
    (tmp_path / "x.fa").write_bytes(b">a\nACGTXACGT\n")
    with Reference(tmp_path / "x.fa", cache=tmp_path / "c") as reference:
        assert read(reference, "a", 0, 4) == "ACGT"
        with pytest.raises(Refused, match="letters there that are no bases"):
            reference.fetch("a", 2, 6)


# indexes -------------------------------------------------------------------------------------------------------------


def test_the_index_beside_the_file_is_used(contigs, tmp_path):
    place = genomes.write(tmp_path, contigs)
    genomes.tool("samtools", "faidx", place)
    with Reference(place, cache=tmp_path / "c") as reference:
        assert reference.notes == ()
    assert not list((tmp_path / "c").rglob("*.fai"))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda fai: os.utime(fai, (1, 1)), "is older than the file"),
        (lambda fai: fai.write_text("chr1\tmany\n"), "is damaged"),
        (lambda fai: fai.write_bytes(b"\xff\x00"), "is damaged"),
        (lambda fai: fai.write_text(fai.read_text().replace("\t60\t", "\t59\t")), "is not that of this file"),
        (lambda fai: fai.write_text(fai.read_text().replace("chr1\t", "chr9\t")), "is not that of this file"),
        (lambda fai: fai.write_text("chr1\t99999999999\t13\t60\t61\n"), "is not that of this file"),
    ],
)
def test_a_bad_index_is_made_anew_and_said(contigs, tmp_path, harm, told):
    place = genomes.write(tmp_path, contigs)
    fai = place.with_name("genome.fa.fai")
    genomes.tool("samtools", "faidx", place)
    harm(fai)
    before = fai.read_bytes()
    for _ in range(2):  # made, and taken from the cache
        with Reference(place, cache=tmp_path / "c") as reference:
            assert told in reference.notes[0]
            assert read(reference, "chr2", 70, 200) == contigs["chr2"][70:200]
    assert fai.read_bytes() == before
    assert len(list((tmp_path / "c").rglob("index.fai"))) == 1


@pytest.mark.parametrize(
    "line", ["a\t1\t2\t3", "a\t9\t2\t0\t0", "a\t9\t2\t61\t60", "a\t-1\t2\t60\t61", "a\t" + "9" * 30 + "\t2\t60\t61"]
)
def test_damaged_lines_of_an_index(line):
    assert parsed(b"b\t4\t3\t4\t5\n") is not None
    assert parsed(f"b\t4\t3\t4\t5\n{line}\n".encode()) is None


def test_a_damaged_block_is_said(contigs, tmp_path):
    place = tmp_path / "genome.fa.gz"
    with bgzf.Packed(place) as out:
        out.write(genomes.fasta(contigs))
    with Reference(place, cache=tmp_path / "c"):
        pass
    content, about = bytearray(place.read_bytes()), place.stat()
    content[5000:5040] = bytes(40)
    place.write_bytes(content)
    os.utime(place, ns=(about.st_atime_ns, about.st_mtime_ns))  # the index in the cache is believed
    with Reference(place, cache=tmp_path / "c") as reference, pytest.raises(RequestError, match="a block does not unpack"):
        reference.fetch("chr1", 0, 100)


# assemblies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "found"),
    [
        ({"chr1": 248956422, "chrX": 156040895, "chrUn": 5}, "hg38"),
        ({"1": 249250621, "MT": 16569}, "hg19"),
        ({"chr1": 195154279}, "mm39"),
        ({"chr1": 195471971}, "mm10"),
        ({"chr1": 248387328}, "chm13v2"),
        ({"chr1": 249250621, "chr2": 242193529}, None),
        ({"chrM": 16569}, None),
        ({}, None),
    ],
)
def test_assemblies_by_length(lengths, found):
    assert assemblies.assembly_by_length(lengths) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("/data/GRCh38.p14.genome.fa.gz", "hg38"),
        ("Homo_sapiens.GRCh37.dna.fa", "hg19"),
        ("hg19.fa", "hg19"),
        ("GRCm39.fa", "mm39"),
        ("hg19ToHg38.fa", None),
        ("hg19_hg38.fa", None),
        ("genome.fa", None),
    ],
)
def test_assemblies_by_name(name, found):
    assert assemblies.assembly_by_name(name) == found


def test_a_word_against_the_lengths(tmp_path, monkeypatch):
    monkeypatch.setitem(assemblies.LENGTHS, "hg19", {"1": 4})
    monkeypatch.setitem(assemblies.LENGTHS, "hg38", {"1": 6})
    (tmp_path / "hg38.fa").write_bytes(b">chr1\nACGT\n")
    with Reference(tmp_path / "hg38.fa", cache=tmp_path / "c") as reference:
        assert reference.assembly == "hg19"
        assert "named after hg38, and its contigs have the lengths of hg19" in reference.notes[-1]
    with pytest.raises(RequestError, match="said to be GRCh38, and its contigs have the lengths of hg19"):
        Reference(tmp_path / "hg38.fa", cache=tmp_path / "c", assembly="GRCh38")
    with Reference(tmp_path / "hg38.fa", cache=tmp_path / "c", assembly="GRCh37") as reference:
        assert reference.assembly == "GRCh37"
