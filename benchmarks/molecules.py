"""Molecules: Osler beside Chemprop on TDC's ADMET tasks and on MoleculeNet's scaffold splits, each at its defaults, on the same rows.

    python benchmarks/molecules.py [--budget 10m] [--tasks herg …] [--seeds 0 1 2 3 4] [--only osler|chemprop] [--epochs N]

TDC: the official test molecules; each seed divides the official train_val anew into training and validation (7 : 1) by scaffold, by the
rule that TDC publishes (sets larger than half of the validation first, each kind shuffled). MoleculeNet: a scaffold split of 8 : 1 : 1 by
the same rule for each seed, the same for both. Osler trains by the plain command with `--drop-leaks`, as three of the tests share molecules
with their training (and Chemprop keeps those in its training); test molecules are all scored. Chemprop's molecules that RDKit
cannot read are left out of its table, as it stops at the first. Each finished run is kept under build/molecules, so that they
can be made one by one; the table shows what is there: mean ± SD over seeds, the paired difference with a t interval over seeds, and, of TDC's
tasks, whose test is the same for every seed, the mean difference over seeds with an interval over test molecules (2,000 resamples).
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles
from scipy.stats import spearmanr, t
from sklearn.metrics import average_precision_score, mean_absolute_error, roc_auc_score, root_mean_squared_error

import chemprop_peer
import segmentation as shared
from osler.core.processors import processors

HOME = shared.ROOT / "build" / "molecules"
DATA = shared.DATA / "molecules"
HIGHER = {"AUROC": True, "AUPRC": True, "Spearman": True, "MAE": False, "RMSE": False}
# of TDC's leaderboards as of 2022, the best of each then, and ADMETboost (Tian et al., J Mol Model 28:408, 2022); beside them what the data's
# own notes quote of later ones
QUOTED = {
    "herg": "random forest .875, ADMETboost .806",
    "bbb_martins": "BaseBoosting .923, ADMETboost .905",
    "ames": "BaseBoosting .865, ADMETboost .859",
    "cyp2d6_veith": "BaseBoosting and ADMETboost .721",
    "caco2_wang": "ADMETboost .288, MapLight .276, Chemprop-RDKit .330",
    "lipophilicity_astrazeneca": "ADMETboost .533",
    "solubility_aqsoldb": "ADMETboost .727, MiniMol .741, Chemprop .829",
    "vdss_lombardo": "ADMETboost .612",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One task: its files (of two, the second is the test), columns, and the measure on which it is judged."""

    files: tuple[str, ...]
    smiles: str
    target: str
    measure: str

    @property
    def kind(self) -> str:
        """What is predicted."""
        return "classification" if self.measure in {"AUROC", "AUPRC"} else "regression"


def _admet(name: str, measure: str) -> Task:
    return Task((f"tdc_admet/{name}/train_val.csv", f"tdc_admet/{name}/test.csv"), "Drug", "Y", measure)


TASKS = {
    "herg": _admet("herg", "AUROC"),
    "bbb_martins": _admet("bbb_martins", "AUROC"),
    "ames": _admet("ames", "AUROC"),
    "cyp2d6_veith": _admet("cyp2d6_veith", "AUPRC"),
    "caco2_wang": _admet("caco2_wang", "MAE"),
    "lipophilicity_astrazeneca": _admet("lipophilicity_astrazeneca", "MAE"),
    "solubility_aqsoldb": _admet("solubility_aqsoldb", "MAE"),
    "vdss_lombardo": _admet("vdss_lombardo", "Spearman"),
    "esol": Task(("moleculenet/ESOL_delaney-processed.csv",), "smiles", "measured log solubility in mols per litre", "RMSE"),
    "lipophilicity": Task(("moleculenet/Lipophilicity.csv",), "smiles", "exp", "RMSE"),
    "bace": Task(("moleculenet/bace.csv",), "smiles", "Class", "AUROC"),
    "bbbp": Task(("moleculenet/BBBP.csv",), "smiles", "p_np", "AUROC"),
}


# ------------------------------------------------------------------------------------------------------------------- rows


def readable(rows: Sequence[dict[str, str]], smiles: str) -> list[dict[str, str]]:
    """Return the rows whose SMILES RDKit reads."""
    with rdBase.BlockLogs():
        return [row for row in rows if row[smiles] and (mol := Chem.MolFromSmiles(row[smiles])) and mol.GetNumAtoms()]


