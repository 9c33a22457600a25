"""`osler predict` on very many pictures: memory, images per second, and where the time goes.

    python benchmarks/images_prediction.py [--images 100000] [--bundle DIR]

A bundle is trained on PneumoniaMNIST (28 × 28, `osler data get` from the mirror of real data), and predicts a table that names its
5,856 files again and again. Memory is the peak of the process, and of each worker, above that of 2,000 images: it should not grow.
Decoding runs in processes beside the network where it takes long; "decode" is the time in which the network waited for it.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
CODE = """
import json, sys, time
from osler.flows import predict as flow
from osler.flows.predictor import Predictor
from osler.spine.rows import Parts
few, many, bundle, out = sys.argv[1:5]
spent = {}
def timed(name, owner, attribute):
    plain = getattr(owner, attribute)
    def around(*args, **more):
        began = time.perf_counter()
        try:
            return plain(*args, **more)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began
    setattr(owner, attribute, around)
timed("network and baseline", Predictor, "lines")
timed("write", Parts, "write")
timed("write", Parts, "join")
flow.predict(bundle, few, out=out + "/few.csv")
def own(*_):
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024
before = own()
spent.clear()
began = time.perf_counter()
flow.predict(bundle, many, out=out + "/many.csv")
total = time.perf_counter() - began
from joblib.externals.loky import get_reusable_executor
workers = max(get_reusable_executor().map(own, range(16)))
print(json.dumps([total, before, own(), workers, spent]))
"""


def main() -> None:
    import json

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--bundle", type=Path)
    asked = parser.parse_args()
    mirror = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data") / "images"
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        osler = [sys.executable, "-m", "osler"]
        subprocess.run(
            [*osler, "data", "get", "pneumoniamnist", "--to", folder / "study", "--mirror", mirror],
            check=True,
            env=variables,
            capture_output=True,
        )
        bundle = asked.bundle or folder / "model"
        if asked.bundle is None:
            words = ["train", folder / "study" / "study.yaml", "--out", bundle, "--budget", "30s", "--cache", folder / "cache"]
            subprocess.run([*osler, *words], check=True, env=variables, capture_output=True)
        table = pl.read_csv(folder / "study" / "table.csv")
        few, many = folder / "study" / "few.csv", folder / "study" / "many.csv"
        table.head(2000).write_csv(few)
        pl.concat([table] * (asked.images // len(table) + 1)).head(asked.images).write_csv(many)
        done = subprocess.run(
            [sys.executable, "-c", CODE, few, many, bundle, folder], check=True, env=variables, capture_output=True, text=True
        )
        total, before, after, workers, spent = json.loads(done.stdout.splitlines()[-1])
        lines = pl.read_csv(folder / "many.csv")
        assert len(lines) == asked.images
        assert (lines["refused"].fill_null("") == "").all()
        print(f"{platform.machine()}, {os.cpu_count()} cores; {asked.images:,} PNG of 28 × 28")
        print(
            f"{asked.images / total:,.0f} images/s; memory {after - before:,.0f} MiB above {before:,.0f} MiB, worker at most {workers:,.0f} MiB"
        )
        for part, seconds in {"decode (waited for)": total - sum(spent.values()), **spent}.items():
            print(f"  {part:22s} {seconds:7.1f} s  {100 * seconds / total:3.0f}%")


if __name__ == "__main__":
    main()
