"""Values of letters out of bedGraph files: of places on real letters, on either strand."""

import gzip

import numpy as np
import pyarrow as pa
import pytest

from osler.core.errors import Refusal
from osler.core.table import Table
from osler.modalities.sequences import Sequences
from osler.modalities.sequences.case import TRACK
from osler.modalities.sequences.read.bedgraph import Signal, names_file, opened
from osler.modalities.sequences.read.intervals import Interval
from tests.unit.modalities.sequences import genomes

HEAD = "track type=bedGraph name=x\nbrowser position chr1:1-100\n# a remark\n\n"
ROLES = frozenset({"input", "target", "truth", "baseline"})


def values_in(signal, *place):
    found = signal.values(Interval(*place))
    return None if found is None else found.tolist()


def signal_of(tmp_path, text, name="a.bedGraph"):
    packed = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    (tmp_path / name).write_bytes(packed)
    return opened(tmp_path, name, column="t")


@pytest.mark.parametrize("name", ["a.bedGraph", "a.bedgraph.gz", "A.BDG"])
def test_values_lie_where_the_lines_say_in_any_order(tmp_path, name):
    signal = signal_of(tmp_path, HEAD + "chr1\t10\t12\t2.5\nchr2 0 3 1\nchr1 4 6 -1\nchr1\t12\t13\tnan\n", name)
    assert isinstance(signal, Signal)
    assert values_in(signal, "chr1", 3, 12) == [0, -1, -1, 0, 0, 0, 0, 2.5, 2.5]
    assert values_in(signal, "chr1", 5, 11, "-") == [2.5, 0, 0, 0, 0, -1]
    assert values_in(signal, "2", 1, 5) == [1, 1, 0, 0]  # chr2 by its other name
    assert np.isnan(values_in(signal, "chr1", 12, 13)).all()
    assert values_in(signal, "chr1", 100, 102) == [0, 0]
    assert values_in(signal, "chr3", 0, 3) is None
    assert names_file(name)


def test_against_a_genome_written_out_letter_by_letter(tmp_path):
    generator = np.random.default_rng(0)
    whole, lines, at = np.zeros(500, np.float32), [], 0
    while at < 480:
        at, wide = at + int(generator.integers(0, 8)), int(generator.integers(1, 9))
        whole[at : at + wide] = value = float(np.float32(generator.normal()))
        lines.append(f"c\t{at}\t{min(at + wide, 500)}\t{value!r}")
        at += wide
    signal = signal_of(tmp_path, "\n".join(generator.permutation(lines)))
    for _ in range(200):
        start, end = sorted(generator.choice(500, 2, replace=False).tolist())
        np.testing.assert_array_equal(signal.values(Interval("c", start, end)), whole[start:end])
        np.testing.assert_array_equal(signal.values(Interval("c", start, end, "-")), whole[start:end][::-1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("chr1 0 3\n", "line 1 of the bedGraph file"),
        ("chr1 0 3 1\nchr1 5 4 1\n", "line 2 of"),
        ("chr1 0 3 x\n", "line 1 of"),
        ("chr1 -1 3 1\n", "line 1 of"),
        ("chr1 0 3 1 more\n", "line 1 of"),
        ("chr1 0 3 inf\n", "line 1 of"),
        ("chr1 0 3 1\nchr1 2 4 1\n", "two lines of the bedGraph file tell of one place"),
        ("chr1 0 3 " + "1" * 99_000, "line 1 of"),  # a line without an end is not read at once
    ],
)
def test_a_file_that_is_none_is_a_refusal_with_the_line(tmp_path, text, told):
    found = signal_of(tmp_path, text)
    assert isinstance(found, Refusal)
    assert told in found.sentence


def test_files_that_are_missing_outside_or_torn_are_refusals(tmp_path):
    (tmp_path / "b.bedGraph.gz").write_bytes(gzip.compress(b"chr1 0 3 1\n" * 999)[:40])
    (tmp_path / "c.bedGraph.gz").write_text("chr1 0 3 1\n")
    codes = {
        name: opened(tmp_path, name, column="t")
        for name in ("b.bedGraph.gz", "c.bedGraph.gz", "d.bdg", "../e.bdg", "http://x.org/f.bdg")
    }
    assert [one.code for one in codes.values()] == ["bedgraph", "bedgraph", "missing", "outside", "path"]


def test_places_of_a_table_get_the_values_of_their_letters(data, tmp_path):
    contigs = genomes.contigs(data)
    genomes.write(tmp_path, contigs)
    marks = [
        f"{name}\t{at}\t{at + 1}\t1" for name, text in contigs.items() for at in range(len(text)) if text[at : at + 1] in "Gg"
    ]
    (tmp_path / "g.bedGraph").write_text("\n".join(marks))
    table = {
        "chrom": ["chr1", "1", "chr2", "chr1", "chr1", "chrM", "chr1"], "start": ["0", "100", "5", "7", "9", "0", "x"],
        "end": ["101", "201", "106", "11", "12", "60", "8"], "strand": ["+", "-", ".", "+", "+", "+", "+"],
        "track": ["g.bedGraph", "g.bedGraph", "g.bedGraph", "0 1 . 2", "none.bdg", "g.bedGraph", "g.bedGraph"],
    }  # fmt: skip
    places = ("chrom", "start", "end", "strand")
    options = {"source": "genome.fa"}

    def located(held):
        return Sequences().locate(
            Table(pa.table(held), tmp_path), columns=places, aligned=("track",), options=options, cache=tmp_path / "c"
        )

    rows = located(table)
    reading = {d.name: d.value for d in Sequences().reading(rows, settings={})}
    columns = Sequences().shard(rows, reading=reading, roles=ROLES)
    assert {row: one.code for row, one in columns.refusals.items()} == {4: "missing", 6: "interval"}
    swap = str.maketrans("ACGTacgt", "TGCAtgca")
    read = [contigs["chr1"][:101], contigs["chr1"][100:201].translate(swap)[::-1], contigs["chr2"][5:106]]
    for row, (letters, base) in enumerate(zip(read, "GCG", strict=True)):  # of the other strand a G is read as C
        assert columns[TRACK][row].tolist() == [float(letter.upper() == base) for letter in letters]
    np.testing.assert_array_equal(columns[TRACK][3], [0, 1, np.nan, 2])
    before = Sequences().digest(rows, file_digest=str)
    (tmp_path / "g.bedGraph").write_text("chr1 0 9 1\n")
    again = located(table)
    assert Sequences().digest(again, file_digest=str) != before  # another file is another shard
    assert Sequences().shard(again, reading=reading, roles=ROLES)[TRACK][0].tolist() == [1.0] * 9 + [0.0] * 92


def test_letters_of_a_column_have_no_places(tmp_path):
    table = Table(pa.table({"sequence": ["ACGTACGTACGT"], "track": ["g.bedGraph"]}), tmp_path)
    rows = Sequences().locate(table, columns=("sequence",), aligned=("track",))
    columns = Sequences().shard(rows, reading={"alphabet": "dna", "longest": 99}, roles=ROLES)
    assert "the input needs contig, start and end" in str(columns.refusals[0])
