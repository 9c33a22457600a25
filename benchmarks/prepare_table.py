"""Prepare a table that is larger than should be held in memory, and say how fast and in how much memory.

python benchmarks/prepare_table.py [ROWS] [COLUMNS] [FOLDER]: writes a CSV of that size into a temporary folder, opens it with
`osler.spine.scan.open_table`, streams it with `blocks`, and removes it. Memory is the peak of each step's own process.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

STEP = """
import json, resource, sys, time
from pathlib import Path
from osler.spine.scan import blocks, open_table
import osler.spine.scan.text
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
loaded = peak()
start = time.perf_counter()
path = Path(sys.argv[1])
rows = len(open_table(path, cache=path.parent / "cache")) if sys.argv[2] == "open" else sum(map(len, blocks(path)))
seconds = time.perf_counter() - start
print(json.dumps([rows, seconds, loaded, peak()]))
"""


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    columns = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    folder = Path(tempfile.mkdtemp(prefix="osler-prepare-", dir=sys.argv[3] if len(sys.argv) > 3 else None))
    try:
        path = folder / "table.csv"
        # In a process of its own: a child's peak memory begins with its parent's.
        writer = multiprocessing.get_context("spawn").Process(
            target=write, args=(path,), kwargs={"rows": rows, "columns": columns}
        )
        writer.start()
        writer.join()
        size = path.stat().st_size
        print(f"{platform.machine()}, {os.cpu_count()} cores; {rows:,} x {columns} cells, {size / 1e6:,.0f} MB")
        for name in ("open", "blocks"):
            out = subprocess.run([sys.executable, "-c", STEP, str(path), name], check=True, capture_output=True, text=True).stdout
            counted, seconds, loaded, peak = json.loads(out)
            assert counted == rows, (counted, rows)
            print(
                f"{name}: {seconds:.1f} s, {rows / seconds:,.0f} rows/s, {size / seconds / 1e6:.0f} MB/s, "
                f"peak {peak / 1024:,.0f} MiB of which libraries {loaded / 1024:,.0f} MiB"
            )
    finally:
        shutil.rmtree(folder)


def write(path: Path, *, rows: int, columns: int) -> None:
    """Numbers, categories, dates and gaps; a hundred thousand distinct rows, repeated."""
    generator = np.random.default_rng(0)
    cells = []
    some = min(rows, 100_000)
    for at in range(columns):
        kind = at % 4
        if kind == 0:
            cells.append([f"{v:.5g}" if v > -1.5 else "" for v in generator.normal(size=some)])
        elif kind == 1:
            cells.append([("male", "female", "not known", '"other, see text"')[v] for v in generator.integers(0, 4, some)])
        elif kind == 2:
            cells.append([str(v) for v in generator.integers(0, 100_000, some)])
        else:
            cells.append([str(v) for v in np.datetime64("2001-01-01") + generator.integers(0, 9000, some)])
    text = "".join(",".join(row) + "\n" for row in zip(*cells, strict=True))
    with path.open("w") as file:
        file.write(",".join(f"column_{at}" for at in range(columns)) + "\n")
        for _ in range(rows // some):
            file.write(text)
        file.writelines(text.splitlines(keepends=True)[: rows % some])


if __name__ == "__main__":
    main()
