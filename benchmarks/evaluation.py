"""`osler evaluate` on a million cases: seconds and memory, with one crew of members and with five.

    python benchmarks/evaluation.py [--rows 1000000]

The Wisconsin breast cancer table is repeated to the rows asked for, each repeat with its benign and malignant cases as they are; the
bundles are trained on it once. Large studies have one crew (an own tune and calibrate part), studies under 1,000 groups five.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from sklearn.datasets import load_breast_cancer

CODE = """
import resource, sys, time
from osler.flows.evaluate import evaluate
bundle, few, many, out = sys.argv[1:5]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
evaluate(bundle, few, out=out + "/few")
loaded = peak()
began = time.monotonic()
evaluate(bundle, many, out=out + "/many")
print(time.monotonic() - began, loaded, peak())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cancer = load_breast_cancer(as_frame=True)
        frame = pl.from_pandas(cancer.data).with_columns(diagnosis=pl.Series(["mb"[v] for v in cancer.target]))
        few, many = folder / "few.csv", folder / "many.csv"
        frame.write_csv(few)
        pl.concat([frame] * (asked.rows // len(frame) + 1)).head(asked.rows).write_csv(many)
        for crews in (1, 5):
            bundle = folder / f"model{crews}"
            words = [sys.executable, "-m", "osler", "train", few, "--target", "diagnosis", "--budget", "40s", "--out", bundle]
            words += ["--cache", folder / "cache", "--set", f"split.folds={crews}"]
            subprocess.run(list(map(str, words)), check=True, capture_output=True)
            done = subprocess.run(
                [sys.executable, "-c", CODE, *map(str, (bundle, few, many, folder))], check=True, capture_output=True, text=True
            )
            seconds, loaded, peak = map(float, done.stdout.split()[-3:])
            print(
                f"{crews} crew(s): {asked.rows:,} cases in {seconds:.0f} s; peak {peak:,.0f} MiB, libraries {loaded:.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
