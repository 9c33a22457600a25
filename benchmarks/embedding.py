"""Representations without labels on PneumoniaMNIST: what a line reads off them, and whether they tell pneumonia that training never saw.

    python benchmarks/embedding.py [--data ../shared/data] [--budget 15m] [--held-budget 5m] [--seeds 0 1 2] [--set DECISION=VALUE …]

By the plain command on the official split, for each seed twice: with all training pictures, and with normal ones alone
(`representation.holdout=pneumonia`). Measures are those of each bundle's scores.json, on the official test part, which takes no part in
any choice: AUROC with its 95% interval, for the embedding, the raw pixels and as many principal components. Times are those of the
command, with the judging.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from osler.flows.data import get
from osler.flows.train import train
from osler.spine.study import Request

HELD = "pneumonia"


def judged(study: Path, folder: Path, *, budget: str, seed: int, settings: tuple[str, ...]) -> tuple[dict, float]:
    """Return the content of scores.json of one training, and its seconds."""
    began = time.monotonic()
    asked = Request(study, task="representation", budget=budget, seed=seed, settings=settings)
    bundle = train(asked, out=folder, cache=study.parent / "cache")
    return json.loads((bundle / "scores.json").read_text(encoding="utf-8")), time.monotonic() - began


def told(scores: dict, section: str, panel: str) -> dict[str, float]:
    """Print each row's AUROC with its interval; return the values."""
    found = {}
    for row in scores["sections"][section]["panels"][panel]["rows"]:
        value = row["values"]["auroc"]
        found[row["label"]] = value["value"]
        print(f"  {panel}, {row['label']}: {value['value']:.4f} ({value['low']:.4f} to {value['high']:.4f})", flush=True)
    return found


def spread(found: list[dict[str, float]]) -> None:
    """Print the mean and the deviation over seeds."""
    for label in found[0]:
        values = [one[label] for one in found]
        print(f"{label}: mean {np.mean(values):.4f}, sd {np.std(values, ddof=1):.4f}, {len(values)} seeds", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--budget", default="15m")
    parser.add_argument("--held-budget", default="5m")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--set", action="append", default=[], dest="settings")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        study = get("pneumoniamnist", to=folder / "study", mirror=asked.data / "images")
        probes, held = [], []
        for seed in asked.seeds:
            scores, seconds = judged(
                study, folder / f"all-{seed}", budget=asked.budget, seed=seed, settings=tuple(asked.settings)
            )
            print(f"seed {seed}, {seconds:.0f} s, {scores['numbers']['embedding']}", flush=True)
            probes.append(told(scores, "linear_probe", "linear_probe"))
            told(scores, "nearest_neighbours", "nearest_neighbours")
        for seed in asked.seeds:
            settings = (*asked.settings, f"representation.holdout={HELD}")
            scores, seconds = judged(study, folder / f"held-{seed}", budget=asked.held_budget, seed=seed, settings=settings)
            print(f"seed {seed} without {HELD}, {seconds:.0f} s", flush=True)
            held.append(told(scores, "anomaly", "anomaly"))
        if len(asked.seeds) > 1:
            spread(probes)
            spread(held)


if __name__ == "__main__":
    main()
