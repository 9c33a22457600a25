"""Sources of events to a sorted store: nothing lost in silence, whatever comes."""

import datetime as dt
import gzip
import json
import os
import re
import stat

import numpy as np
import pyarrow as pa
import pytest

from osler.core.errors import OutputError, StudyError, TableError
from osler.core.hashing import word_hash
from osler.modalities.timelines.case import ALWAYS, IMPOSSIBLE, Piece
from osler.modalities.timelines.read import prepared, source, spool
from osler.modalities.timelines.read import store as storing

HOUR = 3_600_000_000


def store_of(ward, **options):
    return prepared(options, folder=ward.folder, cache=ward.folder / "cache", key="who")


def events_of(store, subject):
    """Return [(hours, code, value, unit), …] of a subject."""
    at = store.subject_names.tolist().index(subject)
    here = range(store.offsets[at], store.offsets[at + 1])
    return [
        (None if store.times[i] == ALWAYS else store.times[i] / HOUR, store.names[store.codes[i]], float(store.values[i]),
         store.unit_names[store.units[i]])
        for i in here
    ]  # fmt: skip


def test_events_lie_by_subject_and_time_in_the_order_of_the_source(ward):
    ward.events(
        "who,hours,code,value,unit\nb,2,HR,80,bpm\na,3,HR,70,bpm\nb,1,HR,90,bpm\na,3,BP,120,\nb,,sex,1,\nb,2,BP,110,mmHg\n"
    )
    store = store_of(ward)
    assert events_of(store, "a") == [(3, "HR", 70, "bpm"), (3, "BP", 120, "")]
    assert events_of(store, "b") == [(None, "sex", 1, ""), (1, "HR", 90, "bpm"), (2, "HR", 80, "bpm"), (2, "BP", 110, "mmHg")]
    assert store.relative
    assert store.refused == {}
    assert store.unit_names[0] == ""
    assert (np.diff(store.subjects) > 0).all()
    assert store.subjects.tolist() == [word_hash(s) for s in store.subject_names]
    assert store.hashes.tolist() == [word_hash(n) for n in store.names]


def test_what_cannot_be_used_is_counted_by_reason(ward):
    ward.events(
        "who,hours,code,value\n,1,HR,80\na,1,,80\na,soon,HR,80\na,1,HR,80\na,1,HR,80\na,2024-01-01,HR,1\nNA\na,1,HR,80,9\na,2,birth,\na,,birth,\n"
    )
    store = store_of(ward)
    assert events_of(store, "a") == [(1, "HR", 80, ""), (2, "birth", pytest.approx(np.nan, nan_ok=True), "")]
    assert store.refused == {
        "no subject": 1, "no code": 1, "time that cannot be read": 1, "exact duplicate of another event": 1, "birth without a date": 1,
        "line that has another number of cells than the header": 2,
        "time of the other kind (with a date among times since the start, or the reverse)": 1,
    }  # fmt: skip
    assert len(store.times) + sum(store.refused.values()) == 10
    assert store.births.tolist() == [2 * HOUR]


def test_a_duplicate_is_equal_in_every_part(ward):
    rows = [
        "a,1,HR,80,bpm",
        "a,1,HR,80,bpm",
        "a,1,HR,80,/min",
        "a,1,HR,81,bpm",
        "a,2,HR,80,bpm",
        "b,1,HR,80,bpm",
        "a,1,PR,80,bpm",
    ]
    rows += ["a,1,note,high,", "a,1,note,low,", "a,1,note,high,", "a,1,HR,80,bpm"]
    ward.events("who,hours,code,value,unit\n" + "\n".join(rows))
    store = store_of(ward)
    assert store.refused == {"exact duplicate of another event": 3}
    assert len(store.times) == len(set(rows))


