"""What a start from a representation gains on PneumoniaMNIST with few labels, paired over draws of the labelled pictures.

    python benchmarks/pretraining.py [--data ../shared/data] [--budget 15m] [--each 1m] [--labels 100] [--draws 20] [--set DECISION=VALUE …]

A representation is learned of the official training and validation part without labels (`osler train --task representation`). Each draw takes so
many labelled pictures of the training part at random, and the plain command trains on them with `--pretrain`, which also trains the same networks
from drawn weights, and tests both on the official test part. `--set` are decisions of the draws. The differences over draws are told with Student's
interval: it is of the draws, not of the test pictures, which are the same in each.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import t as student

from osler.flows.data import get
from osler.flows.train import train
from osler.spine.study import Request

ROWS = ("Networks from the given weights", "Networks from drawn weights")


def represented(folder: Path, study: Path, *, budget: str) -> Path:
    """Return the bundle of a representation that saw the training and validation pictures alone, without labels."""
    table = pl.read_csv(study.parent / "table.csv").filter(pl.col("split") != "test").select("image")
    table.write_csv(study.parent / "unlabelled.csv")
    asked = Request(
        study.parent / "unlabelled.csv", task="representation", inputs=("image=images:image",), budget=budget, leaks="drop"
    )
    return train(asked, out=folder / "vectors", cache=folder / "cache")


def drawn(folder: Path, study: Path, *, start: Path, labels: int, draw: int, each: str, settings: tuple[str, ...]) -> dict:
    """Return the scores of one draw of labelled pictures."""
    whole = pl.read_csv(study.parent / "table.csv")
    training = whole.filter(pl.col("split") == "train")
    some = training[np.sort(np.random.default_rng(draw).choice(len(training), labels, replace=False)).tolist()]
    pl.concat([some, whole.filter(pl.col("split") == "test")]).write_csv(study.parent / f"draw-{draw}.csv")
    asked = Request(
        study.parent / f"draw-{draw}.csv", target=("label",), split="split", inputs=("image=images:image",), budget=each,
        seed=draw, settings=("explain.seconds=0", *settings), pretrain=start, leaks="allow",
    )  # fmt: skip
    bundle = train(asked, out=folder / f"draw-{draw}", cache=folder / "cache")
    return json.loads((bundle / "scores.json").read_text(encoding="utf-8"))


def told(scores: dict) -> dict[str, float]:
    """Return the AUROC of the networks of either start, of the baseline, and of what the bundle predicts with."""
    rows = {row["label"]: row["values"]["auroc"]["value"] for row in scores["panels"]["start"]["rows"]}
    return {"given": rows[ROWS[0]], "drawn": rows[ROWS[1]], "baseline": scores["baseline"]["auroc"]["value"],
            "bundle": scores["test"]["auroc"]["value"]}  # fmt: skip


def spread(found: list[dict[str, float]]) -> None:
    """Print means, and the paired difference with Student's interval over draws."""
    for name in found[0]:
        values = np.array([one[name] for one in found])
        print(f"{name}: mean {values.mean():.4f}, sd {values.std(ddof=1):.4f}", flush=True)
    gains = np.array([one["given"] - one["drawn"] for one in found])
    half = student.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    print(
        f"gain: {gains.mean():+.4f} ({gains.mean() - half:+.4f} to {gains.mean() + half:+.4f}), better in {(gains > 0).sum()} of {len(gains)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--budget", default="15m")
    parser.add_argument("--each", default="1m")
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        study = get("pneumoniamnist", to=folder / "study", mirror=asked.data / "images")
        start = represented(folder, study, budget=asked.budget)
        found = []
        for draw in range(asked.draws):
            began = time.monotonic()
            scores = drawn(
                folder, study, start=start, labels=asked.labels, draw=draw, each=asked.each, settings=tuple(asked.settings)
            )
            found.append(told(scores))
            shown = ", ".join(f"{name} {value:.4f}" for name, value in found[-1].items())
            print(f"draw {draw}, {time.monotonic() - began:.0f} s: {shown}", flush=True)
        if len(found) > 1:
            spread(found)


if __name__ == "__main__":
    main()
