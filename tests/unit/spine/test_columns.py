"""Columns in the cache: read once, shard by shard, whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.contract import Modality
from osler.core.columns import Columns, Field, Ragged, Words
from osler.core.errors import OutputError, Refusal, RunError
from osler.core.registry import modality
from osler.core.table import Table
from osler.spine.columns import Ledger, read_columns
from osler.spine.columns.shards import private, trim
from osler.spine.columns.store import join, load, save
from tests.contract.strips import Strips, write_strips

TABLES = modality("tables")
ROLES = frozenset({"input", "target"})


class Dying(Strips):
    """A kind whose worker is killed by the machine."""

    name = "dying"

    def shard(self, locators, *, reading, roles):
        os._exit(9)


def strips(folder, *, cases: int):
    rows = write_strips(folder, cases=cases)
    cells = {"image": [r["image"] for r in rows], "mask": [r["mask"] for r in rows]}
    return Strips().locate(Table(pa.table(cells), folder), columns=("image",), aligned=("mask",))


def read(locators, cache, *, kind: Modality | None = None, workers: int = 1, watch=None) -> Columns:
    more = {} if watch is None else {"watch": watch}
    return read_columns(kind or Strips(), locators, reading={}, roles=ROLES, cache=cache, workers=workers, **more)


def same(one: Columns, other: Columns) -> None:
    assert one.fields == other.fields
    assert dict(one.refusals) == dict(other.refusals)
    for a, b in ((one.present, other.present), (one.fingerprints, other.fingerprints), (one.words.keys, other.words.keys)):
        np.testing.assert_array_equal(a, b)
    assert list(one.words.texts) == list(other.words.texts)
    for field in one.fields:
        first, second = one[field.name], other[field.name]
        if isinstance(first, Ragged):
            assert isinstance(second, Ragged)
            np.testing.assert_array_equal(first.offsets, second.offsets)
            assert (first.shapes is None) == (second.shapes is None)
            if first.shapes is not None:
                np.testing.assert_array_equal(first.shapes, second.shapes)
            first, second = first.values, second.values
        np.testing.assert_array_equal(first, second)
        assert first.dtype == second.dtype


def made(cache) -> dict[str, int]:
    """The shards in the cache and when each was made."""
    folders = [f for f in (cache / "columns").iterdir() if not f.name.startswith("joined")]
    return {f.name: (f / "columns.json").stat().st_mtime_ns for f in folders}


def test_what_is_read_is_what_the_modality_gives(tmp_path):
    locators = strips(tmp_path, cases=13)
    same(read(locators, tmp_path / "cache"), Strips().shard(locators, reading={}, roles=ROLES))


def test_a_second_reading_makes_nothing(tmp_path):
    locators, cache = strips(tmp_path, cases=13), tmp_path / "cache"
    first, before = read(locators, cache), made(cache)
    assert len(before) == 3
    same(read(locators, cache), first)
    assert made(cache) == before


def test_an_appended_row_redoes_one_shard_only(tmp_path):
    locators, cache = strips(tmp_path, cases=14), tmp_path / "cache"
    read(locators[:13], cache)
    before = made(cache)
    same(read(locators, cache), Strips().shard(locators, reading={}, roles=ROLES))
    after = made(cache)
    assert len(set(after) - set(before)) == 1
    assert {k: v for k, v in after.items() if k in before} == before


def test_a_changed_file_redoes_its_shard_only(tmp_path):
    locators, cache = strips(tmp_path, cases=13), tmp_path / "cache"
    read(locators, cache)
    before = made(cache)
    np.save(tmp_path / "image7.npy", np.zeros((3, 4), np.float32))
    assert read(locators, cache)["image"][7].shape == (3, 4)
    assert len(set(made(cache)) - set(before)) == 1


def test_other_reading_decisions_are_other_columns(tmp_path):
    locators, cache = strips(tmp_path, cases=4), tmp_path / "cache"
    for reading in ({}, {"spacing": 1.0}, {"spacing": 2.0}):
        read_columns(Strips(), locators, reading=reading, roles=ROLES, cache=cache)
    assert len(made(cache)) == 3


@pytest.mark.parametrize("pays", [0.0, 1e-9])
def test_workers_give_what_one_process_gives(tmp_path, monkeypatch, pays):
    monkeypatch.setattr("osler.spine.columns.shards.PAYS", pays)
    locators = strips(tmp_path, cases=13)
    same(read(locators, tmp_path / "two", workers=2), read(locators, tmp_path / "one"))
    assert set(made(tmp_path / "two")) == set(made(tmp_path / "one"))


def test_a_worker_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("osler.spine.columns.shards.PAYS", 0.0)
    with pytest.raises(RunError, match=r"a worker process died while reading.*run again"):
        read(strips(tmp_path, cases=13), tmp_path / "cache", kind=Dying(), workers=2)


@pytest.mark.parametrize("cases", [4, 13])
@pytest.mark.parametrize("harm", ["empty", "cut", "gone", "json", "folder"])
def test_columns_torn_by_a_crash_are_made_again(tmp_path, cases, harm):
    locators, cache = strips(tmp_path, cases=cases), tmp_path / "cache"
    read(locators, cache)
    for folder in (cache / "columns").iterdir():
        values = folder / "image.values.npy"
        if harm == "folder":
            shutil.rmtree(folder)
            folder.mkdir()
        elif harm == "json":
            (folder / "columns.json").write_text('{"fields": ')
        elif harm == "gone":
            values.unlink()
        else:
            values.write_bytes(values.read_bytes()[: 0 if harm == "empty" else 200])
    same(read(locators, cache), Strips().shard(locators, reading={}, roles=ROLES))


def test_a_joined_whole_needs_its_shards_no_more(tmp_path):
    locators, cache = strips(tmp_path, cases=13), tmp_path / "cache"
    first = read(locators, cache)
    for name in made(cache):
        shutil.rmtree(cache / "columns" / name)
    same(read(locators, cache), first)
    assert made(cache) == {}


def test_a_torn_ledger_is_made_again(tmp_path):
    private(tmp_path / "cache")
    (tmp_path / "cache" / "ledger.sqlite").write_bytes(b"no data base" * 100)
    locators = strips(tmp_path, cases=4)
    assert len(read(locators, tmp_path / "cache")) == 4


def test_the_ledger_sees_a_changed_file_and_hashes_an_unchanged_one_once(tmp_path, monkeypatch):
    from osler.spine.columns import ledger as room

    hashed, plain = [], room.file_sha256
    monkeypatch.setattr(room, "file_sha256", lambda path: hashed.append(path) or plain(path))
    path = tmp_path / "scan"
    path.write_bytes(b"one")
    for _ in range(2):
        with Ledger(tmp_path) as ledger:
            first = ledger.digest(path)
    assert len(hashed) == 1
    path.write_bytes(b"other")
    with Ledger(tmp_path) as ledger:
        assert ledger.digest(path) != first
        assert ledger.digest(tmp_path / "nothing") == ""
    with Ledger(tmp_path, verify=True) as ledger:
        ledger.digest(path)
    assert len(hashed) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_and_a_folder_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with Ledger(tmp_path) as ledger:
        assert [ledger.digest(tmp_path / name) for name in ("pipe", ".", "nothing")] == ["", "", ""]


def test_moved_files_are_hashed_again_and_not_read_again(tmp_path):
    (tmp_path / "a").mkdir()
    locators, cache = strips(tmp_path / "a", cases=13), tmp_path / "cache"
    first, before = read(locators, cache), made(cache)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    again = read([replace(x, paths=tuple(p.replace("/a/", "/b/") for p in x.paths)) for x in locators], cache)
    same(again, first)
    assert made(cache) == before


def test_the_cache_is_for_its_user_alone(tmp_path):
    read(strips(tmp_path, cases=4), tmp_path / "cache")
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_a_cache_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another with --cache"):
        private(tmp_path / "file" / "cache")


def test_the_longest_unused_columns_go_first(tmp_path):
    private(tmp_path)
    folders = [tmp_path / "columns" / name for name in "abcd"]
    for age, folder in enumerate(folders):
        folder.mkdir()
        (folder / "x.npy").write_bytes(bytes(100))
        os.utime(folder, (1000 + age, 1000 + age))
    trim(tmp_path, keep={folders[0]}, most=250)
    assert sorted(f.name for f in (tmp_path / "columns").iterdir()) == ["a", "d"]
    trim(tmp_path, keep=set(folders), most=0)
    assert len(list((tmp_path / "columns").iterdir())) == 2


def test_what_a_killed_run_left_unfinished_goes_after_a_day(tmp_path):
    private(tmp_path)
    old, new = (tmp_path / "columns" / f".{name}.12345678" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (1000, 1000))
    trim(tmp_path, keep=set())
    assert not old.exists()
    assert new.exists()


def test_a_case_that_cannot_be_read_keeps_its_place_over_shards(tmp_path):
    locators = strips(tmp_path, cases=13)
    (tmp_path / "image7.npy").write_bytes(b"nonsense")
    (tmp_path / "image12.npy").unlink()
    columns = read(locators, tmp_path / "cache")
    assert sorted(columns.refusals) == [7, 12]
    assert np.flatnonzero(~columns.present).tolist() == [7, 12]
    assert columns["image"][7].size == 0


def test_no_rows_at_all(tmp_path):
    assert len(read([], tmp_path / "cache")) == 0
    locators = TABLES.locate(Table(pa.table({"age": pa.array([], pa.float64())}), tmp_path), columns=("age",))
    reading = {d.name: d.value for d in TABLES.reading(locators, settings={})}
    columns = read_columns(TABLES, locators, reading=reading, roles=frozenset({"input", "baseline"}), cache=tmp_path / "cache")
    assert len(columns) == 0


@st.composite
def shards(draw):
    generator = np.random.default_rng(draw(st.integers(0, 999)))
    fields = (
        Field("numbers", "float32", (2,), labels=("age", "dose")),
        Field("notes", "int64", (None,)),
        Field("scan", "uint8", (None, None, 2)),
    )
    parts = []
    for n in draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)):
        lengths, shapes = generator.integers(0, 4, n), generator.integers(0, 3, (n, 2)).astype(np.int32)
        offsets = [np.concatenate([[0], np.cumsum(x)]).astype(np.int64) for x in (lengths, shapes.prod(1))]
        arrays = {
            "numbers": generator.normal(size=(n, 2)).astype(np.float32),
            "notes": Ragged(generator.integers(0, 9, offsets[0][-1]), offsets[0]),
            "scan": Ragged(generator.integers(0, 9, (offsets[1][-1], 2)).astype(np.uint8), offsets[1], shapes),
        }
        refusals = {row: Refusal("broken", "it ïs", "scan") for row in range(n) if generator.random() < 0.3}
        keys = np.unique(generator.integers(-5, 5, 3))
        words = Words(keys, np.array([f"wörd {k}" for k in keys], object))
        prints = generator.integers(0, 99, (n, 2))
        parts.append(Columns(fields, arrays, generator.random(n) < 0.5, prints, refusals, words))
    return parts


@settings(max_examples=60, deadline=None)
@given(shards())
def test_columns_come_back_and_shards_join_case_by_case(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("shards")
    for number, part in enumerate(parts):
        save(folder / str(number), part)
        same(load(folder / str(number)), part)
    join(folder / "whole", [folder / str(n) for n in range(len(parts))])
    whole = load(folder / "whole")
    at = 0
    for part in parts:
        taken = whole.take(np.arange(at, at + len(part)))
        assert dict(taken.refusals) == dict(part.refusals)
        np.testing.assert_array_equal(taken.fingerprints, part.fingerprints)
        for row in range(len(part)):
            for field in part.fields:
                np.testing.assert_array_equal(taken[field.name][row], part[field.name][row])
        for key, text in zip(part.words.keys, part.words.texts, strict=True):
            assert whole.words.text(int(key)) == text
        at += len(part)
    assert len(whole) == at


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    columns = Strips().shard(strips(tmp_path, cases=2), reading={}, roles=ROLES)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OutputError, match="No space left on device; free space or choose another --cache"):
        save(tmp_path / "out" / "shard", columns)
    assert list((tmp_path / "out").iterdir()) == []


def test_two_processes_that_make_the_same_shard_agree(tmp_path):
    columns = Strips().shard(strips(tmp_path, cases=2), reading={}, roles=ROLES)
    save(tmp_path / "out" / "shard", columns)
    save(tmp_path / "out" / "shard", columns)
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["shard"]