def test_events_whose_keys_meet_by_chance_are_no_duplicates(ward, monkeypatch):
    monkeypatch.setattr(spool, "_mixed", lambda moment, *_: np.zeros(len(moment), np.uint64))
    ward.events("who,hours,code,value,unit\na,1,A,1,mg\na,1,A,1,g\na,1,A,2,g\na,1,B,2,g\na,2,B,2,g\na,2,B,2,g\nb,2,B,2,g\n")
    store = store_of(ward)
    assert len(store.times) == 6
    assert store.refused == {"exact duplicate of another event": 1}


def test_words_become_part_of_the_code_and_numbers_in_text_are_numbers(ward):
    long, other = "x" * 65, "y" * 65
    texts = ["7.4", "<5", ">= 1000", "33%", "NEG", "1+", "", "NA", long, other, "1e3", "3-5", "a//b", "inf", "1e99"]
    ward.events("who,hours,code,value\n" + "\n".join(f"a,{i},K,{t}" for i, t in enumerate(texts)))
    store = store_of(ward)
    found = events_of(store, "a")
    assert [code for _, code, _, _ in found] == [
        "K", "K", "K", "K", "K//NEG", "K//1+", "K", "K", "K", "K", "K", "K//3-5", "K//a/ /b", "K", "K"
    ]  # fmt: skip
    values = [v for _, _, v, _ in found]
    assert values[:4] == pytest.approx([7.4, 5, 1000, 33])
    assert values[10] == 1000
    assert np.isnan([*values[4:10], *values[11:]]).all()
    assert found[3][3] == "%"
    assert store.about["told"] == {"limit such as '<5' taken as its number": 2, "number too large to be a measurement": 2}
    assert (store.values.view(np.uint32)[-2:] == IMPOSSIBLE).all()


def test_long_texts_that_differ_are_two_events_and_equal_ones_one(ward):
    ward.events(f"who,hours,code,value\na,1,note,{'x' * 65}\na,1,note,{'y' * 65}\na,1,note,{'x' * 65}\n")
    store = store_of(ward)
    assert len(store.times) == 2
    assert store.refused == {"exact duplicate of another event": 1}


def test_a_code_and_a_code_with_a_word_never_collide(ward):
    ward.events(
        "who,hours,code,value\na,1,K//high,\na,2,K,high\na,3,K,(high)\na,4,K//high,7\na,5,K//(high),\na,6,K,high//x\na,7,K//high,x\n"
    )
    names = [code for _, code, _, _ in events_of(store_of(ward), "a")]
    assert names[0] == names[3] == "K//high"
    assert len(set(names)) == 6


def test_numbers_typed_and_written_make_the_same_store(ward):
    ward.events("who,hours,code,value\n12,1,7,80.5\n12,2,8,\n")
    text = store_of(ward)
    ward.parquet({"who": [12.0, 12.0], "hours": [1.0, 2.0], "code": [7, 8], "value": [80.5, None]}, name="typed.parquet")
    typed = store_of(ward, source="typed.parquet")
    for name in ("subjects", "times", "codes", "units"):
        assert getattr(text, name).tolist() == getattr(typed, name).tolist()
    assert text.names == typed.names
    assert np.array_equal(text.values, typed.values, equal_nan=True)
    assert typed.subject_names.tolist() == ["12"]


def test_huge_nan_and_endless_values_are_no_numbers(ward):
    ward.parquet({"who": ["a"] * 4, "hours": [1.0, 2, 3, 4], "code": ["K"] * 4, "value": [np.nan, np.inf, -1e300, 3e38]})
    store = store_of(ward)
    bits = store.values.view(np.uint32)
    assert np.isnan(store.values[:3]).all()
    assert store.values[3] == np.float32(3e38)
    assert [b == IMPOSSIBLE for b in bits.tolist()] == [False, True, True, False]
    assert store.about["told"] == {"number too large to be a measurement": 2}