def scaffold_parts(smiles: Sequence[str], shares: tuple[float, ...], *, seed: int) -> np.ndarray:
    """Return (n,) the part of each molecule, 0 first; no scaffold is in two parts."""
    sets = defaultdict(list)
    for at, cell in enumerate(smiles):
        sets[MurckoScaffoldSmiles(mol=Chem.MolFromSmiles(cell), includeChirality=False)].append(at)
    sizes = [int(len(smiles) * share) for share in shares]
    rest = [size for size in sizes[1:] if size]
    large, small = [], []
    for held in sets.values():
        (large if any(len(held) > size / 2 for size in rest) else small).append(held)
    generator = random.Random(seed)
    generator.shuffle(large)
    generator.shuffle(small)
    out, filled = np.full(len(smiles), len(sizes) - 1), [0] * len(sizes)
    for held in (*large, *small):
        part = next((k for k, size in enumerate(sizes[:-1]) if filled[k] + len(held) <= size), len(sizes) - 1)
        out[held] = part
        filled[part] += len(held)
    return out


def table_of(name: str, *, seed: int, work: Path) -> tuple[Path, Path]:
    """Write the table of a task with its column "split", and its test rows alone; return both."""
    task = TASKS[name]
    parts = [readable(shared.rows_of(DATA / file), task.smiles) for file in task.files]
    if len(parts) == 2:
        part = scaffold_parts([row[task.smiles] for row in parts[0]], (0.875, 0.125), seed=seed)
        words = [*(("train", "val")[k] for k in part), *("test" for _ in parts[1])]
    else:
        part = scaffold_parts([row[task.smiles] for row in parts[0]], (0.8, 0.1, 0.1), seed=seed)
        words = [("train", "val", "test")[k] for k in part]
    rows = [
        {task.smiles: row[task.smiles], task.target: row[task.target], "split": word}
        for row, word in zip([r for p in parts for r in p], words, strict=True)
    ]
    work.mkdir(parents=True, exist_ok=True)
    test = [row for row in rows if row["split"] == "test"]
    return shared.write_rows(rows, work / "table.csv"), shared.write_rows(test, work / "test.csv")


# ------------------------------------------------------------------------------------------------------------------- runs


def value_of(measure: str, truth: np.ndarray, guess: np.ndarray) -> float:
    """Return the measure of predictions."""
    how = {
        "AUROC": roc_auc_score,
        "AUPRC": average_precision_score,
        "MAE": mean_absolute_error,
        "RMSE": root_mean_squared_error,
        "Spearman": lambda a, b: spearmanr(a, b).statistic,
    }
    return float(how[measure](truth, guess))


def run_osler(name: str, *, seed: int, budget: str, settings: Sequence[str]) -> dict:
    """Train and predict with Osler by its commands."""
    task, work = TASKS[name], HOME / "work" / f"{name}-osler-{seed}"
    shutil.rmtree(work, ignore_errors=True)
    table, test = table_of(name, seed=seed, work=work)
    began = time.time()
    chosen = [word for one in settings for word in ("--set", one)]
    shared.command(
        "train", table, "--target", task.target, "--task", task.kind, "--input", f"molecule=molecules:{task.smiles}",
        "--split", "split", "--budget", budget, "--seed", seed, "--drop-leaks", "--out", work / "model",
        "--cache", HOME / "cache", *chosen, log=work / "log.txt",
    )  # fmt: skip
    wall, began = time.time() - began, time.time()
    shared.command("predict", work / "model", test, "--out", work / "predicted.csv", log=work / "log.txt")
    rows = shared.rows_of(work / "predicted.csv")
    column = next(c for c in rows[0] if c == "probability_1" or c.startswith("predicted_"))
    lacking = sum(not row[column] for row in rows)
    assert not lacking, f"{lacking} test molecules of {name} have no prediction"
    scores = json.loads((work / "model" / "scores.json").read_text())
    return {
        **_scored(task, test, [float(row[column]) for row in rows]),
        "wall": wall, "prediction": time.time() - began, "blend": scores.get("blend"),
        "parts": {part: scores[part] for part in ("network", "baseline") if part in scores},
    }  # fmt: skip


def run_chemprop(name: str, *, seed: int, epochs: int | None) -> dict | None:
    """Train and predict with Chemprop by its commands."""
    one = chemprop_peer.peer(threads=processors(), device=shared.device())
    if one is None:
        return None
    task, work = TASKS[name], HOME / "work" / f"{name}-chemprop-{seed}"
    table, test = table_of(name, seed=seed, work=HOME / "work" / f"{name}-chemprop-{seed}-rows")
    wall = chemprop_peer.train(
        one, table, smiles=task.smiles, target=task.target, kind=task.kind, seed=seed, work=work, epochs=epochs
    )
    guess, prediction = chemprop_peer.predict(one, test, smiles=task.smiles, target=task.target, work=work)
    return {**_scored(task, test, guess), "wall": wall, "prediction": prediction}


def _scored(task: Task, test: Path, guess: Sequence[float]) -> dict:
    truth = np.array([float(row[task.target]) for row in shared.rows_of(test)])
    value = value_of(task.measure, truth, np.array(guess))
    return {"measure": task.measure, "value": value, "cases": len(truth), "guess": [float(f"{one:.6g}") for one in guess]}


