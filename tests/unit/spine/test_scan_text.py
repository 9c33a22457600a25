"""Delimited text, read as other readers read it."""

import bz2
import codecs
import csv
import gzip
import os
from pathlib import Path

import pyarrow as pa
import pytest

from osler.core.errors import Refusal
from osler.spine.scan import blocks, open_table

DATA = Path(os.environ.get("OSLER_DATA") or Path(__file__).resolve().parents[3] / "../shared/data")
REAL = [
    ("records/support2.csv", ","),
    *(
        (f"molecules/moleculenet/{name}.csv", ",")
        for name in ("BBBP", "HIV", "bace", "clintox", "tox21", "ESOL_delaney-processed")
    ),
    ("genomes/disgenet_curated.tsv.gz", "\t"),
    ("genomes/gwas_catalog/gene-associations.tsv", "\t"),
]


def cells(table):
    return [[row[name] for name in table.columns] for row in table.rows.to_pylist()]


def opened(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path, cache=folder / "cache")


@pytest.mark.parametrize(("name", "delimiter"), REAL)
def test_real_tables_equal_the_readings_of_the_standard_library_and_of_pandas(name, delimiter, tmp_path):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs the real data file {name}")
    pandas = pytest.importorskip("pandas")
    table = open_table(path, cache=tmp_path)
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        header, *rows = [row for row in csv.reader(file, delimiter=delimiter) if row]
    assert list(table.columns)[1:] == [name.strip() for name in header][1:]
    assert cells(table) == [[cell or None for cell in row] for row in rows]
    assert table.refusals == {}
    assert len(table) == len(pandas.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False))


def test_a_prepared_table_is_memory_mapped_private_and_used_again(tmp_path):
    first = opened(tmp_path, "a,b\n1,2\n")
    written = first.file.stat().st_mtime_ns
    again = open_table(tmp_path / "t.csv", cache=tmp_path / "cache")
    assert again.file == first.file
    assert again.file.stat().st_mtime_ns == written
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert len(first.digest) == 64
    assert first.file.name.startswith(first.digest)
    assert pa.ipc.open_file(pa.memory_map(str(first.file))).read_all() == first.rows
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [first.file.name]


def test_a_damaged_prepared_table_is_made_again(tmp_path):
    first = opened(tmp_path, "a,b\n1,2\n")
    first.file.write_bytes(first.file.read_bytes()[:100])
    assert cells(open_table(tmp_path / "t.csv", cache=tmp_path / "cache")) == [["1", "2"]]


def test_a_changed_file_is_another_table(tmp_path):
    opened(tmp_path, "a,b\n1,2\n")
    assert cells(opened(tmp_path, "a,b\n1,3\n")) == [["1", "3"]]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found_out(delimiter, end, tmp_path):
    lines = ["name,sex,value", '"Smith, J.; |\t""x""",f,"1,5"', "Ng,,2", '"two\nlines",m,"3,5"']
    rows = [row.split("|") for row in ("name|sex|value", "Smith|f|1.5", "Ng||2")]
    text = end.join(delimiter.join(row) for row in rows) + end
    assert cells(opened(tmp_path, text)) == [["Smith", "f", "1.5"], ["Ng", None, "2"]]
    if delimiter == ",":
        assert cells(opened(tmp_path, end.join(lines))) == [
            ['Smith, J.; |\t"x"', "f", "1,5"],
            ["Ng", None, "2"],
            ["two\nlines", "m", "3,5"],
        ]


def test_decimal_commas_do_not_hide_the_semicolons(tmp_path):
    assert opened(tmp_path, "a;b;c\n1,5;2,5;3,5\n1,0;2,0;3,0\n").columns == ("a", "b", "c")


def test_a_comma_in_the_only_column_s_name_or_cells_is_text(tmp_path):
    assert cells(opened(tmp_path, '"weight, kg"\n70\n80\n')) == [["70"], ["80"]]
    assert opened(tmp_path, "weight, kg\n70\n80\n").columns == ("weight, kg",)
    assert cells(opened(tmp_path, "note\nwell, thanks\nbad\n")) == [["well, thanks"], ["bad"]]


