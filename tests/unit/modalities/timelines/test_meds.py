"""MEDS data sets, real events first."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osler.core.errors import StudyError, TableError
from osler.modalities.timelines.read import meds
from osler.modalities.timelines.read.source import Source
from tests.unit.modalities.timelines.hospital import Hospital, micro, read, unitless, write_meds


@pytest.fixture(scope="module")
def hospital(data):
    return Hospital(data, patients=6)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path


def test_real_events_come_back_as_they_were_written(hospital, tmp_path):
    place = hospital.meds(tmp_path / "meds")
    events, refused = read("meds", place)
    written = [*hospital._people(), *hospital._visits(), *hospital._coded(), *hospital._lab_events()]
    assert len(events) == len(written) > 1000
    assert refused == {}
    renamed = {"MEDS_BIRTH": "birth", "MEDS_DEATH": "death"}
    again = sorted(unitless(events), key=str)
    expected = [(*e[:2], renamed.get(e[2], e[2]), *e[3:], None) for e in written]
    assert again == sorted(unitless(expected), key=str)


def test_it_is_recognised_and_names_its_files_and_its_official_split(hospital, tmp_path):
    place = hospital.meds(tmp_path / "meds")
    source = Source(place, "meds")
    assert meds.recognises(place)
    assert not meds.recognises(tmp_path)
    assert not meds.recognises(tmp_path / "nothing")
    assert meds.relative(source) is False
    assert [p.name for p in meds.files(source)] == ["0.parquet", "1.parquet", "2.parquet", "subject_splits.parquet"]
    parts = meds.splits(source)
    assert set(parts) == hospital.subjects
    assert set(parts.values()) == {"train", "tune", "test"}


def test_a_data_set_without_a_split_has_none(place):
    write_meds(place / "data" / "0.parquet", [("1", None, "sex", None, "female")])
    assert meds.splits(Source(place, "meds")) == {}


def test_birth_death_and_what_is_static(place):
    write_meds(place / "data" / "0.parquet", [
        ("7", micro("1950-01-02 00:00:00+00:00"), "MEDS_BIRTH", None, None), ("7", None, "EYE//blue", None, None),
        ("7", micro("2020-01-02 00:00:00+00:00"), "MEDS_DEATH", None, None),
    ])  # fmt: skip
    events, _ = read("meds", place)
    assert [(s, t, c) for s, t, c, *_ in events] == [
        ("7", None, "EYE//blue"),
        ("7", micro("1950-01-02 00:00:00+00:00"), "birth"),
        ("7", micro("2020-01-02 00:00:00+00:00"), "death"),
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit_are_the_same_moment(place, unit):
    at = pa.array([1_500_000_000], pa.int64()).cast(pa.timestamp("s")).cast(pa.timestamp(unit))
    table = {"subject_id": [1], "time": at, "code": pa.array(["a"]).dictionary_encode()}
    pq.write_table(pa.table(table), place / "data" / "0.parquet", version="2.6")
    assert read("meds", place)[0] == [("1", 1_500_000_000_000_000, "a", None, None, None)]


def test_times_are_read_in_the_zone_that_is_given(place):
    write_meds(place / "data" / "0.parquet", [("1", micro("2020-07-01 10:00:00+00:00"), "a", None, None)])
    assert read("meds", place, zone="Europe/Berlin")[0][0][1] == micro("2020-07-01 08:00:00+00:00")
    with pytest.raises(StudyError, match="zone: there is no time zone 'Middle Earth'"):
        read("meds", place, zone="Middle Earth")


def test_events_without_a_subject_or_code_are_counted(place):
    table = {"subject_id": pa.array([1, None, 1], pa.int64()), "time": pa.array([0, 0, 0], pa.timestamp("us"))}
    pq.write_table(pa.table({**table, "code": ["a", "b", None]}), place / "data" / "0.parquet")
    events, refused = read("meds", place)
    assert [e[2] for e in events] == ["a"]
    assert refused == {"no subject": 1, "no code": 1}


def test_a_file_that_lies_there_twice_is_read_once_and_counted(place):
    for name in ("0", "1"):
        write_meds(place / "data" / f"{name}.parquet", [("1", 0, "a", 1.0, None)])
    assert read("meds", place) == ([("1", 0, "a", 1.0, None, None)], {"file that is there twice": 1})


def test_pieces_are_bounded(place, monkeypatch):
    monkeypatch.setattr(meds, "ROWS", 10)
    write_meds(place / "data" / "0.parquet", [("1", i, "a", None, None) for i in range(95)])
    sizes = [len(piece.rows) for piece in meds.pieces(Source(place, "meds"))]
    assert max(sizes) == 10
    assert sum(sizes) == 95


def test_a_missing_column_is_named_with_the_near_miss(place):
    pq.write_table(
        pa.table({"subject": [1], "time": pa.array([0], pa.timestamp("us")), "codes": ["a"]}), place / "data" / "0.parquet"
    )
    with pytest.raises(TableError, match=r"'0.parquet' has no column 'subject_id', 'code'; did you mean 'subject'\?"):
        read("meds", place)


def test_a_column_of_the_wrong_type_is_named_with_both_types(place):
    pq.write_table(pa.table({"subject_id": [1.5], "time": ["yesterday"], "code": ["a"]}), place / "data" / "0.parquet")
    with pytest.raises(
        TableError, match=r"'subject_id' is double, wanted whole numbers; column 'time' is string, wanted a timestamp"
    ) as told:
        read("meds", place)
    assert "yesterday" not in str(told.value)


@pytest.mark.parametrize("keep", [0, 10, -20])
def test_a_truncated_file_is_told_without_its_content(place, keep):
    path = place / "data" / "0.parquet"
    write_meds(path, [("1", 0, "secret word", 1.0, None)] * 50)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TableError, match=r"'0.parquet' is damaged or cut off; fetch or export it again") as told:
        read("meds", place)
    assert "secret" not in str(told.value)
    assert not meds.recognises(place)


def test_a_damaged_page_is_told(place):
    path = place / "data" / "0.parquet"
    write_meds(path, [(str(i), i, f"word {i}", 1.0, None) for i in range(5000)])
    content = bytearray(path.read_bytes())
    content[100:3000] = os.urandom(2900)
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"'0.parquet' is damaged or cut off"):
        read("meds", place)


def test_a_folder_without_events_is_told(place):
    with pytest.raises(TableError, match="has no Parquet file in 'data'; wanted a MEDS data set"):
        read("meds", place)


def test_a_link_out_of_the_folder_is_refused_and_one_inside_adds_nothing(place, tmp_path_factory):
    write_meds(place / "data" / "0.parquet", [("1", 0, "a", None, None)])
    (place / "data" / "again.parquet").symlink_to(place / "data" / "0.parquet")
    assert len(read("meds", place)[0]) == 1
    outside = tmp_path_factory.mktemp("outside") / "x.parquet"
    write_meds(outside, [("2", 0, "a", None, None)])
    (place / "data" / "x.parquet").symlink_to(outside)
    with pytest.raises(TableError, match=r"'x.parquet' in 'data' is a link that leads out of the folder"):
        read("meds", place)


def test_a_file_that_may_not_be_read_is_told():
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        write_meds(folder / "data" / "0.parquet", [("1", 0, "a", None, None)])
        (folder / "data" / "0.parquet").chmod(0)
        folder.chmod(0o755)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)  # to root every file is readable
        try:
            with pytest.raises(TableError, match="cannot be read: Permission denied; check that it exists and may be read"):
                read("meds", folder)
        finally:
            if root:
                os.seteuid(0)


def test_a_day_is_known_when_it_is_over_and_a_birth_at_its_begin(place):
    day = pa.array([18263, 18263, None], pa.date32())  # 2020-01-02
    pq.write_table(
        pa.table({"subject_id": [1, 1, 1], "time": day, "code": ["a", "MEDS_BIRTH", "sex"]}), place / "data" / "0.parquet"
    )
    begin = micro("2020-01-02 00:00:00+00:00")
    assert {c: t for _, t, c, *_ in read("meds", place)[0]} == {"a": begin + 86_400_000_000 - 1, "birth": begin, "sex": None}