# ------------------------------------------------------------------------------------------------------------------- table


def paired(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean difference over seeds with its 95% t interval; without an interval of fewer than two."""
    away = np.array(ours) - np.array(theirs)
    if len(away) < 2:
        return float(away.mean()), float("nan"), float("nan")
    half = float(t.ppf(0.975, len(away) - 1)) * away.std(ddof=1) / np.sqrt(len(away))
    return float(away.mean()), float(away.mean() - half), float(away.mean() + half)


def over_molecules(
    name: str, ours: Sequence[dict], theirs: Sequence[dict], *, resamples: int = 2000
) -> tuple[float, float, float]:
    """Return the mean difference over seeds with its 95% percentile interval over the test molecules, which all seeds share."""
    task = TASKS[name]
    rows = readable(shared.rows_of(DATA / task.files[1]), task.smiles)
    truth = np.array([float(row[task.target]) for row in rows])
    guesses = [np.array([run["guess"] for run in runs]) for runs in (ours, theirs)]

    def away(at: np.ndarray) -> float:
        own, other = ([value_of(task.measure, truth[at], one[at]) for one in found] for found in guesses)
        return float(np.mean(own) - np.mean(other))

    generator = np.random.default_rng(0)
    drawn = [away(generator.integers(0, len(truth), len(truth))) for _ in range(resamples)]
    return away(np.arange(len(truth))), *np.quantile(drawn, [0.025, 0.975])


def judged(difference: tuple[float, float, float], measure: str) -> str:
    """Return whether the mean is better, and whether the interval says so too."""
    mean, low, high = difference if HIGHER[measure] else (-difference[0], -difference[2], -difference[1])
    return ("better" if mean > 0 else "worse") + (" by the interval" if low > 0 or high < 0 else "")


def table(names: Sequence[str], mark: str) -> dict:
    """Print and return mean ± SD of each task and system, and the paired difference of seeds that both have."""
    told = {}
    for name in names:
        held, whole = {}, {}
        for system, ending in (("osler", mark), ("chemprop", "")):
            runs = [json.loads(file.read_text()) | {"seed": file.stem.split("-")[2]} for file in
                    sorted((HOME / "results").glob(f"{name}-{system}-*{ending}.json"))]  # fmt: skip
            held[system] = {run["seed"]: run["value"] for run in runs}
            whole[system] = {run["seed"]: run for run in runs}
        both = sorted(set(held["osler"]) & set(held["chemprop"]))
        measure = TASKS[name].measure
        shown = {s: f"{np.mean(list(v.values())):.3f} ± {np.std(list(v.values()), ddof=1) if len(v) > 1 else 0:.3f} ({len(v)})"
                 if v else "–" for s, v in held.items()}  # fmt: skip
        told[name] = {"measure": measure, **{system: list(v.values()) for system, v in held.items()}}
        line = f"{name:26} {measure:8} osler {shown['osler']:22} chemprop {shown['chemprop']:22}"
        if both:
            found = paired([held["osler"][s] for s in both], [held["chemprop"][s] for s in both])
            told[name]["difference"] = found
            line += f" {found[0]:+.3f} ({found[1]:+.3f} to {found[2]:+.3f}): {judged(found, measure)}"
            if len(TASKS[name].files) == 2 and all("guess" in whole[one][s] for one in whole for s in both):
                found = over_molecules(name, *([whole[one][s] for s in both] for one in ("osler", "chemprop")))
                told[name]["over molecules"] = found
                line += f"; over molecules ({found[1]:+.3f} to {found[2]:+.3f}): {judged(found, measure)}"
        print(f"{line}  {QUOTED.get(name, '')}".rstrip())
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="10m")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", choices=("osler", "chemprop"))
    parser.add_argument("--epochs", type=int, help="of Chemprop, in place of its own 50, at least 3: a smoke run, kept apart")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="of Osler, as its own --set")
    asked = parser.parse_args()
    if not DATA.is_dir():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    results, mark = HOME / "results", f"-{asked.budget}" + "".join(f"-{one}" for one in asked.settings)
    for seed in asked.seeds:
        for name in asked.tasks:
            if asked.only != "chemprop":
                run = partial(run_osler, name, seed=seed, budget=asked.budget, settings=asked.settings)
                shared.kept(results / f"{name}-osler-{seed}{mark}.json", run)
            if asked.only != "osler":
                place = HOME / f"smoke-{asked.epochs}" if asked.epochs else results
                shared.kept(place / f"{name}-chemprop-{seed}.json", partial(run_chemprop, name, seed=seed, epochs=asked.epochs))
    print(json.dumps({**shared.machine(), "budget": asked.budget, **table(asked.tasks, mark)}))


if __name__ == "__main__":
    main()
