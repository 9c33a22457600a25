"""Files to prepared columns: images per second, beside a MONAI CacheDataset that does the same.

    python benchmarks/images_reading.py [--images 3000] [--repeats 3]

Both read the MedNIST subset (JPEG, 64 × 64) from a cold start of their own data structures (the files are in the machine's memory
after the first turn, which is not counted): Osler with `spine.columns.read_columns` into a new cache, hashing each file, decoding
it, and computing the baseline's descriptors; MONAI with LoadImage (by Pillow), EnsureChannelFirst, ScaleIntensity, Resize and
num_workers=2, which stands for its own recommendation. Start-up of Python and imports are told apart. Needs the folder of real data
(OSLER_DATA, or ../shared/data) and a package index for the peer.
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

from peers import environment

ROOT = Path(__file__).resolve().parents[1]
OSLER = """
import json, os, shutil, sys, tempfile, time
began = time.perf_counter()
from pathlib import Path
import pyarrow as pa
from osler.core.table import Table
from osler.modalities.images import Images
from osler.spine.columns import read_columns
folder, count, roles = Path(sys.argv[1]), int(sys.argv[2]), frozenset(sys.argv[3].split("+"))
cells = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.jpeg"))
cells = (cells * (count // len(cells) + 1))[:count]
imported = time.perf_counter() - began
with tempfile.TemporaryDirectory() as cache:
    began = time.perf_counter()
    images = Images()
    located = images.locate(Table(pa.table({"image": cells}), folder), columns=("image",))
    reading = {d.name: d.value for d in images.reading(located, settings={})}
    columns = read_columns(images, located, reading=reading, roles=roles, cache=Path(cache), workers=os.cpu_count())
    assert columns.present.all() and columns["pixels"].shape == (count, 1, 64, 64) if "input" in roles else True
    print(json.dumps([imported, time.perf_counter() - began]))
"""
MONAI = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
began = time.perf_counter()
from pathlib import Path
from monai.data import CacheDataset
from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Resize, ScaleIntensity
folder, count = Path(sys.argv[1]), int(sys.argv[2])
files = sorted(str(p) for p in folder.rglob("*.jpeg"))
files = (files * (count // len(files) + 1))[:count]
imported = time.perf_counter() - began
began = time.perf_counter()
steps = Compose([LoadImage(image_only=True), EnsureChannelFirst(), ScaleIntensity(), Resize((64, 64))])
data = CacheDataset(files, steps, num_workers=2, progress=False)
assert len(data) == count and tuple(data[0].shape) == (1, 64, 64)
print(json.dumps([imported, time.perf_counter() - began]))
"""


def run(python: str | Path, code: str, *words: object) -> tuple[float, float]:
    """Return seconds of imports and of the work."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src") if code is OSLER else "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([python, "-c", code, *map(str, words)], check=True, capture_output=True, text=True, env=variables)
    imported, seconds = json.loads(done.stdout.strip().splitlines()[-1])
    return imported, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    folder = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data") / "images" / "mednist"
    peer = environment("monai", "monai==1.6.1", "torch==2.13.0", "pillow==13.0.0")
    print(f"{platform.machine()}, {os.cpu_count()} cores; {asked.images:,} JPEG of 64 × 64", flush=True)
    runs: list[tuple[str, str | Path, str, tuple[object, ...]]] = [
        ("osler, pixels, hashes and descriptors", sys.executable, OSLER, ("input+baseline",)),
        ("osler, pixels and hashes alone", sys.executable, OSLER, ("input",)),
    ]
    if peer is not None:
        runs.append(("monai CacheDataset, 2 workers", peer, MONAI, ()))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, *_ in runs}
    for turn in range(asked.repeats + 1):
        for name, python, code, words in runs:
            took = run(python, code, folder, asked.images, *words)
            if turn:
                found[name].append(took)
    for name, times in found.items():
        imports, seconds = (statistics.median(column) for column in zip(*times, strict=True))
        rates = sorted(asked.images / work for _, work in times)
        print(
            f"{name:38s} {asked.images / seconds:8,.0f} images/s ({rates[0]:,.0f} to {rates[-1]:,.0f}); imports {imports:.1f} s"
        )


if __name__ == "__main__":
    main()
