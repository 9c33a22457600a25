"""`osler evaluate` on a million cases: seconds, processor seconds by stage, and memory.

    python benchmarks/evaluation.py [--rows 1000000] [--task binary|multiclass|multilabel|regression] [--crews 1 5] [--share S]

A small table of scikit-learn is repeated to the rows asked for, its numbers changed by up to a hundredth at random so that hardly two cases
are equal; the bundles are trained on the small table. Large studies have one crew of members (an own tune and calibrate part), studies
under 1,000 groups five. --share says how much of the prediction is the network's, whatever training found: 1 makes the network of every
case, 0 the baseline of every case, and the other of a random part of them, .5 both of every case.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

CODE = """
import dataclasses, resource, sys, time
from osler.core.watch import Watch
from osler.flows import evaluate as flow
from osler.spine.output import Blend

bundle, few, many, out, share = sys.argv[1:6]
load = flow.load
if share != "own":
    flow.load = lambda *asked, **named: dataclasses.replace(load(*asked, **named), blend=Blend(float(share)))

class Stages(Watch):
    name, spent, began = "starting", {}, (0.0, 0.0)

    def stage(self, name, **more):
        now = time.process_time(), time.monotonic()
        self.spent[self.name] = tuple(end - start for end, start in zip(now, self.began))
        self.name, self.began = name, now

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
flow.evaluate(bundle, few, out=out + "/few")
loaded, watch, began = peak(), Stages(), (time.process_time(), time.monotonic())
watch.began = began
flow.evaluate(bundle, many, out=out + "/many", watch=watch)
watch.stage("")
wall, own = time.monotonic() - began[1], time.process_time() - began[0]
print(f"{wall:.0f} s, {own:.0f} s of processor time; peak {peak():,.0f} MiB, libraries {loaded:,.0f} MiB; by stage (processor, wall): "
      + ", ".join(f"{name} {one:.0f} {two:.0f}" for name, (one, two) in watch.spent.items()))
"""


def binary() -> pl.DataFrame:
    loaded = load_breast_cancer(as_frame=True)
    return pl.from_pandas(loaded.data).with_columns(outcome=pl.Series(["mb"[v] for v in loaded.target]))


def multiclass() -> pl.DataFrame:
    loaded = load_wine(as_frame=True)
    return pl.from_pandas(loaded.data).with_columns(outcome=pl.Series(["abc"[v] for v in loaded.target]))


def multilabel() -> pl.DataFrame:
    """Malignant, and whether two sizes, which are then left out, lie above their median."""
    frame, names = binary(), ("worst area", "mean texture")
    above = {f"outcome{n}": pl.when(pl.col(name) > pl.col(name).median()).then(pl.lit("yes")).otherwise(pl.lit("no"))
             for n, name in enumerate(names)}  # fmt: skip
    malignant = pl.when(pl.col("outcome") == "m").then(pl.lit("yes")).otherwise(pl.lit("no"))
    return frame.with_columns(**above, outcome2=malignant).drop("outcome", *names)


def regression() -> pl.DataFrame:
    loaded = load_diabetes(as_frame=True, scaled=False)
    return pl.from_pandas(loaded.data).with_columns(outcome=pl.Series(loaded.target))


TASKS = {one.__name__: one for one in (binary, multiclass, multilabel, regression)}


def repeated(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Return the frame repeated to `rows`, its numbers (not the outcomes) changed by up to a hundredth."""
    generator, whole = np.random.default_rng(0), pl.concat([frame] * (rows // len(frame) + 1)).head(rows)
    numeric = [c for c, kind in whole.schema.items() if kind.is_float() and not c.startswith("outcome")]
    changed = {c: (whole[c] * (1 + 0.01 * generator.uniform(-1, 1, rows))).round(5) for c in numeric}
    return whole.with_columns(**changed)


def measure(task: str, *, rows: int, crews: int, share: str, folder: Path) -> None:
    frame = TASKS[task]()
    few, many, bundle = (folder / name for name in (f"{task}.csv", f"{task}-many.csv", f"{task}-{crews}"))
    frame.write_csv(few)
    if not many.exists():
        repeated(frame, rows).write_csv(many)
    targets = [word for c in frame.columns if c.startswith("outcome") for word in ("--target", c)]
    if not bundle.exists():
        words = [sys.executable, "-m", "osler", "train", few, *targets, "--budget", "40s", "--out", bundle]
        words += ["--cache", folder / "cache", "--set", f"split.folds={crews}"]
        subprocess.run(list(map(str, words)), check=True, capture_output=True)
    words = [sys.executable, "-c", CODE, *map(str, (bundle, few, many, folder)), share]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    print(f"{task}, {crews} crew(s), the network's share {share}: {rows:,} cases in {done.stdout.splitlines()[-1]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--task", choices=tuple(TASKS), action="append")
    parser.add_argument("--crews", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--share", default="own", help="0 to 1, or own: what training found")
    parser.add_argument("--folder", type=Path, help="keeps tables and bundles for another run")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = asked.folder or Path(name)
        for task in asked.task or TASKS:
            for crews in asked.crews:
                measure(task, rows=asked.rows, crews=crews, share=asked.share, folder=folder)


if __name__ == "__main__":
    main()
