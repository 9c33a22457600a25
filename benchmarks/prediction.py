"""`osler predict` on a million rows: memory and rows per second, beside scikit-learn's own predict; start-up time.

    python benchmarks/prediction.py [--rows 1000000] [--bundle DIR]

A bundle is trained on the Wisconsin breast cancer data, its table is repeated to the rows asked for, and both tools read the
same CSV and write probabilities as CSV. Memory is the peak of the process above the peak after loading the bundle and
predicting 100 rows (the loaded libraries). scikit-learn (histogram boosting, logistic regression) reads the whole table with
pandas, as its users do.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from sklearn.datasets import load_breast_cancer

OSLER = """
import resource, sys, time
from osler.flows.predict import predict
few, many, bundle, out = sys.argv[1:5]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
predict(bundle, few, out=out + "/few-out.csv")
loaded = peak()
began = time.monotonic()
predict(bundle, many, out=out + "/many-out.csv")
print(time.monotonic() - began, loaded, peak())
"""
PEER = """
import resource, sys, time
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
few, many, kind, out = sys.argv[1:5]
table = pd.read_csv(few)
model = HistGradientBoostingClassifier() if kind == "boosting" else make_pipeline(StandardScaler(), LogisticRegression())
model.fit(table.drop(columns="diagnosis"), table["diagnosis"])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
loaded = peak()
began = time.monotonic()
rows = pd.read_csv(many)
pd.DataFrame(model.predict_proba(rows.drop(columns="diagnosis"))).to_csv(out + "/peer.csv")
print(time.monotonic() - began, loaded, peak())
"""


def run(code: str, *arguments: object) -> tuple[float, float, float]:
    """Return seconds, MiB after loading, MiB at the peak."""
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True, capture_output=True, text=True)
    seconds, loaded, peak = map(float, done.stdout.split()[-3:])
    return seconds, loaded, peak


def start_up(times: int = 7) -> float:
    """Return the median seconds of `osler --help`."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "osler", "--help"], check=True, capture_output=True)
        took.append(time.monotonic() - began)
    return sorted(took)[times // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bundle", type=Path)
    asked = parser.parse_args()
    print(f"osler --help: {start_up():.2f} s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cancer = load_breast_cancer(as_frame=True)
        frame = pl.from_pandas(cancer.data).with_columns(diagnosis=pl.Series(["mb"[v] for v in cancer.target]))
        few, many = folder / "few.csv", folder / "many.csv"
        frame.write_csv(few)
        pl.concat([frame] * (asked.rows // len(frame) + 1)).head(asked.rows).write_csv(many)
        bundle = asked.bundle
        if bundle is None:
            bundle = folder / "model"
            subprocess.run(
                [sys.executable, "-m", "osler", "train", few, "--target", "diagnosis", "--budget", "1m", "--out", bundle,
                 "--cache", folder / "cache"], check=True, capture_output=True,
            )  # fmt: skip
        print(f"{asked.rows:,} rows × {frame.width - 1} columns, {many.stat().st_size / 1e6:.0f} MB of CSV")
        for label, code, third in (
            ("osler", OSLER, bundle),
            ("scikit-learn boosting", PEER, "boosting"),
            ("scikit-learn logistic", PEER, "line"),
        ):
            seconds, loaded, peak = run(code, few, many, third, folder)
            print(
                f"{label:24s} {asked.rows / seconds:10,.0f} rows/s  {peak - loaded:6.0f} MiB above {loaded:.0f} MiB", flush=True
            )


if __name__ == "__main__":
    main()
