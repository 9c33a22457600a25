"""Tumour of lower-grade glioma on slices: Osler, its voxel baseline and nnU-Net v2 with the same time, five folds of patients.

    python benchmarks/lgg.py [--budget 20m] [--folds 0 1 2 3 4] [--seed 0] [--only osler|nnunet] [--batch N] [--half]

Patients in order of name, place % 5 is the fold in which they test. Osler trains by the plain command on the study of `osler data get
lgg-mri` with a split column; then nnU-Net's 2d is given the wall time that Osler took, its budget at least (see nnunet.py). Dice is
that of a patient: slices pooled, then the mean over patients, who are resampled for the interval. The baseline's figures are those of
Osler's own scores.json, as only the bundle that won writes masks. Each finished fold is kept under build/segmentation/lgg-mri; the table
shows what is there.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import yaml

import nnunet
import segmentation as shared
from osler.core.processors import processors
from osler.spine.study.request import minutes

NAME, FOLDS, TUMOUR = "lgg-mri", 5, {"tumour": 1}
CHANNELS = ("pre-contrast", "FLAIR", "post-contrast")


def folded(study: Path, fold: int) -> tuple[Path, list[dict], list[dict]]:
    """Return the study of one fold, written beside the whole one, with its training and its test rows."""
    rows = shared.rows_of(study.parent / "table.csv")
    patients = sorted({row["patient"] for row in rows})
    test = set(patients[fold::FOLDS])
    rows = [{**row, "split": "test" if row["patient"] in test else "train"} for row in rows]
    table = shared.write_rows(rows, study.parent / f"fold-{fold}.csv")
    keys = yaml.safe_load(study.read_text())
    asked = study.parent / f"fold-{fold}.yaml"
    asked.write_text(yaml.safe_dump({**keys, "table": table.name, "split": "split"}, sort_keys=False))
    return asked, [row for row in rows if row["split"] == "train"], [row for row in rows if row["split"] == "test"]


def run_osler(study: Path, *, fold: int, seed: int, budget: str) -> dict:
    asked, _, test = folded(study, fold)
    table = shared.write_rows(test, study.parent / f"test-{fold}.csv")
    found, masks = shared.osler(asked, table, budget=budget, seed=seed, work=shared.HOME / NAME / f"osler-{fold}")
    patients = len({row["patient"] for row in test})
    return {"fold": fold, "patients": patients, **found, "counts": counted(test, masks, study)}


def counted(test: list[dict], masks: dict[str, Path], study: Path) -> dict[str, list]:
    return shared.scored(test, masks, folder=study.parent, labels=list(TUMOUR.values()))


def run_nnunet(study: Path, *, fold: int, seed: int, seconds: float, help_: nnunet.Help) -> dict | None:
    peer = nnunet.peer(shared.HOME / NAME / f"nnunet-{fold}", threads=processors(), device=shared.device())
    if peer is None:
        return None
    _, train, test = folded(study, fold)
    if not peer.converted:
        cases, others = (
            [nnunet.Case(r["case"], study.parent / r["image"], study.parent / r["mask"]) for r in rows] for rows in (train, test)
        )
        nnunet.convert(peer, cases, others, channels=CHANNELS, labels=TUMOUR, ending=".png")
    found = nnunet.train(peer, configuration="2d", seconds=seconds, seed=seed, help_=help_)
    began = time.time()
    masks = nnunet.predict(peer, configuration="2d", to=peer.home / "predicted")
    prediction = time.time() - began
    return {
        **found,
        "prediction": prediction,
        "counts": counted(test, masks, study),
    }


def pooled(runs: list[dict], patient: dict[str, str]) -> dict[str, float]:
    """Return Dice by patient, slices pooled, of all folds that are there."""
    sums: dict[str, np.ndarray] = {}
    for one in runs:
        for case, counts in one["counts"].items():
            sums[patient[case]] = sums.get(patient[case], 0) + np.array(counts[0])
    return {name: float(shared.dice(counts)) for name, counts in sums.items()}


def table(runs: dict[str, list[dict]], patient: dict[str, str]) -> dict:
    """Print and return the mean Dice over patients by system, and the paired difference on patients of both."""
    told, by_patient = {}, {}
    for system, found in runs.items():
        by_patient[system] = pooled(found, patient)
        names, values = zip(*sorted(by_patient[system].items()), strict=True)
        told[system] = shared.interval(np.array(values), names)
        print(f"{system}: {len(found)} folds, {len(names)} patients, Dice {shared.shown(told[system])}; seconds of training "
              + ", ".join(f"{one['wall']:.0f}" for one in found))  # fmt: skip
    for part in ("test", "network", "baseline"):
        each = [(one["patients"], (one["scores"].get(part) or {}).get("dice")) for one in runs.get("osler", [])]
        each = [(patients, found["value"]) for patients, found in each if found]
        if each:
            told[f"osler's own score, {part}"] = mean = float(np.average([v for _, v in each], weights=[n for n, _ in each]))
            print(f"  Osler's own Dice of {part}: {mean:.4f}, by fold " + ", ".join(f"{value:.4f}" for _, value in each))
    if len(by_patient) == 2:
        ours, theirs = (by_patient[name] for name in sorted(by_patient, key=lambda name: name != "osler"))
        both = sorted(set(ours) & set(theirs))
        told["difference"] = shared.compared(
            np.array([ours[n] for n in both]), np.array([theirs[n] for n in both]), both, what="tumour"
        )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="20m")
    parser.add_argument("--folds", type=int, nargs="+", choices=range(FOLDS), default=list(range(FOLDS)))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("osler", "nnunet"))
    nnunet.add_options(parser)
    asked = parser.parse_args()
    help_ = nnunet.Help(asked.batch, asked.half)
    peer = f"nnunet_2d{help_.mark}"
    if not (shared.DATA / "images" / "lgg_mri_50.npz").is_file():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    study, kept = shared.study(NAME), shared.HOME / NAME / "results"
    for fold in asked.folds:
        ours, theirs = (kept / f"{system}-{fold}-{asked.seed}-{asked.budget}.json" for system in ("osler", peer))
        if asked.only != "nnunet":
            shared.kept(ours, partial(run_osler, study, fold=fold, seed=asked.seed, budget=asked.budget))
        if asked.only != "osler":
            seconds = max(60 * minutes(asked.budget), json.loads(ours.read_text())["wall"] if ours.is_file() else 0)
            shared.kept(theirs, partial(run_nnunet, study, fold=fold, seed=asked.seed, seconds=seconds, help_=help_))
    files = {system: sorted(kept.glob(f"{system}-*-{asked.seed}-{asked.budget}.json")) for system in ("osler", peer)}
    runs = {system: [json.loads(path.read_text()) for path in found] for system, found in files.items() if found}
    patient = {row["case"]: row["patient"] for row in shared.rows_of(study.parent / "table.csv")}
    print(json.dumps({**shared.machine(), "budget": asked.budget, **table(runs, patient)}))


if __name__ == "__main__":
    main()
