"""Hippocampus, anterior and posterior: Osler beside nnU-Net v2 with the same time, on persons that neither has seen.

    python benchmarks/hippocampus.py [--budget 20m] [--seeds 0 1 2] [--only osler|nnunet] [--configuration 3d_fullres|2d]
                                     [--batch N] [--half]

Osler trains by the plain command on the study of `osler data get hippocampus`; then nnU-Net is given the wall time that Osler
took, its budget at least (see nnunet.py for what its clock holds and how its schedule ends in time). Test persons are scored once by
the same code: Dice of each label on the source's grid, mean over cases, persons resampled for the interval. Each finished run is kept under build/segmentation/hippocampus, so that they
can be made one by one (`--only osler --seeds 1`); the table shows what is there.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path

import numpy as np

import nnunet
import segmentation as shared
from osler.core.processors import processors
from osler.spine.study.request import minutes

LABELS = {"anterior": 1, "posterior": 2}
NAME = "hippocampus"


def parted(study: Path) -> tuple[list[dict], list[dict]]:
    """Return the training and the test rows."""
    rows = shared.rows_of(study.parent / "table.csv")
    return [row for row in rows if row["split"] != "test"], [row for row in rows if row["split"] == "test"]


def run_osler(study: Path, *, seed: int, budget: str) -> dict:
    home = shared.HOME / NAME
    _, test = parted(study)
    table = shared.write_rows(test, study.parent / "test.csv")
    found, masks = shared.osler(study, table, budget=budget, seed=seed, work=home / f"osler-{seed}")
    return {**found, "counts": shared.scored(test, masks, folder=study.parent, labels=list(LABELS.values()))}


def run_nnunet(study: Path, *, seed: int, seconds: float, configuration: str, help_: nnunet.Help) -> dict | None:
    peer = nnunet.peer(shared.HOME / NAME / "nnunet", threads=processors(), device=shared.device())
    if peer is None:
        return None
    train, test = parted(study)
    if not peer.converted:
        cases, others = (
            [nnunet.Case(r["case"], study.parent / r["image"], study.parent / r["mask"]) for r in rows] for rows in (train, test)
        )
        nnunet.convert(peer, cases, others, channels=["MR"], labels=LABELS, ending=".nii.gz")
    found = nnunet.train(peer, configuration=configuration, seconds=seconds, seed=seed, help_=help_)
    began = time.time()
    masks = nnunet.predict(peer, configuration=configuration, to=peer.home / f"predicted-{configuration}{help_.mark}-{seed}")
    prediction = time.time() - began
    return {
        **found,
        "prediction": prediction,
        "counts": shared.scored(test, masks, folder=study.parent, labels=list(LABELS.values())),
    }


def table(runs: dict[str, list[dict]], people: dict[str, str]) -> dict:
    """Print and return mean Dice by system, seed and label, its spread over seeds, and the paired difference."""
    told, means = {}, {}
    for system, found in runs.items():
        cases = list(found[0]["counts"])
        values = np.array(
            [shared.dice(np.array([one["counts"][case] for case in cases])) for one in found]
        )  # (seeds, cases, labels)
        means[system] = values.mean(axis=0)
        told[system] = {}
        print(f"\n{system}: {len(found)} seeds, {len(cases)} cases of {len({people[c] for c in cases})} persons; seconds of training "
              + ", ".join(f"{one['wall']:.0f}" for one in found))  # fmt: skip
        for place, label in enumerate(LABELS):
            each = [shared.interval(one[:, place], [people[c] for c in cases]) for one in values]
            spread = float(np.std([one[0] for one in each], ddof=1)) if len(each) > 1 else None
            print(
                f"  {label:10} {np.mean([one[0] for one in each]):.4f} ± {spread or 0:.4f}  by seed "
                + "; ".join(map(shared.shown, each))
            )
            told[system][label] = {"mean": float(np.mean([one[0] for one in each])), "spread": spread, "seeds": each}
    if len(means) == 2:
        ours, theirs = (means[name] for name in sorted(means, key=lambda name: name != "osler"))
        others = [people[case] for case in cases]
        told["difference"] = {
            label: shared.compared(ours[:, k], theirs[:, k], others, what=label) for k, label in enumerate(LABELS)
        }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="20m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=("osler", "nnunet"))
    parser.add_argument("--configuration", choices=("3d_fullres", "2d"), default="3d_fullres")
    nnunet.add_options(parser)
    asked = parser.parse_args()
    help_ = nnunet.Help(asked.batch, asked.half)
    peer = f"nnunet_{asked.configuration}{help_.mark}"
    if not (shared.DATA / "images" / NAME).is_dir():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    study, kept = shared.study(NAME), shared.HOME / NAME / "results"
    for seed in asked.seeds:
        ours = kept / f"osler-{seed}-{asked.budget}.json"
        if asked.only != "nnunet":
            shared.kept(ours, partial(run_osler, study, seed=seed, budget=asked.budget))
        if asked.only != "osler":
            seconds = max(60 * minutes(asked.budget), json.loads(ours.read_text())["wall"] if ours.is_file() else 0)
            run = partial(run_nnunet, study, seed=seed, seconds=seconds, configuration=asked.configuration, help_=help_)
            shared.kept(kept / f"{peer}-{seed}-{asked.budget}.json", run)
    people = {row["case"]: row["person"] for row in shared.rows_of(study.parent / "table.csv")}
    runs = {}
    for system in ("osler", peer):
        files = sorted(kept.glob(f"{system}-*-{asked.budget}.json"))
        runs |= {system: [json.loads(file.read_text()) for file in files]} if files else {}
    print(json.dumps({**shared.machine(), "budget": asked.budget, **table(runs, people)}))


if __name__ == "__main__":
    main()
