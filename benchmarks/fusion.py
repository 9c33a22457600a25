"""Several inputs: how their vectors are best joined, and what dropping them in training costs and gives. SUPPORT2 as two tables.

    python benchmarks/fusion.py [--data ../shared/data] [--rows 4000] [--seeds 3] [--epochs 20]

Demographics, disease and scores are one input, vital signs and laboratory values the other; no case lacks either, so that only
dropping prepares a model for a missing one. Log loss on held-out training cases of the network (mean over seeds) and of the
baseline: with all inputs, and with either withheld. Models of one input stand beside: what could be reached without the other.
The test part is never looked at. Time is processor time of training one network.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import torch

from accuracy import studies
from osler.flows import planning
from osler.flows.adding import withheld
from osler.flows.cases import Cases, gather_cases
from osler.flows.divide import split_and_find
from osler.flows.members import Work, fit_states, joined_features, train_baseline, train_network
from osler.flows.opening import open_study
from osler.spine.study import Request

LABS = (
    "num_meanbp", "num_wblc", "num_hrt", "num_resp", "num_temp", "num_pafi", "num_alb", "num_bili", "num_crea", "num_sod",
    "num_ph", "num_glucose", "num_bun", "num_urine",
)  # fmt: skip
SIZE = {"width": 64, "depth": 2, "members": 8}
BOTH, DROPPED = ("person", "labs"), {"fusion.drop": 0.15}
VARIANTS = {
    "person alone": (("person",), {}),
    "labs alone": (("labs",), {}),
    "side by side, none dropped": (BOTH, {"fusion.join": "side by side", "fusion.drop": 0.0}),
    "side by side": (BOTH, {"fusion.join": "side by side", **DROPPED}),
    "mixed, none dropped": (BOTH, {"fusion.join": "mixed", "fusion.drop": 0.0}),
    "mixed": (BOTH, {"fusion.join": "mixed", **DROPPED}),
}


def losses(table: Path, folder: Path, *, inputs: tuple[str, ...], settings: dict, seeds: int) -> tuple[list[str], float]:
    """Return the losses as text, with all inputs and with each withheld, and seconds of processor time of a network."""
    names = [c for c in pl.read_csv(table, n_rows=1).columns if c != "outcome"]
    columns = {"labs": LABS, "person": tuple(c for c in names if c not in LABS)}
    sizes = {f"inputs.{name}.{k}": v for name in inputs for k, v in SIZE.items()}
    asked = Request(
        table, target=("outcome",), inputs=tuple(f"{name}=tables:{','.join(columns[name])}" for name in inputs), budget="1m",
        settings=tuple(f"{k}={v}" for k, v in {**settings, **sizes}.items()),
    )  # fmt: skip
    study, rows = open_study(asked, cache=folder)
    cases = gather_cases(study, rows, cache=folder)
    split, decisions, _ = split_and_find(cases)
    facts = planning.gather_facts(cases, split)
    plan = planning.make_plan(cases, split, decisions, facts=facts, device="cpu", spent=0)
    source, fold = planning.source_of(cases, plan, device="cpu"), split.folds[0]
    states = fit_states(source, fold.training, groups=cases.groups)
    members, times = [], []
    for seed in range(seeds):
        began = time.process_time()
        work = Work(cases.task, cases.groups, seed, Path(tempfile.mkdtemp(dir=folder)))
        members.append(train_network(source, fold, states=states, member=0, work=work))
        times.append(time.process_time() - began)
    model = train_baseline(source, fold, states=states, work=work, folder=work.folder / "baseline")
    told = []
    for one in (source, *(withheld(source, name) for name in inputs if len(inputs) > 1)):
        networks = [_loss(cases, fold.held, member.raw(one, fold.held)) for member in members]
        baseline = _loss(cases, fold.held, model.raw(joined_features(one, fold.held, states).matrix))
        told.append(f"{np.mean(networks):.4f} (sd {np.std(networks, ddof=1):.4f}), {baseline:.4f}")
    return told, float(np.mean(times))


def _loss(cases: Cases, rows: np.ndarray, raw: np.ndarray) -> float:
    line = raw[:, 0]
    return float(np.mean(np.logaddexp(0, line) - line * cases.target.values[rows, 0]))


def main() -> None:
    """Print one line per variant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    frame = next(table for name, table, _ in studies(asked.data) if name.startswith("support2"))
    fixed = {"fit.epochs": asked.epochs, "fit.members": 1, "fit.threads": 1, "baseline.effort": 2}
    print("network and baseline: with all inputs | without person | without labs")
    with tempfile.TemporaryDirectory() as home:
        frame.sample(min(asked.rows, len(frame)), seed=0).write_csv(Path(home) / "t.csv")
        for name, (inputs, settings) in VARIANTS.items():
            told, seconds = losses(Path(home) / "t.csv", Path(home), inputs=inputs, settings=fixed | settings, seeds=asked.seeds)
            print(f"{name:28} {' | '.join(told)} | {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
