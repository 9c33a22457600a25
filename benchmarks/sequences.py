"""Sequences: Osler on five tasks of GUE with their official split, a GC-content-only score beside it, and the speed of training.

    python benchmarks/sequences.py [--budget 10m] [--tasks tf_0 …] [--seeds 0 1 2] [--only accuracy|speed]

Accuracy: the plain command with `--drop-leaks`, as the official files hold copies across their splits; the test sequences are scored by their
prediction, all and those that share no 40 letters in a row with training, on either strand, with intervals over resampled
sequences (of several seeds the widest ends are printed). Network and baseline stand beside the bundle. Speed: letters
a second of steps of training on the first 4,096 sequences of a task, the same network from Osler's batches and from a data loader that makes each
sequence one-hot by itself, one thread; Osler also in bfloat16, as it trains where its planning measures that to be faster. Each finished run is kept under build/sequences.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import matthews_corrcoef, roc_auc_score

import segmentation as shared
from osler.datasets import get
from osler.modalities.sequences.augment import augment
from osler.modalities.sequences.case import LETTERS
from osler.modalities.sequences.network import SequenceEncoder
from osler.modalities.sequences.read.alphabet import encode

HOME = shared.ROOT / "build" / "sequences"
DATA = shared.DATA / "genomes"
TASKS = ("tf_0", "tf_4", "prom_prom_core_all", "prom_prom_core_tata", "prom_prom_300_tata")
OPPOSITE = str.maketrans("ACGT", "TGCA")
NUMBER = {letter: number for number, letter in enumerate("ACGTN")}
LENGTH, BATCH, SEQUENCES, RESAMPLES = 40, 128, 4096, 500
PLAN = {
    "alphabet": "dna", "strands": "averaged", "positions": False, "bins": 1, "window": 4096, "architecture": "dilated", "width": 32,
    "motif": 17, "pool": 2, "kernel": 5, "depth": 2, "members": 4, "dropout": 0.3, "drop_inside": 0.1, "shift": 8, "mask_letters": 0.05,
}  # fmt: skip


def study(task: str) -> Path:
    """Return the study of a task, written once."""
    return get(f"gue/{task}", to=HOME / task, mirror=DATA)


def pieces(cell: str) -> set[str]:
    """Return the pieces of LENGTH letters of a sequence, of either strand the one that comes first."""
    own = (cell[at : at + LENGTH] for at in range(len(cell) - LENGTH + 1))
    return {min(piece, piece[::-1].translate(OPPOSITE)) for piece in own}


def run_osler(task: str, *, seed: int, budget: str) -> dict:
    """Train and predict with Osler by its commands; score all test sequences, and those of which training knows no piece."""
    asked, work = study(task), HOME / "work" / f"{task}-{seed}"
    rows = shared.rows_of(asked.parent / "table.csv")
    test = [row for row in rows if row["split"] == "test"]
    known = set().union(*(pieces(row["sequence"]) for row in rows if row["split"] != "test"))
    clean = np.array([not pieces(row["sequence"]) & known for row in test])
    work.mkdir(parents=True, exist_ok=True)
    began = time.time()
    shared.command("train", asked, "--budget", budget, "--seed", seed, "--drop-leaks", "--out", work / "model", "--cache", HOME / "cache",
                   log=work / "log.txt")  # fmt: skip
    wall, began = time.time() - began, time.time()
    table = shared.write_rows(test, work / "test.csv")
    shared.command("predict", work / "model", table, "--out", work / "predicted.csv", log=work / "log.txt")
    guess = np.array([float(row["probability_1"]) for row in shared.rows_of(work / "predicted.csv")])
    truth = np.array([int(row["label"]) for row in test])
    scores = json.loads((work / "model" / "scores.json").read_text())
    parts = {part: {m: scores[part][m]["value"] for m in ("auroc", "mcc")} for part in ("test", "network", "baseline")}
    gc = np.array([sum(row["sequence"].count(letter) for letter in "GC") / len(row["sequence"]) for row in test])
    return {
        "wall": wall, "prediction": time.time() - began, "all": judged(truth, guess), "clean": judged(truth[clean], guess[clean]),
        "gc": roc_auc_score(truth, gc), "parts": parts,
    }  # fmt: skip


def judged(truth: np.ndarray, guess: np.ndarray) -> dict[str, object]:
    """Return AUROC, MCC at one half, each with its 95% interval over resampled sequences, and the number of sequences."""
    generator = np.random.default_rng(0)
    drawn = [generator.integers(0, len(truth), len(truth)) for _ in range(RESAMPLES)]
    told: dict[str, object] = {"cases": len(truth)}
    for name, measure in (("auroc", roc_auc_score), ("mcc", lambda a, b: matthews_corrcoef(a, b > 0.5))):
        told[name] = float(measure(truth, guess))
        spread = [measure(truth[rows], guess[rows]) for rows in drawn]
        told[f"{name}_interval"] = [float(v) for v in np.percentile(spread, [2.5, 97.5])]
    return told


# ------------------------------------------------------------------------------------------------------------------ speed


class OneHot(torch.utils.data.Dataset):
    """Sequences that are made one-hot one by one, as tutorials do."""

    def __init__(self, cells: Sequence[str], labels: np.ndarray) -> None:
        self.cells, self.labels = cells, labels

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, at: int) -> tuple[torch.Tensor, torch.Tensor]:
        codes = torch.tensor([NUMBER[letter] for letter in self.cells[at]])
        return torch.nn.functional.one_hot(codes, 5)[:, :4].float(), torch.tensor(self.labels[at])


def network() -> tuple[SequenceEncoder, torch.nn.Linear, torch.optim.Optimizer]:
    """Return the network, its head and the optimiser, the same for both."""
    torch.manual_seed(0)
    encoder = SequenceEncoder(plan=PLAN).train()
    head = torch.nn.Linear(encoder.width, 1)
    return encoder, head, torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=1e-3, fused=True)


def speed(task: str) -> dict:
    """Return letters a second of an epoch from both, and of both without the network."""
    rows = [row for row in shared.rows_of(study(task).parent / "table.csv") if row["split"] == "train"][:SEQUENCES]
    cells, labels = [row["sequence"] for row in rows], np.array([float(row["label"]) for row in rows], np.float32)
    codes = torch.from_numpy(np.stack([encode(cell, "dna") for cell in cells]))
    torch.set_num_threads(1)

    def ours() -> Iterator[tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]]:
        encoder = SequenceEncoder(plan=PLAN)
        for turn, part in enumerate(np.array_split(np.random.default_rng(0).permutation(len(cells)), len(cells) // BATCH)):
            fields = augment({LETTERS: codes[part]}, plan=PLAN, generator=torch.Generator().manual_seed(turn))
            yield fields, encoder.lift(fields), torch.from_numpy(labels[part])

    def theirs() -> Iterator[tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]]:
        for lifted, label in torch.utils.data.DataLoader(OneHot(cells, labels), batch_size=BATCH, shuffle=True, drop_last=True):
            yield {LETTERS: torch.zeros(lifted.shape[:2], dtype=torch.uint8)}, lifted, label

    letters = sum(map(len, cells))
    told = {name: {how: letters / epoch(batches, trained=trained) for how, trained in (("batches", False), ("training", True))}
            for name, batches in (("osler", ours), ("loader", theirs))}  # fmt: skip
    told["osler"]["training in bfloat16"] = letters / epoch(ours, trained=True, half=True)
    times = {how: told["osler"][how] / told["loader"][how] for how in ("batches", "training")}
    return {
        **told,
        "times": {**times, "training in bfloat16": told["osler"]["training in bfloat16"] / told["loader"]["training"]},
    }


def epoch(batches: Callable[[], Iterator], *, trained: bool, half: bool = False) -> float:
    """Return the processor seconds of an epoch on one thread, the better of two: others may be at work beside."""
    encoder, head, optimiser = network()
    best = float("inf")
    for _ in range(2):
        began = time.process_time()
        for fields, lifted, label in batches():
            if trained:
                with torch.autocast("cpu", torch.bfloat16, enabled=half):
                    raw = head(encoder(lifted, fields).vector)[..., 0].float()
                loss = torch.nn.functional.binary_cross_entropy_with_logits(raw, label[:, None].expand_as(raw))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="10m")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=("accuracy", "speed"))
    asked = parser.parse_args()
    if not DATA.is_dir():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    told: dict[str, object] = {}
    if asked.only != "accuracy":
        told["speed"] = speed(asked.tasks[0])
        print(told["speed"])
    for task in asked.tasks if asked.only != "speed" else ():
        for seed in asked.seeds:
            run = partial(run_osler, task, seed=seed, budget=asked.budget)
            shared.kept(HOME / "results" / f"{task}-{seed}-{asked.budget}.json", run)
        runs = [json.loads(f.read_text()) for f in sorted((HOME / "results").glob(f"{task}-*-{asked.budget}.json"))]
        told[task] = {part: {m: [run[part][m] for run in runs] for m in ("auroc", "mcc")} for part in ("all", "clean")}
        ends = {part: [run[part]["auroc_interval"] for run in runs] for part in ("all", "clean")}
        shown = {part: f"AUROC {np.mean(own['auroc']):.3f} ({np.min(ends[part]):.3f} to {np.max(ends[part]):.3f}) MCC {np.mean(own['mcc']):.3f}"
                 for part, own in told[task].items()}  # fmt: skip
        print(f"{task:22} {shown['all']}; of {runs[0]['clean']['cases']} unknown {shown['clean']}; GC alone {runs[0]['gc']:.3f}")
    print(json.dumps({**shared.machine(), "budget": asked.budget, **told}))


if __name__ == "__main__":
    main()
