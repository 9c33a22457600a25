"""Does a generator help? PneumoniaMNIST: readers trained on real, synthetic and both, on the official test pictures.

    python benchmarks/synthesis.py [--budget 15m] [--seeds 0 1 2] [--draws 10] [--few 100] [--few-budget 60m] [--on test|val]

`whole`: `osler train --task synthesis` in its budget with all sizes, official split, for each seed; train-on-synthetic, test-on-real AUROC beside real-only, and
the Fréchet distance beside that of real to real. `few`: so many real pictures, drawn so many times, each with a generator of its own that sees these alone; real and
synthetic beside real with ordinary augmentation, paired over draws. Training pictures that are copies of test pictures are left out. `--on val` scores the
official validation part instead and never reads the test, for work on the method. Finished runs are kept under build/synthesis.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np

import segmentation as shared
from osler.datasets import get

HOME = shared.ROOT / "build" / "synthesis"
TUNED = 0.1  # of the training part, where the validation part is scored


def table_of(study: Path, *, on: str) -> Path:
    """Return the table with the official split; to score on validation, without the test part and with a tune part cut of training."""
    if on == "test":
        return study.parent / "table.csv"
    rows = [row for row in shared.rows_of(study.parent / "table.csv") if row["split"] != "test"]
    tuned = np.random.default_rng(0).uniform(size=len(rows)) < TUNED
    for row, tune in zip(rows, tuned, strict=True):
        row["split"] = "test" if row["split"] == "val" else "val" if tune else "train"
    return shared.write_rows(rows, study.parent / "validation.csv")


def run(table: Path, *, name: str, budget: str, seed: int, settings: tuple[str, ...]) -> dict:
    """Train once and return what scores.json says."""
    work = HOME / name
    if not (work / "model" / "scores.json").is_file():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        asked = ["--task", "synthesis", "--target", "label", "--split", "split", "--input", "image=images:image", "--drop-leaks"]
        asked += [word for setting in settings for word in ("--set", setting)]
        began = time.time()
        shared.command("train", table, *asked, "--budget", budget, "--seed", seed, "--out", work / "model", log=work / "log.txt")
        (work / "seconds").write_text(str(time.time() - began))
    scores = json.loads((work / "model" / "scores.json").read_text())
    return {"wall": float((work / "seconds").read_text()), "notes": scores["notes"], **scores["numbers"]}


def told(value: dict, *, sign: bool = False) -> str:
    """Return a value with its interval."""
    shown = (lambda v: f"{v:+.4f}") if sign else (lambda v: f"{v:.4f}")
    if value["low"] is None:
        return f"{shown(value['value'])} ({value.get('note', '')})"
    return f"{shown(value['value'])} ({shown(value['low'])} to {shown(value['high'])})"


def show(found: dict, *, title: str) -> None:
    """Print one run."""
    print(f"\n{title}: {found['wall']:.0f} s; {'; '.join(found['notes'])}")
    for what, values in found["frechet"].items():
        print(f"  Fréchet, {what}: {np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
    print(f"  overlap {found['overlap']}\n  copies {found['copies']}")
    for size in found["helps"]:
        print(f"  {size['cases']} real cases, {size['draws']} draw(s)")
        for arm, value in size["auroc"].items():
            print(f"    {arm:32} {told(value)}")
        for pair, value in size["differences"].items():
            print(f"    {pair:48} {told(value, sign=True)}")


def main() -> None:
    """Run what is asked and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="15m")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--few-budget", default="60m")
    parser.add_argument("--on", choices=("test", "val"), default="test")
    asked = parser.parse_args()
    table = table_of(get("pneumoniamnist", to=HOME / "study", mirror=shared.DATA / "images"), on=asked.on)
    for seed in asked.seeds:
        name = f"{asked.on}-{asked.budget}-{seed}"
        show(run(table, name=name, budget=asked.budget, seed=seed, settings=()), title=f"whole, seed {seed}")
    if asked.draws:
        settings = (f"synthesis.sizes=[{asked.few}]", f"synthesis.draws={asked.draws}")
        name = f"{asked.on}-few-{asked.few}-{asked.draws}-{asked.few_budget}"
        show(run(table, name=name, budget=asked.few_budget, seed=0, settings=settings), title=f"{asked.few} real cases")


if __name__ == "__main__":
    main()
