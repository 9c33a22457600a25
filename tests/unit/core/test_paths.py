"""Paths in cells stay inside the table's folder."""

import pytest

from osler.core.errors import Refusal
from osler.core.paths import Home, inside


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


def test_a_home_says_what_inside_says(tmp_path):
    home, out = tmp_path / "home", tmp_path / "out"
    (home / "deep").mkdir(parents=True)
    out.mkdir()
    for place in (home / "a.png", home / "deep" / "b.png", out / "c.png"):
        place.write_text("")
    (home / "link.png").symlink_to(out / "c.png")
    (home / "way").symlink_to(out)
    (home / "back").symlink_to(home / "deep")
    (home / "loop").symlink_to("loop")
    cells = ["a.png", " a.png ", "deep/b.png", "deep\\b.png", "deep/../a.png", "../out/c.png", "link.png", "way/c.png", "back/b.png",
             "loop", "loop/x", "none.png", "none/none.png", "a.png/x", str(home / "a.png"), str(out / "c.png"), "", ".", "..", "deep/",
             "https://a.org/b.png", "C:\\a.png", "C:a.png", "a:b.png", "a\0.png", "x" * 300, "deep/" + "y" * 300]  # fmt: skip
    asked = Home(home)
    for cell in cells:
        wanted = inside(home, cell, column="c")
        assert asked.inside(cell, column="c") == (wanted if isinstance(wanted, Refusal) else str(wanted)), cell
