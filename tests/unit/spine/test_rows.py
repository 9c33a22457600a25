"""Tables of predictions are written whole, safely, and in the format of their name."""

import contextlib
import csv
import gzip
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osler.core.errors import OutputError, RequestError
from osler.spine.rows import Parts, open_writer

BLOCKS = [
    {
        "id": np.array(["a", None, 'say "x", y'], object),
        "probability": np.array([0.1 + 0.2, np.nan, 1e-20]),
        "class": np.array([1, 0, 1]),
        "sure": np.array([True, False, True]),
    },
    {
        "id": np.array(["two\nlines"], object),
        "probability": np.array([1.0], np.float32),
        "class": np.array([2**60]),
        "sure": np.array([False]),
    },
]
ROWS = [
    ("a", 0.1 + 0.2, 1, True),
    (None, None, 0, False),
    ('say "x", y', 1e-20, 1, True),
    ("two\nlines", 1.0, 2**60, False),
]


def from_text(path, delimiter):
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        header, *rows = csv.reader(file, delimiter=delimiter)
    assert header == ["id", "probability", "class", "sure"]
    return [(a or None, float(p) if p else None, int(c), s == "true") for a, p, c, s in rows]


def back(path):
    """Read the file with another reader than wrote it, where there is one."""
    if ".csv" in path.name or ".tsv" in path.name:
        return from_text(path, "\t" if ".tsv" in path.name else ",")
    if path.suffix in {".jsonl", ".ndjson"}:
        return [tuple(json.loads(line).values()) for line in path.read_text().splitlines()]
    rows = pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(path.read_bytes()).read_all()
    return list(zip(*rows.to_pydict().values(), strict=True))


