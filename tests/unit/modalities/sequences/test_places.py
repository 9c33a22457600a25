"""Sequences that a table names: records of a FASTA file, and places on a genome."""

import pickle

import numpy as np
import pyarrow as pa
import pytest

from osler.core.errors import Refusal, StudyError
from osler.core.table import Table
from osler.modalities.sequences import Sequences
from osler.modalities.sequences.read.cells import cells
from osler.spine.scan import blocks
from tests.unit.modalities.sequences import genomes

ROLES = frozenset({"input", "identity"})
PEAKS = {
    "chrom": ["chr1", "1", "chr2", "chr9", None, "chr1", "chr1"],
    "start": ["0", "100", "5", "0", "5", "900", "90"],
    "end": ["101", "201", "106", "101", "106", "800", "191"],
    "strand": ["+", "-", ".", "+", "+", "+", None],
}


@pytest.fixture
def folder(data, tmp_path):
    genomes.write(tmp_path, genomes.contigs(data))
    return tmp_path


def located(folder, columns, table=PEAKS, **options):
    rows = Table(pa.table(table), folder)
    return Sequences().locate(rows, columns=columns, options={"source": "genome.fa", **options}, cache=folder / "cache")


def told(locators):
    return [one.code if isinstance(one, Refusal) else one for one in cells(locators)]


def test_places_are_letters(folder, data):
    contigs, swap = genomes.contigs(data), str.maketrans("ACGTacgt", "TGCAtgca")
    found = told(located(folder, ["chrom", "start", "end", "strand"]))
    assert found == [
        contigs["chr1"][:101], contigs["chr1"][100:201].translate(swap)[::-1], contigs["chr2"][5:106], "contig", None, "interval",
        contigs["chr1"][90:191],
    ]  # fmt: skip
    assert told(located(folder, ["chrom", "start", "end"]))[1] == contigs["chr1"][100:201]


def test_records_are_letters(folder, data):
    contigs = genomes.contigs(data)
    locators = located(folder, ["name"], table={"name": ["chr17_alt", "chrM", "none", ""]})
    assert told(locators) == [contigs["chr17_alt"], contigs["chrM"], "contig", None]
    assert next(cells(locators[2:])).column == "name"


def test_columns_are_those_of_the_letters_themselves(folder):
    modality = Sequences()
    locators = located(folder, ["chrom", "start", "end", "strand"])
    reading = {d.name: d.value for d in modality.reading(locators, settings={})}
    assert reading["alphabet"] == "dna"
    found = modality.shard(pickle.loads(pickle.dumps(locators)), reading=reading, roles=ROLES)
    letters = [one if isinstance(one, str) else None for one in told(locators)]
    plain = Table(pa.table({"letters": letters}), folder)
    golden = modality.shard(modality.locate(plain, columns=["letters"]), reading=reading, roles=ROLES)
    assert found.present.tolist() == golden.present.tolist() == [True, True, True, False, False, False, True]
    assert found.fingerprints.tolist() == golden.fingerprints.tolist()
    assert np.array_equal(found["letters"].values, golden["letters"].values)
    assert {row: refusal.code for row, refusal in found.refusals.items()} == {3: "contig", 5: "interval"}


def test_a_bed_file_is_a_table_of_places(folder, data):
    text = genomes.contigs(data)["chr1"]
    (folder / "peaks.bed").write_text("track name=x\nchr1\t5\t40\tbound\t3.5\t-\nchr1\t50\t90\n")
    [table] = blocks(folder / "peaks.bed")
    locators = Sequences().locate(
        table, columns=["chrom", "start", "end", "strand"], options={"source": "genome.fa"}, cache=folder / "c"
    )
    assert told(locators) == [text[5:40].translate(str.maketrans("ACGTacgt", "TGCAtgca"))[::-1], text[50:90]]


def test_the_assembly_is_told(folder):
    modality, places = Sequences(), located(folder, ["chrom", "start", "end"])
    found = {d.name: d for d in modality.reading(places, settings={})}
    assert found["assembly"].value == ""
    assert "known by neither lengths nor name" in found["assembly"].reason
    assert "'genome.fa' has no index (.fai); one in the cache is used" in found["assembly"].reason
    said = located(folder, ["chrom", "start", "end"], assembly="GRCz11")
    assert {d.name: d.value for d in modality.reading(said, settings={})}["assembly"] == "GRCz11"
    plain = modality.locate(Table(pa.table({"s": ["ACGTACGTACGTA"]}), folder), columns=["s"])
    assert "assembly" not in {d.name for d in modality.reading(plain, settings={})}


def test_another_file_is_another_content(folder):
    locators = located(folder, ["chrom", "start", "end"])
    before = Sequences().digest(locators, file_digest=str)
    place = folder / "genome.fa"
    place.write_bytes(place.read_bytes() + b">more\nACGT\n")
    assert Sequences().digest(locators, file_digest=str) != before


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        (["chrom", "start"], {}, "has one column, the record's name, or three or four: contig, start, end, strand; 2 came"),
        (["chrom"], {"source": "genom.fa"}, "no file 'genom.fa' where the study says; did you mean 'genome.fa'"),
        (["chrom"], {"source": 5}, "the path of a FASTA file is wanted"),
        (["chrom"], {"source": "table.csv"}, "'table.csv' is no FASTA"),
        (["chrom", "begin"], {}, "the table has no column 'begin'"),
    ],
)
def test_what_cannot_be_located(folder, columns, options, told):
    (folder / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StudyError, match=told):
        located(folder, columns, **options)


def test_several_columns_without_a_source(folder):
    with pytest.raises(StudyError, match="or name the FASTA file in which they are places as 'source'"):
        Sequences().locate(Table(pa.table(PEAKS), folder), columns=["chrom", "start", "end"])
    with pytest.raises(StudyError, match="name the file as 'source'"):
        Sequences().locate(Table(pa.table(PEAKS), folder), columns=["chrom"], options={"assembly": "hg38"})


def test_no_absolute_path_is_public():
    public = Sequences().public
    assert public({"source": "/data/genomes/hg38.fa", "assembly": "hg38"}) == {"source": "hg38.fa", "assembly": "hg38"}
    assert public({"source": "C:\\genomes\\hg38.fa"}) == {"source": "hg38.fa"}
    assert public({"source": "ref/hg38.fa"}) == {"source": "ref/hg38.fa"}