def test_marks_inside_plain_text_are_text(tmp_path):
    text = 'size,note\n5" nail,it\'s "so"\n"quoted"tail,x\n' + '6",a"b\n' * 3
    assert cells(opened(tmp_path, text)) == [['5" nail', 'it\'s "so"'], ["quotedtail", "x"], *([['6"', 'a"b']] * 3)]


def test_formulas_are_plain_text(tmp_path):
    assert cells(opened(tmp_path, "a,b\n=cmd|' /C calc'!A0,@SUM(1)\n")) == [["=cmd|' /C calc'!A0", "@SUM(1)"]]


def test_blank_lines_are_no_rows_and_quoted_nothing_is_a_missing_cell(tmp_path):
    assert cells(opened(tmp_path, "\n\na\n\n1\n\n\n2\n")) == [["1"], ["2"]]
    assert cells(opened(tmp_path, 'a\n1\n""\n2\n')) == [["1"], [None], ["2"]]


@pytest.mark.parametrize(
    ("encoding", "start"),
    [
        ("utf-8-sig", b""),
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32", b""),
        ("utf-16-be", codecs.BOM_UTF16_BE),
    ],
)
def test_unicode_files_are_known_by_their_mark_or_their_pattern(encoding, start, tmp_path):
    table = opened(tmp_path, start + "név,kód\nŐszi Béla,1\n漢字 😀,2\n".encode(encoding))
    assert table.columns == ("név", "kód")
    assert cells(table) == [["Őszi Béla", "1"], ["漢字 😀", "2"]]


OLDER = {
    "cp1252": "patient,diagnose\nMüller,Größe 5 µg/L ± 1 °C\nJosé,décès\n",
    "cp1251": "пациент,диагноз\nИванов Иван,острая пневмония лёгких\nПетрова Анна,сахарный диабет\n",
    "koi8-r": "пациент,диагноз\nИванов Иван,острая пневмония лёгких\nПетрова Анна,сахарный диабет\n",
    "gb18030": "姓名,诊断\n王伟,社区获得性肺炎\n李娜,二型糖尿病\n",
    "shift_jis": "患者,診断\n田中さん,肺炎です\n鈴木さん,糖尿病\n",
    "big5": "姓名,診斷\n王偉,社區型肺炎\n李娜,第二型糖尿病\n",
    "cp1253": "ασθενής,διάγνωση\nΓιώργος,πνευμονία\n",
}


@pytest.mark.parametrize("encoding", sorted(OLDER))
@pytest.mark.parametrize("times", [1, 50])
def test_older_encodings_are_judged_from_the_text(encoding, times, tmp_path):
    header, *rows = OLDER[encoding].splitlines()
    table = opened(tmp_path, "\n".join([header, *(rows * times)]).encode(encoding))
    assert ",".join(table.columns) == header
    assert cells(table) == [row.split(",") for row in rows] * times


def test_one_accent_far_down_makes_the_file_western_and_loses_no_row(tmp_path):
    text = b"a,b\n" + b"plain,1\n" * 700_000 + b"M\xfcller,2\n"
    table = opened(tmp_path, text)
    assert table.refusals == {}
    assert cells(table.slice(700_000, 700_001)) == [["Müller", "2"]]


def test_rows_in_another_encoding_are_refused_and_keep_their_place(tmp_path):
    table = opened(tmp_path, "n,v\nÅse,1\nBjörn,2\n".encode() + b"M\xfcller,3\n" + "Zoë,4\n".encode())
    assert cells(table) == [["Åse", "1"], ["Björn", "2"], [None, None], ["Zoë", "4"]]
    assert table.refusals == {2: Refusal("encoding", "the row holds bytes that are not in the file's encoding")}


def test_rows_with_nul_bytes_are_refused_even_between_quotes_and_blank_lines(tmp_path):
    table = opened(tmp_path, b'a,b\n1,2\n\n"x\n\0y",3\n\n4,5\n6,\0\n')
    assert cells(table) == [["1", "2"], [None, None], ["4", "5"], [None, None]]
    assert {row: refusal.code for row, refusal in table.refusals.items()} == {1: "nul", 3: "nul"}


