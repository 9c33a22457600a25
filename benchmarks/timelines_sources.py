"""Public records to a study: seconds and peak memory of both conversions, PhysioNet 2012 beside a plain pandas loop.

    python benchmarks/timelines_sources.py [--repeats 3]

Each turn is a process of its own. Osler's seconds are those of `osler.datasets.get` with a mirror: sums of all files, reading, converting,
and writing table, events and studies; "prepared" adds sorting the events into a store, deciding on units and limits, and the columns of all
cases (events counted are those that the cases may see). The loop is what most code for these files does: unpack, `pandas.read_csv` per stay, concatenate,
write Parquet; it checks no sums, and makes no table and no units. Start-up of Python and imports are told apart. Peak memory is the process's largest
resident set. Needs the folder of real data (OSLER_DATA, or ../shared/data); pandas comes with the extra `dev`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAST = """
import resource
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(json.dumps([imported, time.perf_counter() - began, peak, events]))
"""
OSLER = """
import json, sys, tempfile, time
began = time.perf_counter()
from pathlib import Path
import polars as pl
from osler.datasets import get
imported = time.perf_counter() - began
with tempfile.TemporaryDirectory() as folder:
    began = time.perf_counter()
    study = get(sys.argv[2], to=Path(folder) / "study", mirror=Path(sys.argv[1]))
    took = time.perf_counter() - began
    events = pl.scan_parquet(study.parent / "events.parquet").select(pl.len()).collect().item()
    began = time.perf_counter() - took
"""
PREPARED = """
import json, sys, tempfile, time
began = time.perf_counter()
from pathlib import Path
import polars, pyarrow.csv, pyarrow.dataset, pyarrow.parquet, yaml
from osler.core.table import Table
from osler.datasets import get
from osler.modalities.timelines import Timelines
from osler.spine.columns import read_columns
imported = time.perf_counter() - began
with tempfile.TemporaryDirectory() as folder:
    began, cache, modality = time.perf_counter(), Path(folder) / "cache", Timelines()
    study = get(sys.argv[2], to=Path(folder) / "study", mirror=Path(sys.argv[1]))
    asked = yaml.safe_load(study.read_text())
    events = next(one for one in asked["inputs"].values() if one["modality"] == "timelines")
    options = {k: v for k, v in events.items() if k not in ("modality", "columns")}
    table = Table(pyarrow.csv.read_csv(study.parent / asked["table"]), study.parent)
    rows = modality.locate(table, columns=events["columns"], options=options, cache=cache)
    reading = {d.name: d.value for d in modality.reading(rows, settings={})}
    columns = read_columns(modality, rows, reading={**reading, "after": options.get("after")}, roles=frozenset({"input"}), cache=cache)
    took, events = time.perf_counter() - began, len(columns["times"].values)
    began = time.perf_counter() - took
"""
PANDAS = """
import json, sys, tarfile, tempfile, time
began = time.perf_counter()
from pathlib import Path
import pandas as pd
imported = time.perf_counter() - began
with tempfile.TemporaryDirectory() as folder:
    began = time.perf_counter()
    frames = []
    for name in "ab":
        with tarfile.open(Path(sys.argv[1]) / "physionet2012" / f"set-{name}.tar.gz") as archive:
            for member in archive:
                if member.isfile():
                    frame = pd.read_csv(archive.extractfile(member))
                    frame = frame[frame["Parameter"] != "RecordID"].assign(stay=Path(member.name).stem)
                    clock = frame["Time"].str.split(":", expand=True).astype(int)
                    frames.append(frame.assign(minutes=clock[0] * 60 + clock[1]))
    table = pd.concat(frames)
    table.to_parquet(Path(folder) / "events.parquet")
    events = len(table)
"""


def run(code: str, *words: object) -> tuple[float, float, float, int]:
    """Return seconds of imports and of the work, the peak in bytes, and the events."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code + LAST, *map(str, words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=variables)
    imported, seconds, peak, events = json.loads(done.stdout.strip().splitlines()[-1])
    return imported, seconds, peak, events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    mirror = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data") / "records"
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    runs: list[tuple[str, str, tuple[object, ...]]] = [
        ("osler, PhysioNet 2012, 8,000 stays", OSLER, ("physionet2012",)),
        ("pandas loop, PhysioNet 2012", PANDAS, ()),
        ("osler, MIMIC-III demo, 25 tables", OSLER, ("mimic3-demo",)),
        ("  to prepared timelines", PREPARED, ("mimic3-demo",)),
        ("osler, PhysioNet 2012, to the same", PREPARED, ("physionet2012",)),
    ]
    found: dict[str, list[tuple[float, float, float, int]]] = {name: [] for name, *_ in runs}
    for turn in range(asked.repeats + 1):  # the first fills the machine's cache of files and is not counted
        for name, code, words in runs:
            took = run(code, mirror, *words)
            if turn or not asked.repeats:
                found[name].append(took)
    for name, turns in found.items():
        imports, seconds, peak, events = (statistics.median(column) for column in zip(*turns, strict=True))
        spread = sorted(work for _, work, _, _ in turns)
        print(
            f"{name:36s} {seconds:6.1f} s ({spread[0]:.1f} to {spread[-1]:.1f}); {peak / 2**30:.2f} GiB; "
            f"{events:,.0f} events; imports {imports:.1f} s"
        )


if __name__ == "__main__":
    main()