ENDINGS = ["csv", "csv.gz", "tsv", "tsv.gz", "parquet", "arrow", "feather", "jsonl", "ndjson", "CSV"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("by_parts", [False, True])
def test_every_format_holds_the_same_rows(ending, by_parts, tmp_path):
    path = tmp_path / f"out.{ending}"
    if by_parts:
        parts = Parts(path, key="k")
        for block in BLOCKS:
            parts.write(block)
        parts.join()
    else:
        with open_writer(path) as writer:
            for block in BLOCKS:
                writer.write(block)
        assert writer.rows == 4
    assert back(path.rename(path.with_name(path.name.lower()))) == ROWS
    assert len(list(tmp_path.iterdir())) == 1


def test_an_unknown_ending_is_told_before_any_work(tmp_path):
    for path in (tmp_path / "out.xlsx", tmp_path / "out", tmp_path / ".csv"):
        with (
            pytest.raises(RequestError, match=r"no format is known by this ending; known: .csv, .csv.gz, .tsv"),
            open_writer(path),
        ):
            pytest.fail("the body must not run")
        with pytest.raises(RequestError, match="no format is known"):
            Parts(path, key="")
    assert not list(tmp_path.iterdir())


def test_cells_that_a_spreadsheet_would_run_get_an_apostrophe_in_text_only(tmp_path):
    cells = ["=cmd|'/C calc'!A0", "+1+1", "-x", "@SUM(1)", "\tx", "\rx", "-1.5", "+2e-3", ".5", "a=b", "", None]
    for ending in ("csv", "parquet", "jsonl"):
        with open_writer(tmp_path / f"out.{ending}") as writer:
            writer.write({"=id": np.array(cells, object), "value": np.full(len(cells), -2.0)})
    with (tmp_path / "out.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["'=id", "value"]
    assert [row[0] for row in rows] == ["'" + cell if at < 6 else cell or "" for at, cell in enumerate(cells)]
    assert {row[1] for row in rows} == {"-2.0"}
    assert pq.read_table(tmp_path / "out.parquet")["=id"].to_pylist() == cells
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["=id"] == cells[0]


def test_a_table_without_rows_has_a_header_where_its_schema_is_known(tmp_path):
    schema = pa.schema({"a": pa.string(), "b": pa.float64()})
    for ending in ENDINGS[:-1]:
        with open_writer(tmp_path / f"out.{ending}", schema=schema):
            pass
    assert (tmp_path / "out.csv").read_text() == "a,b\n"
    assert pq.read_table(tmp_path / "out.parquet").schema.names == ["a", "b"]


def test_an_error_leaves_the_old_output(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def stopped():
        with open_writer(path) as writer:
            writer.write(BLOCKS[0])
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stopped()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


# resume -------------------------------------------------------------------------------------------------------------------


def block(number):
    return {"row": np.arange(number * 10, number * 10 + 10), "text": np.array([f"t{number}"] * 10, object)}


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from osler.spine.rows import Parts
parts = Parts(Path(sys.argv[1]), key="same")
for number in range(parts.done(), 5):
    block = {"row": np.arange(number * 10, number * 10 + 10), "text": np.array([f"t{number}"] * 10, object)}
    if number == int(sys.argv[2]):
        (parts.folder / f".part-{number:06d}.parquet.half.part").write_bytes(b"PAR1 half")
        os.kill(os.getpid(), signal.SIGKILL)
    parts.write(block)
parts.join()
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    out, straight = tmp_path / "out.csv", tmp_path / "straight.csv"
    for at in (2, 4):
        killed = subprocess.run([sys.executable, "-c", KILLED, out, str(at)], check=False)
        assert killed.returncode == -9
        assert not out.exists()
        assert Parts(out, key="same").done() == at
    for path in (out, straight):
        subprocess.run([sys.executable, "-c", KILLED, path, "9"], check=True)
    assert out.read_bytes() == straight.read_bytes()
    assert len(out.read_text().splitlines()) == 51
    assert sorted(tmp_path.iterdir()) == [out, straight]


def test_parts_of_another_key_are_thrown_away(tmp_path):
    parts = Parts(tmp_path / "out.csv", key="one")
    parts.write(block(0))
    assert Parts(tmp_path / "out.csv", key="one").done() == 1
    assert Parts(tmp_path / "out.csv", key="two").done() == 0
    assert Parts(tmp_path / "out.csv", key="one").done() == 0


def test_parts_without_a_block_vanish_with_an_error_and_others_stay_for_the_next_run(tmp_path):
    for blocks in (0, 1):
        with contextlib.suppress(OSError), Parts(tmp_path / "rows.csv", key="k") as parts:
            for block in BLOCKS[:blocks]:
                parts.write(block)
            raise OSError
        assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv.parts"] * blocks
    with Parts(tmp_path / "rows.csv", key="k") as parts:
        assert parts.done() == 1
        parts.join()
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_parts_are_private_and_a_damaged_one_is_written_again(tmp_path):
    parts = Parts(tmp_path / "out.csv", key="k")
    for number in range(3):
        parts.write(block(number))
    assert parts.folder.stat().st_mode & 0o777 == 0o700
    damaged = parts.folder / "part-000001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-5])
    again = Parts(tmp_path / "out.csv", key="k")
    assert again.done() == 1
    for number in (1, 2):
        again.write(block(number))
    again.join()
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 31


def test_whole_numbers_in_one_part_and_fractions_in_another(tmp_path):
    parts = Parts(tmp_path / "out.parquet", key="k")
    parts.write({"a": np.array([1, 2])})
    parts.write({"a": np.array([0.5])})
    parts.join()
    assert pq.read_table(tmp_path / "out.parquet")["a"].to_pylist() == [1.0, 2.0, 0.5]


# a disk that says no ------------------------------------------------------------------------------------------------------

FILL = """
import sys
from pathlib import Path
import numpy as np
from osler.core.errors import OslerError
from osler.spine.rows import Parts, open_writer
out = Path(sys.argv[1])
rows = {"text": np.array([f"{at} some text that does not pack well {at * at}" for at in range(20000)], object)}
try:
    if sys.argv[2] == "parts":
        parts = Parts(out, key="k")
        for _ in range(20):
            parts.write(rows)
    else:
        with open_writer(out) as writer:
            for _ in range(20):
                writer.write(rows)
except OslerError as error:
    print(type(error).__name__, error)
"""


def filled(out, how, **options):
    done = subprocess.run([sys.executable, "-c", FILL, out, how], capture_output=True, text=True, check=True, **options)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet", "out.arrow", "out.jsonl"])
@pytest.mark.parametrize("how", ["whole", "parts"])
def test_a_limit_on_the_size_of_files_is_a_sentence(name, how, tmp_path):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, 64 << 10))

    said = filled(tmp_path / name, how, preexec_fn=limited)
    assert said.startswith("OutputError no room left while writing")
    assert "free some space" in said
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "key"]


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 256 kB; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a full disk needs the right to mount one; the limit on file sizes is tested")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet", "out.jsonl"])
def test_a_full_disk_is_a_sentence_and_leaves_nothing_half(name, small_disk):
    assert filled(small_disk / name, "whole").startswith("OutputError no room left while writing")
    assert not list(small_disk.iterdir())


def test_a_read_only_disk_is_a_sentence(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for how in ("whole", "parts"):
        assert "may not be written to" in filled(small_disk / "out.csv", how)


def test_a_read_only_folder_is_a_sentence(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for the superuser; a read-only disk is tested")
    tmp_path.chmod(0o500)
    with pytest.raises(RequestError, match="may not be written to"), open_writer(tmp_path / "out.csv"):
        pytest.fail("the body must not run")


def test_a_table_that_does_not_fit_into_the_cache_s_disk(small_disk, tmp_path):
    from osler.spine.scan import open_table

    (tmp_path / "t.csv").write_text("a,b\n" + "some text,more text\n" * 50_000)
    with pytest.raises(OutputError, match="no room left"):
        open_table(tmp_path / "t.csv", cache=small_disk / "cache")
    assert not list((small_disk / "cache").iterdir())


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(RequestError, match="no folder that exists"), open_writer(Path(tmp_path / "no" / "out.csv")):
        pytest.fail("the body must not run")
    with pytest.raises(RequestError, match="no folder that exists"):
        Parts(tmp_path / "no" / "out.csv", key="k")
