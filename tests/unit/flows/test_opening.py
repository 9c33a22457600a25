"""What the files of an input know of the rows of a table joins the table, and the table's own columns win."""

import pytest

from osler.core import registry
from osler.core.errors import StudyError
from osler.flows.opening import open_study
from osler.modalities.timelines import Timelines
from osler.spine.study import Request

PARTS = ["train", "train", "tuning", "held_out"]


class Told(Timelines):
    """Events that come with an official split, as MEDS has it."""

    def added(self, table, *, columns, options, cache=None):
        return {"split": PARTS}


class Broken(Timelines):
    """A source that cannot be opened."""

    def added(self, table, *, columns, options, cache=None):
        raise StudyError("no such source")


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Write a study of four cases; return how it is opened with one of the modalities above."""

    def opened(kind, *, more=("", "", "", "", "")):
        monkeypatch.setitem(registry.MODALITIES, "timelines", f"tests.unit.flows.test_opening:{kind.__name__}")
        rows = [f"{row}{extra}" for row, extra in zip(["who,y", "a,0", "b,1", "c,0", "d,1"], more, strict=True)]
        (tmp_path / "table.csv").write_text("\n".join(rows))
        (tmp_path / "study.yaml").write_text(
            "table: table.csv\ntarget: y\ninputs:\n  events: {modality: timelines, columns: [who]}\n"
        )
        return open_study(Request(tmp_path / "study.yaml"), cache=tmp_path / "cache")

    return opened


def test_an_official_split_is_taken_as_if_the_table_had_it(study):
    found, table = study(Told)
    assert found.roles.split == "split"
    assert table.rows.column("split").to_pylist() == PARTS
    assert table.file is None  # the file that workers would open lacks the column
    assert any("which rows train and which test" in note for note in found.notes)


def test_a_split_of_the_table_wins(study):
    found, table = study(Told, more=(",split", ",test", ",train", ",train", ",test"))
    assert found.roles.split == "split"
    assert table.rows.column("split").to_pylist() == ["test", "train", "train", "test"]


def test_a_source_that_is_wrong_is_left_for_its_reader_to_tell(study):
    found, table = study(Broken)
    assert found.roles.split is None
    assert table.columns == ("who", "y")


def test_a_table_without_such_inputs_stays_as_it_is(study):
    _, table = study(Timelines)
    assert table.columns == ("who", "y")
    assert table.file is not None
