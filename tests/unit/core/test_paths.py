"""Paths in cells stay inside the table's folder."""

import pytest

from osler.core.errors import Refusal
from osler.core.paths import inside


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "study"
    (home / "images").mkdir(parents=True)
    (home / "images" / "a.png").write_text("x")
    (tmp_path / "outside.png").write_text("x")
    (home / "out").symlink_to(tmp_path)
    (home / "in").symlink_to(home / "images")
    (home / "circle").symlink_to(home / "circle")
    return home


@pytest.mark.parametrize(
    "cell", ["images/a.png", " images/a.png ", "images/../images/a.png", "./images//a.png", "in/a.png", "images\\a.png"]
)
def test_a_path_that_ends_inside_is_found(folder, cell):
    assert inside(folder, cell, column="scan") == folder.resolve() / "images" / "a.png"


def test_an_absolute_path_counts_by_where_it_ends(folder, tmp_path):
    assert inside(folder, str(folder / "images" / "a.png"), column="scan") == folder.resolve() / "images" / "a.png"
    assert inside(folder, str(tmp_path / "outside.png"), column="scan").code == "outside"


def test_whether_the_file_exists_is_not_asked_and_odd_names_are_names(folder):
    assert inside(folder, "images/none.png", column="scan") == folder.resolve() / "images" / "none.png"
    assert inside(folder, "a:b.png", column="scan") == folder.resolve() / "a:b.png"
    (folder / "odd\\name.png").write_text("x")
    assert inside(folder, "odd\\name.png", column="scan") == folder.resolve() / "odd\\name.png"


@pytest.mark.parametrize(
    "cell", ["../outside.png", "images/../../outside.png", "out/outside.png", "/etc/passwd", "..", "..\\outside.png", "C:\\x.png"]
)
def test_a_path_that_ends_outside_is_refused_without_quoting_it(folder, cell):
    refusal = inside(folder, cell, column="scan")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.column) == ("outside", "scan")
    assert "outside.png" not in refusal.sentence


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("", "holds no path"),
        ("  ", "holds no path"),
        ("a\0.png", "NUL"),
        ("https://example.org/a.png", "web address"),
        ("file:///etc/passwd", "web address"),
        ("s3://bucket/a.png", "web address"),
        ("x" * 5000, "no file can have this path"),
        ("circle/a.png", "no file can have this path"),
        ("\ud800.png", "no file can have this path"),
    ],
)
def test_what_is_no_path_is_refused(folder, cell, sentence):
    refusal = inside(folder, cell, column="scan")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "path"
    assert sentence in refusal.sentence