def test_a_semicolon_file_has_decimal_commas(ward):
    ward.events("who;hours;code;value\na;1,5;K;7,4\na;2;K;a,b\n")
    assert events_of(store_of(ward), "a")[0] == (1.5, "K", pytest.approx(7.4), "")
    assert events_of(store_of(ward), "a")[1][1] == "K//a,b"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("events.csv", "who,hours,code,value\na,1,K,7\n".encode("utf-8-sig")),
        ("events.tsv", b"who\thours\tcode\tvalue\na\t1\tK\t7\n"),
        ("events.csv.gz", gzip.compress(b"who,hours,code,value\na,1,K,7\n", mtime=0)),
        ("events.txt", b'who|hours|code|value\n"a"|1|K|7\r\n'),
        ("events.csv", b"who,hours,code,value\na,1,K,7"),
    ],
)
def test_the_ways_in_which_tables_are_written(ward, name, content):
    ward.events(content, name=name)
    assert events_of(store_of(ward), "a") == [(1, "K", 7, "")]


def test_text_that_is_not_utf8_is_read_too(ward):
    ward.events("who,hours,code,value\na,1,Größe,7\n".encode("latin-1"))
    assert events_of(store_of(ward), "a") == [(1, "Größe", 7, "")]


@pytest.mark.parametrize(
    ("first", "last", "lost"),
    [
        ('a,1,note,"never closed', "", 0), ('a,1,note,"closed', 'a,2,note,late"', 0), ('a,1,note,5" tube', "", 0), ('a,1,"x,y",1', "", 0),
        ('a,1,"two\nlines",1', "", 0), ('a,1,"two, really\nlines",1', "", 0), ('a,1,note,"never closed', 'a,1,"x,y",1', 1),
    ],
)  # fmt: skip
def test_a_stray_quote_swallows_no_row(ward, first, last, lost):
    rows = [f"b,{i},K,{i}" for i in range(200)]
    ward.events("\n".join(["who,hours,code,value", first, *rows, *([last] if last else [])]))
    store = store_of(ward)
    assert len(events_of(store, "b")) == 200
    assert len(store.times) + sum(store.refused.values()) == 201 + bool(last)
    assert sum(store.refused.values()) == lost


def test_nul_bytes_in_cells_are_part_of_a_word_and_nothing_else_happens(ward):
    ward.events(b"who,hours,code,value\na,1,K\0,7\na\0,1,K,7\na,1,K,x\0\na,1\0,K,7\n")
    store = store_of(ward)
    assert len(store.times) == 3
    assert store.refused == {"time that cannot be read": 1}


