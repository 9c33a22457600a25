"""Files of molecules as tables."""

import gzip

import pytest

from osler.core.errors import TableError
from osler.spine.scan import blocks, cases_column, open_table

MOLFILE = """{name}
     RDKit          2D

  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.5000    0.0000    0.0000 O   0  0
  1  2  1  0
M  END
"""


def record(name, **tags):
    return MOLFILE.format(name=name) + "".join(f">  <{tag}>\n{value}\n\n" for tag, value in tags.items()) + "$$$$\n"


def whole(path, size=65536):
    return [row for block in blocks(path, size=size) for row in block.rows.to_pylist()]


def test_lines_of_smiles_with_names(tmp_path):
    path = tmp_path / "library.smi"
    path.write_text("CCO ethanol\n\nc1ccccc1\tbenzene and more\nC\n")
    assert whole(path) == [
        {"smiles": "CCO", "name": "ethanol"}, {"smiles": "c1ccccc1", "name": "benzene and more"}, {"smiles": "C", "name": None},
    ]  # fmt: skip
    packed = tmp_path / "library.smi.gz"
    packed.write_bytes(gzip.compress(b"smiles id\r\nCCO a\r\nCN b"))
    assert [row["smiles"] for row in whole(packed)] == ["CCO", "CN"]
    assert cases_column(packed) == "smiles"
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    assert cases_column(tmp_path / "table.csv") is None


def test_a_real_library_is_streamed_in_blocks_and_prepared_once(data, tmp_path):
    path = data / "molecules/zinc_29k.smi.gz"
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    expected = [line.split()[0] for line in lines if line.strip()]
    sizes = [len(block) for block in blocks(path, size=10_000)]
    assert sizes[:-1] == [10_000] * (len(sizes) - 1)
    table = open_table(path, cache=tmp_path)
    found = table.rows.column("smiles").to_pylist()
    assert found in (expected, expected[1:])
    assert len(found) == sum(sizes)


def test_an_sdf_gives_molfiles_and_its_data(tmp_path):
    path = tmp_path / "some.sdf"
    path.write_text(record("first", logS="-1.5") + record("", note="two\nlines", logS="2"))
    first, second = whole(path)
    assert (first["name"], first["logS"], first["note"]) == ("first", "-1.5", None)
    assert (second["name"], second["logS"], second["note"]) == (None, "2", "two\nlines")
    assert first["molfile"].endswith("M  END")
    assert cases_column(path) == "molfile"


def test_an_sdf_that_is_cut_off_keeps_what_is_left_as_a_row(tmp_path):
    path = tmp_path / "cut.sdf"
    text = record("first", a=1) + record("second", a=2)
    path.write_text(text[: len(record("first", a=1)) + 60])
    first, second = whole(path)
    assert first["a"] == "1"
    assert second["name"] == "second"
    assert "M  END" not in second["molfile"]


def test_bytes_that_are_no_text_refuse_their_row_alone(tmp_path):
    path = tmp_path / "odd.smi"
    path.write_bytes(b"CCO a\nC\xff\xfeC b\nCN c\n")
    (block,) = blocks(path)
    assert block.rows.column("smiles").to_pylist() == ["CCO", None, "CN"]
    assert block.refusals[1].code == "encoding"


def test_a_packed_file_that_is_cut_off_is_told(tmp_path):
    path = tmp_path / "cut.smi.gz"
    path.write_bytes(gzip.compress(b"CCO a\n" * 1000)[:-12])
    with pytest.raises(TableError, match="cut off"):
        whole(path)
