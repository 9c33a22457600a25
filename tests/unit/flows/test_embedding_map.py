"""The map of a file of vectors: a point for each row, coloured by a column."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from osler.core.errors import OutputError, RequestError
from osler.flows.embedding_map import Drawn, draw_map
from osler.generation.embedding import umap
from osler.spine.rows import open_writer


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A layout of a few steps: where its points lie is tested where it is made."""
    monkeypatch.setattr(umap, "_EPOCHS", (10, 10))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    found = load_breast_cancer()
    path = tmp_path_factory.mktemp("map") / "table.csv"
    names = np.array(["malignant", "benign"], object)[found.target]
    with open_writer(path) as writer:
        writer.write({"id": np.arange(569), "diagnosis": names, "mean area": found.data[:, 3]})
    return path


@pytest.fixture(scope="module", params=[".parquet", ".csv"])
def vectors(request, table):
    """The file that `osler embed` writes: three rows were refused."""
    features = load_breast_cancer().data
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    features[[0, 7, 568]] = np.nan
    path = table.with_name(f"vectors{request.param}")
    with open_writer(path) as writer:
        columns = {f"v{at + 1:03d}": features[:, at] for at in range(4)}
        writer.write({"row": np.arange(1, 570), **columns, "restoring_error": features[:, 9] ** 2})
    return path


def test_a_page_shows_each_row_twice_and_a_drawing_once(table, vectors):
    page = draw_map(Drawn(table.with_name("map.html"), "diagnosis"), vectors=vectors, table=table, title="nuclei").read_text()
    assert page.count('class="dot') == 2 * (566 + 2)
    assert "PCA 1" in page
    assert "UMAP 1" in page
    assert "malignant (210)" in page  # of 212, two are among the refused rows
    assert "nuclei" in page
    drawing = draw_map(Drawn(table.with_name("map.svg"), "diagnosis"), vectors=vectors, table=table).read_text()
    root = ET.fromstring(drawing)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert drawing.count('class="dot') == 566 + 2


def test_a_column_of_the_vectors_colours_too_and_numbers_in_thirds(table, vectors):
    for column in ("restoring_error", "mean area"):
        page = draw_map(Drawn(table.with_name("numbers.svg"), column), vectors=vectors, table=table).read_text()
        assert "(189)" in page or "(188)" in page
        assert "≥" in page


def test_rows_keep_their_colours_where_some_are_drawn(table, vectors, monkeypatch):
    from osler.generation.embedding import maps

    monkeypatch.setattr(maps, "MOST", 100)
    whole, few = (
        draw_map(Drawn(table.with_name(f"{name}.html"), "diagnosis"), vectors=vectors, table=table).read_text()
        for name in ("first", "again")
    )
    assert whole == few
    assert whole.count('class="dot') == 2 * (100 + 2)
    share = int(whole.split("malignant (")[1].split(")")[0]) / 100
    assert share == pytest.approx(212 / 569, abs=0.12)


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("map.png", "", r"a map is written as \.html or \.svg, not as '\.png'; change the ending of --map"),
        ("map.svg", "diagnosos", r"the map cannot be coloured by 'diagnosos': no such column; did you mean 'diagnosis'\?"),
        ("map.svg", "anomally", r"did you mean 'anomaly'\?"),
    ],
)
def test_what_cannot_be_drawn_is_told_before_the_work(table, name, column, said):
    with pytest.raises(RequestError, match=said):
        Drawn(table.with_name(name), column).check(vectors=table.with_name("vectors.csv"), table=table)


def test_what_comes_with_the_vectors_and_any_column_of_a_folder_may_be_asked(table):
    Drawn(table.with_name("map.svg"), "anomaly").check(vectors=table.with_name("vectors.csv"), table=table)
    Drawn(table.with_name("map.svg"), "file").check(vectors=table.with_name("vectors.csv"), table=table.parent)


def test_vectors_that_are_not_read_again_and_files_in_use_have_no_map(table):
    with pytest.raises(RequestError, match=r"not of \.jsonl; change the ending of --out"):
        Drawn(table.with_name("map.svg")).check(vectors=table.with_name("vectors.jsonl.gz"), table=table)
    vectors = table.with_name("vectors.svg")
    with pytest.raises(OutputError, match="is the table or the vectors themselves; choose another --map"):
        Drawn(vectors).check(vectors=vectors, table=table)


def test_a_map_is_asked_by_a_file_or_a_file_and_a_column():
    assert Drawn.of(None) is None
    assert Drawn.of("map.svg") == Drawn(Path("map.svg"))
    assert Drawn.of(("map.svg", None)) == Drawn(Path("map.svg"))
    assert Drawn.of((Path("map.svg"), "age")) == Drawn.of(Drawn(Path("map.svg"), "age"))


def test_a_column_that_nobody_has_and_a_file_without_vectors_are_told(table, vectors):
    with pytest.raises(RequestError, match="no such column; did you mean 'diagnosis'"):
        draw_map(Drawn(table.with_name("odd.svg"), "diagnosos"), vectors=vectors, table=table)
    with pytest.raises(RequestError, match="the file holds no vectors"):
        draw_map(Drawn(table.with_name("odd.svg")), vectors=table, table=table)
    assert not table.with_name("odd.svg").exists()


def test_fewer_than_four_rows_have_no_map(tmp_path):
    path = tmp_path / "few.csv"
    with open_writer(path) as writer:
        writer.write({"row": np.arange(1, 6), "v001": np.array([1, 2, 3, np.nan, np.nan])})
    with pytest.raises(RequestError, match="a map wants at least 4 rows with a vector, and there are 3"):
        draw_map(Drawn(tmp_path / "map.svg"), vectors=path, table=path)