def damaged(kind):
    import io

    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({"who": ["a"], "hours": [1.0], "code": ["K"]}), buffer)
    text = b"who,hours,code,value\n" + b"".join(b"%d,1,K,%d\n" % (i, i * 7919) for i in range(50_000))
    return {
        "empty": ("events.csv", b"", "'events.csv' is empty; wanted a table of events with a header"),
        "blank": ("events.csv", b"\n\n", "'events.csv' is empty"),
        "binary": ("events.csv", bytes(range(256)) * 50, "'events.csv' is no text: its first line holds NUL bytes"),
        "binary without NUL": ("events.csv", bytes(range(128, 256)) * 999, "has no header: its first line holds values"),
        "cut gzip": ("events.csv.gz", gzip.compress(text)[:-2000], "'events.csv.gz' is damaged or cut off"),
        "no gzip": ("events.csv.gz", b"who,hours,code\n", "'events.csv.gz' is damaged or cut off"),
        "cut parquet": ("events.parquet", buffer.getvalue()[:-30], "'events.parquet' is damaged or cut off"),
        "empty parquet": ("events.parquet", b"", "'events.parquet' is damaged or cut off"),
        "no arrow": ("events.arrow", b"ARROW1 and no more", "'events.arrow' is damaged or cut off"),
        "missing column": ("events.csv", b"who,hours\na,1\n", "'events.csv' has no column that is named like the code of an event"),
        "no time": ("events.csv", b"who,time,code\na,5,K\n", "no time in column 'time' can be read; where it counts from the case's start"),
    }[kind]  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["empty", "blank", "binary", "binary without NUL", "cut gzip", "no gzip", "cut parquet", "empty parquet", "no arrow", "missing column", "no time"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_in_our_words_and_leaves_nothing(ward, kind):
    name, content, message = damaged(kind)
    ward.events(content, name=name)
    with pytest.raises((StudyError, TableError), match=message.replace("(", r"\(")):
        store_of(ward)
    assert [p for p in (ward.folder / "cache" / "timelines").glob("*") if p.is_dir()] == []


def test_a_header_without_rows_is_a_store_without_events(ward):
    ward.events("who,hours,code,value\n")
    store = store_of(ward)
    assert (len(store.times), len(store.subjects), store.offsets.tolist()) == (0, 0, [0])


def test_the_user_says_which_column_is_what(ward):
    ward.events("who,hours,code,value,other\na,1,K,7,Z\n")
    assert events_of(store_of(ward, names={"code": "other"}), "a")[0][1] == "Z"
    with pytest.raises(StudyError, match=r"'events.csv' has no column 'othr'; did you mean 'other'\?"):
        store_of(ward, names={"code": "othr"})


def test_a_folder_of_tables_is_one_source(ward):
    (ward.folder / "parts").mkdir()
    ward.events("who,hours,code,value\nb,2,K,7\na,1,K,7\n", name="parts/one.csv")
    ward.events("who,hours,code,value\na,0,K,8\n", name="parts/two.csv")
    assert events_of(store_of(ward, source="parts"), "a") == [(0, "K", 8, ""), (1, "K", 7, "")]
    ward.events("who,hours,kode,value\na,0,K,8\n", name="parts/two.csv")
    with pytest.raises(StudyError, match=r"'two.csv' has no column 'code'; did you mean 'kode'\?"):
        store_of(ward, source="parts")


def test_a_store_is_kept_for_its_content_and_for_the_user_alone(ward, monkeypatch):
    ward.events("who,hours,code,value\na,1,K,7\n")
    first = store_of(ward)
    assert stat.S_IMODE(first.folder.stat().st_mode) == 0o700
    assert {p.suffix for p in first.folder.iterdir()} == {".npy", ".parquet", ".json"}
    os.utime(ward.folder / "events.csv")  # another time, the same content
    monkeypatch.setattr(storing, "write", lambda *_: pytest.fail("read again"))
    assert store_of(ward).folder == first.folder
    monkeypatch.undo()
    ward.events("who,hours,code,value\na,1,K,8\n")
    assert store_of(ward).folder != first.folder
    assert store_of(ward, clock="hours").folder != store_of(ward, clock="days").folder


def test_a_torn_store_is_made_anew(ward):
    ward.events("who,hours,code,value\na,1,K,7\n")
    first = store_of(ward)
    (first.folder / "about.json").write_text("{")
    assert events_of(store_of(ward), "a") == [(1, "K", 7, "")]
    assert json.loads((first.folder / "about.json").read_text())["kind"] == "long"


def test_a_full_disk_is_told_and_leaves_nothing(ward, monkeypatch):
    ward.events("who,hours,code,value\na,1,K,7\n")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.Spool, "take", full)
    with pytest.raises(OutputError, match="no room left"):
        store_of(ward)
    assert [p for p in (ward.folder / "cache" / "timelines").glob("*") if p.is_dir()] == []


def test_without_a_cache_the_store_lasts_for_the_process(ward):
    ward.events("who,hours,code,value\na,1,K,7\n")
    store = prepared({}, folder=ward.folder, cache=None, key="who")
    assert len(store.times) == 1
    assert not store.folder.is_relative_to(ward.folder)


# many events -----------------------------------------------------------------------------------------------------------


def test_a_subject_with_a_million_events_and_a_hundred_thousand_codes(ward):
    n = 1_000_000
    rng = np.random.default_rng(0)
    hours = rng.permutation(n) / 64
    codes = np.char.add("code", (np.arange(n) % 100_000).astype(str))
    ward.parquet(
        {"who": pa.array(["a"] * n).dictionary_encode(), "hours": hours, "code": pa.array(codes), "value": np.arange(n) % 1000}
    )
    store = store_of(ward)
    assert (len(store.times), len(store.names), len(store.subjects)) == (n, 100_000, 1)
    assert (np.diff(store.times) > 0).all()
    order = np.argsort(hours)
    assert [store.names[c] for c in store.codes[:50]] == codes[order[:50]].tolist()
    assert store.values[-50:].tolist() == (order[-50:] % 1000).tolist()


