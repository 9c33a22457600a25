"""Chemprop 2 as a peer of molecules, by its own commands at its own defaults, in an environment of its own."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from peers import environment

REQUIREMENTS = ("chemprop==2.3.1", "torch==2.13.0")


@dataclass(frozen=True, slots=True)
class Peer:
    """Chemprop: its Python, how many threads it may use, and its accelerator in Lightning's word."""

    python: Path
    threads: int
    accelerator: str = "cpu"

    def call(self, *words: object, log: Path) -> float:
        """Run a command of Chemprop, its words into `log`; return the seconds, or end with the log's end where it fails."""
        alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
            "OMP_NUM_THREADS": str(self.threads)
        }
        began = time.time()
        with log.open("a") as stream:
            done = subprocess.run(
                [str(self.python.parent / "chemprop"), *map(str, words)],
                check=False,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=alone,
            )
        if done.returncode:
            raise SystemExit(f"Chemprop failed; the end of {log}:\n" + "\n".join(log.read_text().splitlines()[-15:]))
        return time.time() - began


def peer(*, threads: int, device: str = "cpu") -> Peer | None:
    """Return Chemprop; None, with the reason printed, where it cannot be installed."""
    python = environment("chemprop", *REQUIREMENTS)
    return Peer(python, threads, "gpu" if device == "cuda" else "cpu") if python else None


def train(
    one: Peer, table: Path, *, smiles: str, target: str, kind: str, seed: int, work: Path, epochs: int | None = None
) -> float:
    """Train on the rows of `table` that its column "split" calls train, validated by those called val; return the seconds.

    `kind` is "classification" or "regression"; all else are Chemprop's defaults: 50 epochs, width 300, three steps, batches of 64.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    words = ["train", "--data-path", table, "--smiles-columns", smiles, "--target-columns", target, "--task-type", kind,
             "--splits-column", "split", "--save-dir", work / "model", "--accelerator", one.accelerator, "--pytorch-seed", seed,
             "--data-seed", seed]  # fmt: skip
    return one.call(*words, *(["--epochs", epochs] if epochs else []), log=work / "log.txt")


def predict(one: Peer, table: Path, *, smiles: str, target: str, work: Path) -> tuple[list[float], float]:
    """Return the prediction of each row of `table`, and the seconds from the start of the process to its end."""
    (model,) = (work / "model").rglob("best.pt")
    out = work / "predicted.csv"
    seconds = one.call(
        "predict", "--test-path", table, "--smiles-columns", smiles, "--model-paths", model, "--preds-path", out,
        "--accelerator", one.accelerator, log=work / "log.txt",
    )  # fmt: skip
    with out.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    column = next(name for name in reversed(list(rows[0])) if name == target or name.startswith("pred"))
    return [float(row[column]) for row in rows], seconds
