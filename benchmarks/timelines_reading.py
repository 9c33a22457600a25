"""Events to prepared columns: seconds and memory from 10^5 to 10^7 events, beside a plain pandas pipeline.

    python benchmarks/timelines_reading.py [--events 100000 1000000 10000000] [--folder DIR] [--without-peer]
    python benchmarks/timelines_reading.py --real

The first repeats the chart events of the MIMIC-III demo as new subjects in a Parquet file, with one case per subject at its last event,
and runs the whole way: hash the file, sort into a store, decide on units and limits, make the columns. The pandas pipeline reads
the same file, drops duplicates, sorts by subject and time, joins the cases, keeps what lies before their time, and numbers the codes; it
neither looks at units, limits and text, nor keeps anything on disk. The second reads the demo's chart and laboratory events from their
.csv.gz, and PhysioNet 2012 set a and b from one table.

Each step has a process of its own, whose peak memory is told with that of its libraries alone; memory-mapped files count in it.
Needs the folder of real data (OSLER_DATA, or ../shared/data).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data") / "records"
HEAD = """
import json, resource, sys, time
from pathlib import Path
spent = time.process_time
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
folder, source, columns = Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
"""
OSLER = (
    HEAD
    + """
import polars, pyarrow.csv, pyarrow.dataset, pyarrow.parquet
from osler.core.table import Table
from osler.modalities.timelines import Timelines
from osler.spine.columns import read_columns
loaded, began, laps = peak(), time.perf_counter(), []
table = Table(pyarrow.parquet.read_table(folder / "table.parquet"), folder)
modality, cache = Timelines(), folder / "cache"
def lap():
    laps.append(time.perf_counter() - began - sum(laps))
rows = modality.locate(table, columns=columns, options={"source": source}, cache=cache)
lap()
reading = {d.name: d.value for d in modality.reading(rows, settings={})}
lap()
found = read_columns(modality, rows, reading=reading, roles=frozenset({"input"}), cache=cache)
lap()
print(json.dumps([len(found["times"].values), laps, spent(), loaded, peak()]))
"""
)
PANDAS = (
    HEAD
    + """
import pandas as pd
loaded, began = peak(), time.perf_counter()
events = pd.read_parquet(folder / source)
events = events.dropna(subset=["subject_id", "itemid", "charttime"]).drop_duplicates()
events = events.sort_values(["subject_id", "charttime"], kind="stable")
joined = events.merge(pd.read_parquet(folder / "table.parquet"), on="subject_id")
joined = joined[joined["charttime"] <= joined["until"]]
days = (joined["charttime"] - joined["until"]).dt.total_seconds().to_numpy("float32") / 86400
codes, names = pd.factorize(joined["itemid"])
offsets = joined.groupby("subject_id", sort=False).size().cumsum().to_numpy()
values = joined["valuenum"].to_numpy("float32")
print(json.dumps([len(days), [time.perf_counter() - began], spent(), loaded, peak()]))
"""
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, help="where the files are written; default: the temporary folder")
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--real", action="store_true")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if asked.real:
        real(asked.folder)
        return
    for events in asked.events:
        with tempfile.TemporaryDirectory(dir=asked.folder) as name:
            apart(repeated, Path(name), events=events)
            told("osler", OSLER, Path(name), source="events.parquet", columns="subject_id,until")
            if not asked.without_peer:
                told("pandas", PANDAS, Path(name), source="events.parquet", columns="")


def apart(write: Callable[..., None], *places: Path, **sizes: int) -> None:
    """Write data in a process of its own: a child's peak memory begins with its parent's."""
    writer = multiprocessing.get_context("spawn").Process(target=write, args=places, kwargs=sizes)
    writer.start()
    writer.join()
    assert writer.exitcode == 0


def real(folder: Path | None) -> None:
    for name in ("CHARTEVENTS", "LABEVENTS"):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            home = Path(place)
            shutil.copy(DATA / f"mimic3demo/{name}.csv.gz", home)
            apart(stays, home)
            told(name, OSLER, home, source=f"{name}.csv.gz", columns="subject_id,outtime")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        home = Path(place)
        apart(physionet, home)
        told("PhysioNet 2012, a and b", OSLER, home, source="events.csv", columns="RecordID")


def stays(home: Path) -> None:
    import polars as pl

    pl.read_csv(DATA / "mimic3demo/ICUSTAYS.csv.gz", columns=["subject_id", "outtime"]).write_parquet(home / "table.parquet")


def physionet(home: Path) -> None:
    """Write the text files of both sets as one table; that is not measured."""
    import polars as pl

    records = []
    with (home / "events.csv").open("w") as out:
        out.write("RecordID,Time,Parameter,Value\n")
        for part in "ab":
            with tarfile.open(DATA / f"physionet2012/set-{part}.tar.gz") as archive:
                for member in archive:
                    if member.name.endswith(".txt"):
                        records.append(int(Path(member.name).stem))
                        lines = archive.extractfile(member).read().decode().splitlines()[1:]
                        out.writelines(f"{records[-1]},{line}\n" for line in lines)
    pl.DataFrame({"RecordID": records}).write_parquet(home / "table.parquet")


def repeated(folder: Path, *, events: int) -> None:
    """Write `events` chart events: those of the demo again and again, each time of new subjects."""
    import polars as pl
    import pyarrow.parquet as pq

    kinds = {
        "subject_id": pl.Int64,
        "itemid": pl.Int64,
        "valuenum": pl.Float64,
        "charttime": pl.String,
        "value": pl.String,
        "valueuom": pl.String,
    }
    rows = pl.read_csv(DATA / "mimic3demo/CHARTEVENTS.csv.gz", columns=list(kinds), schema_overrides=kinds)
    rows = rows.with_columns(pl.col("charttime").str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S"))
    last = []
    schema = rows.to_arrow().schema
    with pq.ParquetWriter(folder / "events.parquet", schema) as out:
        for turn, start in enumerate(range(0, events, len(rows))):
            part = rows.head(events - start).with_columns(pl.col("subject_id") + turn * 1_000_000)
            part = part.sample(fraction=1.0, shuffle=True, seed=turn)
            out.write_table(part.to_arrow().cast(schema))
            last.append(part.group_by("subject_id").agg(until=pl.col("charttime").max()))
    pl.concat(last).write_parquet(folder / "table.parquet")


def told(name: str, step: str, folder: Path, *, source: str, columns: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", step, str(folder), source, columns], check=True, capture_output=True, text=True, env=environment
    )
    events, laps, spent, loaded, peak = json.loads(done.stdout.splitlines()[-1])
    parts = f" (store {laps[0]:.2f}, decide {laps[1]:.2f}, columns {laps[2]:.2f})" if len(laps) == 3 else ""
    rate = events / sum(laps)
    print(
        f"{name}: {events:,} events in {sum(laps):.2f} s{parts}, {rate:,.0f}/s, {spent:.1f} s of processors, peak {peak:,.0f} MiB, libraries {loaded:,.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