@pytest.fixture
def kind(monkeypatch):
    """A kind of source whose pieces are given by the test."""
    import sys
    import types

    made = types.ModuleType("given")
    made.OPTIONS = ()
    made.recognises = lambda _: False
    made.files = lambda _: []
    made.relative = lambda _: False
    made.splits = lambda _: {"a": "train", "b": "held_out"}
    monkeypatch.setitem(sys.modules, "given", made)
    monkeypatch.setattr("osler.modalities.timelines.read.source.KINDS", {**source.KINDS, "omop": "given"})
    monkeypatch.setattr("osler.modalities.timelines.read.find.known_kinds", lambda: ["omop", "long"])
    monkeypatch.setitem(source.KINDS, "omop", "given")
    return made


def piece(rows, **refused):
    columns = {
        "subject": pa.array([r[0] for r in rows], pa.string()).dictionary_encode(), "time": pa.array([r[1] for r in rows], pa.int64()),
        "code": pa.array([r[2] for r in rows], pa.string()).dictionary_encode(), "value": pa.array([r[3] for r in rows], pa.float64()),
        "text": pa.array([r[4] for r in rows], pa.string()), "unit": pa.array([r[5] for r in rows], pa.string()),
    }  # fmt: skip
    return Piece(pa.table(columns), refused)


def test_pieces_of_any_kind_are_taken_and_what_they_refused_is_added_up(ward, kind):
    rows = [("b", 5, "K", 1.0, None, "mg"), ("a", None, "sex", None, "F", None), ("a", 7, "birth", None, None, None)]
    kind.pieces = lambda _: iter([piece(rows, broken=2), piece(rows[:1], broken=1), piece([])])
    store = store_of(ward, source="made://host/base")
    assert store.refused == {"broken": 3, "exact duplicate of another event": 1}
    assert sorted(store.names) == ["K", "birth", "sex//F"]
    assert dict(zip(store.subject_names, store.splits, strict=True)) == {"a": "train", "b": "held_out"}
    assert dict(zip(store.subject_names, store.births.tolist(), strict=True)) == {"a": 7, "b": ALWAYS}
    assert not store.relative


def test_a_database_is_read_once_a_run_and_kept_under_its_content(ward, kind, monkeypatch):
    reads = []

    def pieces(found):
        reads.append(found.place)
        return iter([piece([("a", 5, "K", float(len(reads) > 2), None, None)])])

    kind.pieces = pieces
    first = store_of(ward, source="made://host/base")
    assert store_of(ward, source="made://host/base").folder == first.folder
    assert len(reads) == 1
    monkeypatch.setattr(storing, "FRESH", 0.0)
    assert store_of(ward, source="made://host/base").folder == first.folder  # read anew, the same content
    assert store_of(ward, source="made://host/base").folder != first.folder
    assert len(reads) == 3


def test_a_source_that_goes_away_in_the_middle_leaves_no_store(ward, kind):
    def pieces(found):
        yield piece([("a", 5, "K", 1.0, None, None)])
        raise TableError("the database went away")

    kind.pieces = pieces
    with pytest.raises(TableError, match="went away"):
        store_of(ward, source="made://host/base")
    assert [p for p in (ward.folder / "cache" / "timelines").glob("*") if p.is_dir()] == []


def test_a_source_that_cannot_be_read_is_not_told_as_a_full_disk_and_no_address_is_shown(ward, kind):
    def pieces(found):
        yield piece([("a", 5, "K", 1.0, None, None)])
        raise OSError(5, "Input/output error")

    kind.pieces = pieces
    with pytest.raises(TableError, match=r"^the database could not be read to its end \(Input/output error\)") as error:
        store_of(ward, source="made://me:word@host/base")
    assert "word@" not in str(error.value)