def test_rows_with_too_many_or_too_few_cells_keep_their_place(tmp_path):
    table = opened(tmp_path, "a,b\n1,2\n3\n4,5,6\n\n7,8\n9\n")
    assert cells(table) == [["1", "2"], [None, None], [None, None], ["7", "8"], [None, None]]
    assert table.refusals[1] == Refusal("ragged", "the row has 1 cell, the header 2")
    assert table.refusals[2] == Refusal("ragged", "the row has 3 cells, the header 2")
    assert list(table.refusals) == [1, 2, 4]


def test_refusals_of_many_chunks_and_of_a_reopened_table_have_the_right_rows(tmp_path):
    rows = 600_000
    wrong = {100_000: b"x\n", 299_999: b"a,\0\n", 599_999: b"1,2,3\n"}
    text = b"a,b\n" + b"".join(wrong.get(row, b"%d,some text to fill\n" % row) for row in range(rows))
    for _ in range(2):
        table = opened(tmp_path, text)
        assert len(table) == rows
        assert {row: refusal.code for row, refusal in table.refusals.items()} == {
            100_000: "ragged",
            299_999: "nul",
            599_999: "ragged",
        }
        assert table.rows["a"][599_998].as_py() == "599998"
    assert list(table.slice(299_990, 300_010).refusals) == [9]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.txt", "t"])
def test_packed_text_is_known_by_its_first_bytes(name, tmp_path):
    for pack in (gzip.compress, bz2.compress, zstd):
        assert cells(opened(tmp_path, pack(b"a,b\n1,2\n"), name)) == [["1", "2"]]


def zstd(text):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text)
    return sink.getvalue().to_pybytes()


def test_an_unnamed_first_column_gets_the_name_that_pandas_gives_it(tmp_path):
    assert opened(tmp_path, ",age,sex\n0,70,m\n1,71,f\n").columns == ("Unnamed: 0", "age", "sex")


def test_names_lose_the_white_space_around_them(tmp_path):
    assert opened(tmp_path, " age , sex\n70,m\n").columns == ("age", "sex")


def test_a_hundred_thousand_columns(tmp_path):
    names = [f"column_{at:06d}" for at in range(100_000)]
    rows = [",".join(str(row * at % 97) for at in range(100_000)) for row in range(3)]
    table = opened(tmp_path, ",".join(names) + "\n" + "\n".join(rows))
    assert table.rows.shape == (3, 100_000)
    assert table.columns == tuple(names)
    assert table.rows["column_099999"].to_pylist() == [str(row * 99_999 % 97) for row in range(3)]


def test_a_cell_of_many_megabytes(tmp_path):
    long = "lorem ipsum\n" * 1_000_000
    table = opened(tmp_path, f'a,b\n1,"{long}"\n2,x\n')
    assert table.rows["b"].to_pylist() == [long, "x"]


def test_blocks_give_the_same_rows_with_their_numbers_and_refusals(tmp_path):
    text = b"a,b\n" + b"".join(b"%d,x\n" % row if row % 1000 else b"ragged\n" for row in range(10_500))
    table = opened(tmp_path, text)
    parts = list(blocks(tmp_path / "t.csv", size=1000))
    assert [len(part) for part in parts] == [1000] * 10 + [500]
    assert [part.first for part in parts] == list(range(0, 11_000, 1000))
    assert all(list(part.refusals) == [0] for part in parts)
    assert {part.digest for part in parts} == {""}
    assert [row for part in parts for row in cells(part)] == cells(table)
    assert parts[0].folder == tmp_path


def test_blocks_of_a_wide_table_are_bounded_in_bytes(tmp_path):
    (tmp_path / "t.csv").write_text(
        ",".join(f"c{at}" for at in range(2000)) + "\n" + (",".join(["12345678"] * 2000) + "\n") * 6000
    )
    parts = list(blocks(tmp_path / "t.csv"))
    assert len(parts) > 1
    assert max(part.rows.nbytes for part in parts) < 128 << 20
    assert [part.first for part in parts[1:]] == [parts[0].first + sum(len(p) for p in parts[:at]) for at in range(1, len(parts))]
    assert sum(map(len, parts)) == 6000
