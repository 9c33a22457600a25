"""How the vectors of several inputs are best joined: SUPPORT2 as two tables, log loss of the network on held-out training cases.

    python benchmarks/fusion.py [--data ../shared/data] [--rows 4000] [--seeds 3] [--epochs 20]

Demographics, disease and scores are one input, vital signs and laboratory values the other. One input of all columns stands
beside: it shows what the two lose by being two. The test part is never looked at. Time is processor time of one training.
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
from osler.flows.cases import gather_cases
from osler.flows.divide import split_and_find
from osler.flows.members import Work, fit_states, train_network
from osler.flows.opening import open_study
from osler.spine.study import Request

LABS = [
    "num_meanbp", "num_wblc", "num_hrt", "num_resp", "num_temp", "num_pafi", "num_alb", "num_bili", "num_crea", "num_sod",
    "num_ph", "num_glucose", "num_bun", "num_urine",
]  # fmt: skip
VARIANTS = {
    "one input": (False, {}),
    "side by side": (True, {"fusion.join": "side by side"}),
    "side by side, none dropped": (True, {"fusion.join": "side by side", "fusion.drop": 0.0}),
    "mixed": (True, {"fusion.join": "mixed"}),
    "mixed, dropout 0.1": (True, {"fusion.join": "mixed", "fusion.dropout": 0.1}),
    "mixed, none dropped": (True, {"fusion.join": "mixed", "fusion.drop": 0.0}),
}


def losses(table: Path, folder: Path, *, two: bool, settings: dict, seeds: int) -> tuple[list[float], list[float]]:
    """Return by seed the log loss on the held-out cases of the fold, and seconds of processor time."""
    columns = pl.read_csv(table, n_rows=1).columns
    others = ",".join(c for c in columns if c not in (*LABS, "outcome"))
    inputs = (f"person=tables:{others}", f"labs=tables:{','.join(LABS)}") if two else (f"all=tables:{others},{','.join(LABS)}",)
    asked = Request(
        table, target=("outcome",), inputs=inputs, budget="1m", settings=tuple(f"{k}={v}" for k, v in settings.items())
    )
    study, rows = open_study(asked, cache=folder)
    cases = gather_cases(study, rows, cache=folder)
    split, decisions, _ = split_and_find(cases)
    facts = planning.gather_facts(cases, split)
    plan = planning.make_plan(cases, split, decisions, facts=facts, device="cpu", spent=0)
    source, fold = planning.source_of(cases, plan, device="cpu"), split.folds[0]
    states = fit_states(source, fold.training, groups=cases.groups)
    found, times = [], []
    for seed in range(seeds):
        began = time.process_time()
        work = Work(cases.task, cases.groups, seed, Path(tempfile.mkdtemp(dir=folder)))
        member = train_network(source, fold, states=states, member=0, work=work)
        times.append(time.process_time() - began)
        raw = member.raw(source, fold.held).mean(1)
        found.append(float(np.mean(np.logaddexp(0, raw) - raw * cases.target.values[fold.held, 0])))
    return found, times


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
    with tempfile.TemporaryDirectory() as home:
        frame.sample(min(asked.rows, len(frame)), seed=0).write_csv(Path(home) / "t.csv")
        fixed = {"fit.epochs": asked.epochs, "fit.members": 1, "fit.threads": 1}
        for name, (two, settings) in VARIANTS.items():
            fixed_names = {f"inputs.{i}.{k}": v for i in (("person", "labs") if two else ("all",)) for k, v in SIZE.items()}
            found, times = losses(
                Path(home) / "t.csv", Path(home), two=two, settings=fixed | fixed_names | settings, seeds=asked.seeds
            )
            print(f"{name:28} {np.mean(found):.4f} (sd {np.std(found, ddof=1):.4f}) {np.mean(times):.1f} s", flush=True)


SIZE = {"width": 64, "depth": 2, "members": 8}

if __name__ == "__main__":
    main()