def test_a_store_equals_what_plain_python_sorts(ward, kind):
    rng = np.random.default_rng(1)
    rows = [
        (str(rng.integers(40)), None if rng.random() < 0.05 else int(rng.integers(-50, 50)), f"c{rng.integers(5)}",
         None if rng.random() < 0.3 else float(rng.integers(3)), None, [None, "mg", "g"][rng.integers(3)])
        for _ in range(3000)
    ]  # fmt: skip
    kind.pieces = lambda _: (piece(rows[i : i + 700]) for i in range(0, 3000, 700))
    store = store_of(ward, source="made://host/base")
    for subject in {r[0] for r in rows}:
        own = dict.fromkeys(
            (r[1] if r[1] is not None else ALWAYS, r[2], r[3], r[5] if r[3] is not None and r[5] else "")
            for r in rows
            if r[0] == subject
        )
        wanted = sorted(own, key=lambda e: e[0])
        at = store.subject_names.tolist().index(subject)
        here = range(store.offsets[at], store.offsets[at + 1])
        found = [
            (int(store.times[i]), store.names[store.codes[i]], None if np.isnan(v := float(store.values[i])) else v, store.unit_names[store.units[i]])
            for i in here
        ]  # fmt: skip
        assert found == wanted


@pytest.mark.parametrize(("column", "kind_found"), [("value", "long"), ("numeric_value", "omop")])
def test_one_file_is_of_a_special_kind_only_with_its_column_of_values(ward, kind, column, kind_found):
    """A long table with the other columns of MEDS would lose its values to the reader of MEDS."""
    kind.recognises = lambda _: True
    kind.files = lambda found: [found.place]
    kind.pieces = lambda _: iter([])
    ward.parquet({"who": ["a"], "hours": [1.0], "code": ["K"], column: [7.0]})
    assert store_of(ward).about["kind"] == kind_found


def test_what_is_dated_by_its_day_alone_is_known_when_the_day_is_over(ward):
    """A result "of the 2nd" must not be seen by a prediction at noon of the 2nd; one was born, or came, before the rest."""
    ward.events(
        "who,time,code,value\na,1950-03-01,birth,\na,2020-01-01,admission//URGENT,\na,2020-01-02,HR,80\n"
        "a,2020-01-02 07:00:00,HR,70\na,2020-01-02 00:00:00,HR,60\na,02.01.2020,death,\n"
    )
    cases = {"who": ["a", "a", "a"], "at": ["2020-01-02 12:00:00", "2020-01-03 00:00:00", "2020-01-02"]}
    noon, over, dawn = ([(code, value) for _, code, value in case if code in {"HR", "death", "admission//URGENT"}]
                        for case in ward.cases(cases))  # fmt: skip
    admitted = ("admission//URGENT", pytest.approx(np.nan, nan_ok=True))
    assert noon == [admitted, ("HR", 60), ("HR", 70)]
    assert over == [admitted, ("HR", 60), ("HR", 70), ("HR", 80), ("death", pytest.approx(np.nan, nan_ok=True))]
    assert dawn == [admitted, ("HR", 60)]  # an index time that is a date alone is the day's first moment
    assert [code for _, code, _ in ward.cases(cases, midnight="date")[0]][-1:] == ["age"]
    assert ("HR", 60) not in [(code, value) for _, code, value in ward.cases(cases, midnight="date")[0]]


def test_dates_in_typed_columns_are_known_when_the_day_is_over(ward):
    days = pa.array([dt.date(2020, 1, 2), dt.date(1950, 3, 1)])
    for name, column in (("dates", days), ("stamps", days.cast(pa.timestamp("us")))):
        ward.parquet({"who": ["a", "a"], "time": column, "code": ["HR", "birth"], "value": [80.0, None]}, name=f"{name}.parquet")
    cases = {"who": ["a"], "at": ["2020-01-02 12:00:00"]}
    seen = {
        (name, midnight): [code for _, code, _ in ward.cases(cases, source=f"{name}.parquet", midnight=midnight)[0]]
        for name in ("dates", "stamps")
        for midnight in ("clock", "date")
    }
    assert seen == {("dates", "clock"): ["age"], ("dates", "date"): ["age"], ("stamps", "clock"): ["HR", "age"],
                    ("stamps", "date"): ["age"]}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"midnight": "dates"}, "option 'midnight' is 'dates'; did you mean 'date'"),
        ({"midnight": ["date"]}, "option 'midnight' is "),
        ({"order": "ymd"}, "order: 'ymd' is none of those that there are"),
        ({"coded": "recorded"}, "coded: a source of the kind 'long' has no such option; it is one of 'fhir' and 'omop'"),
    ],
)
def test_an_option_that_would_be_of_no_use_is_told(ward, options, told):
    ward.events("who,time,code,value\na,2020-01-02,HR,80\n")
    with pytest.raises(StudyError, match=re.escape(told)):
        store_of(ward, **options)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "MRN-0001,2024-01-31 10:00:00,HR,80\nMRN-0002,2024-01-31 11:00:00,HR,81\n",
            "has no header: its first line holds values",
        ),
        ("Jane Roe;31.01.2024;HR;80,5\n", "has no header: its first line holds values"),
        (b"\x93NUMPY\x8f\xfe,\xe2\x28\n", "has no header: its first line holds values"),
        ("who,time,code,value\na,2024-01-31 10:00,HR,80\n".encode("utf-16"), "is written in UTF-16; export it as UTF-8"),
    ],
)
def test_a_file_without_names_of_columns_is_told_and_no_value_quoted(ward, content, told):
    ward.events(content)
    with pytest.raises(TableError, match=told) as raised:
        store_of(ward)
    assert not re.search("Jane|MRN|2024|80", str(raised.value))


def test_names_that_no_page_can_show_are_written_out_and_stay_apart(ward):
    """A mark that turns the direction of text makes a code read as another; NUL breaks the XML of a picture."""
    hostile = [
        "a\0b",
        "a\x01b",
        "\u202eevil",
        "\x1b[31mred",
        "x" * 100_000,
        "x" * 99_999 + "y",
        "Glucose\u00a0fasting",
        "氧饱和度 µ",
    ]
    ward.parquet({"who": ["a"] * len(hostile), "hours": [1.0] * len(hostile), "code": hostile, "value": [1.0] * len(hostile),
                  "unit": ["m\0g"] * len(hostile)})  # fmt: skip
    store = store_of(ward)
    assert len(set(store.names)) == len(hostile)
    assert all(name.isprintable() and len(name) <= 501 for name in (*store.names, *store.unit_names))
    assert {"a\\x00b", "\\u202eevil", "Glucose fasting", "氧饱和度 µ"} <= set(store.names)


def test_a_birth_is_one_whatever_is_said_of_it(ward):
    ward.events("who,time,code,value\na,1950-01-01,birth,at home\na,2020-01-01 10:00:00,HR,80\n")
    assert [code for _, code, _ in ward.cases({"who": ["a"], "at": ["2020-01-02"]}, window="10d")[0]] == ["HR", "age"]


def test_a_death_without_its_date_is_counted_and_told_to_nobody(ward):
    ward.events("who,time,code,value\na,,death,\nb,,death//at home,\na,2020-01-01 10:00:00,HR,80\na,,sex,female\n")
    cases = ward.cases({"who": ["a"], "at": ["2020-01-02"]})
    assert sorted(code for _, code, _ in cases[0]) == ["HR", "sex//female"]
    assert store_of(ward).refused == {"death without a date": 2}


def test_reasons_stand_in_one_order_whatever_order_they_came_in(ward, kind):
    folders = set()
    for turn in (1, -1):
        reasons = dict([("no code", 2), ("no subject", 2), ("late", 3)][::turn])
        kind.pieces = lambda _, reasons=reasons: iter([piece([("a", 5, "K", 1.0, None, None)], **reasons)])
        storing._read_of_database.clear()
        folders.add(store_of(ward, source="made://host/base").folder)
    assert len(folders) == 1
