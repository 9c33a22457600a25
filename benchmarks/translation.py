"""One kind of image from another: lower-grade glioma by patient, and CT to MR and back on heads as a demonstration of the flow.

    python benchmarks/translation.py [--budget 20m] [--seeds 0 1 2] [--target flair|after] [--segmenter 5m] [--only lgg|heads] [--unpaired 3m]

`lgg`: FLAIR (or the image after contrast) from the image before contrast, on the study of `osler data get lgg-sequences`, split by the study's own
rule; the figures are those of the bundle's scores.json, over the test patients. Then a tumour segmenter is trained on the real
target of the training patients alone, and marks the test patients on the real and on the translated target: Dice of a patient (slices
pooled), its mean over patients, and the paired loss with its interval over patients. `heads`: the average CT and the average T1 (MNI152) on one
grid, in slabs, some held out, with pairs both ways; and single real heads without pairs. No claim of accuracy rests on heads: the averages are of
other people, that T1 has no skull, and none of the CT files is in Hounsfield units. Finished runs
are kept under build/translation.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import yaml

import segmentation as shared
from osler.datasets import get
from osler.datasets.nifti import nifti, read_nifti
from osler.spine.split import Cases, divide, split_rules

HOME = shared.ROOT / "build" / "translation"
LABEL = {"tumour": 1}
TESTED = 0.3  # share of the patients: a fifth would be fewer than an interval rests on
SLAB = 6  # slices of a slab
HELD = 5  # every so-manieth slab of the average heads is held out


def run_lgg(*, target: str, budget: str, segmenter: str, seed: int) -> dict:
    """Train, score, translate the test patients, and mark the tumour on real and on translated images."""
    study = get("lgg-sequences", to=HOME / "lgg" / "study", mirror=shared.DATA / "images")
    work = HOME / "lgg" / f"{target}-{seed}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    shutil.copytree(study.parent / "images", work / "images")
    split = divided(shared.rows_of(study.parent / "table.csv"), target=target, seed=seed)
    every = [{**row, "split": name} for name, rows in split.items() for row in rows]
    asked = work / "study.yaml"
    keys = {k: v for k, v in yaml.safe_load(study.read_text()).items() if k != "set"}
    asked.write_text(
        yaml.safe_dump({**keys, "table": shared.write_rows(every, work / "table.csv").name, "target": target, "split": "split"})
    )
    log, began = work / "log.txt", time.time()
    shared.command(
        "train", asked, "--budget", budget, "--seed", seed, "--cache", work / "cache", "--out", work / "model", log=log
    )
    wall, began = time.time() - began, time.time()
    scores = json.loads((work / "model" / "scores.json").read_text())
    shared.command(
        "translate", work / "model", shared.write_rows(split["test"], work / "test.csv"), "--out", work / "translated", log=log
    )
    prediction = time.time() - began
    found = {
        "target": target,
        "seed": seed,
        "wall": wall,
        "prediction": prediction,
        "numbers": scores["numbers"],
        "headline": scores["headline"],
    }
    return {**found, "downstream": downstream(split, target=target, budget=segmenter, seed=seed, work=work)}


def divided(rows: list[dict], *, target: str, seed: int) -> dict[str, list[dict]]:
    """Return the rows of training, validation and test that hold both images, patients kept whole, drawn as a study without a split column is."""
    whole = [row for row in rows if row["before"] and row[target]]
    _, groups = np.unique([row["patient"] for row in whole], return_inverse=True)
    plan = {d.name: d.value for d in split_rules(groups=len(np.unique(groups)), grid=True)} | {"split.test": TESTED}
    drawn = divide(Cases(np.arange(len(whole)), groups, np.zeros(len(whole), np.int64)), plan=plan, seed=seed)
    parts = {"train": drawn.training, "val": np.concatenate([drawn.tune, drawn.calibrate]), "test": drawn.test}
    return {name: [whole[row] for row in np.sort(part)] for name, part in parts.items()}


def downstream(split: dict[str, list[dict]], *, target: str, budget: str, seed: int, work: Path) -> dict:
    """Return Dice of a segmenter of the real target, on real and on translated test images, and what is lost."""
    training = [{**row, "picture": row[target]} for row in split["train"] + split["val"]]
    made = {row["case"]: row["image"] for row in shared.rows_of(work / "translated" / "cases.csv") if row["image"]}
    real = [{**row, "picture": row[target]} for row in split["test"] if row["case"] in made]
    others = [{**row, "picture": f"translated/{made[row['case']]}"} for row in real]
    asked = work / "segmenter.yaml"
    asked.write_text(yaml.safe_dump({
        "table": shared.write_rows(training, work / "training.csv").name, "task": "segmentation", "target": "mask", "id": "case", "group": "patient",
        "inputs": {"image": {"modality": "images", "columns": ["picture"]}}, "set": {"target.labels": LABEL},
    }, sort_keys=False))  # fmt: skip
    shared.command(
        "train",
        asked,
        "--budget",
        budget,
        "--seed",
        seed,
        "--out",
        work / "segmenter",
        "--cache",
        work / "cache",
        log=work / "log.txt",
    )
    found = {}
    for name, rows in (("real", real), ("translated", others)):
        table = shared.write_rows(rows, work / f"{name}.csv")
        shared.command("predict", work / "segmenter", table, "--out", work / f"marked-{name}", log=work / "log.txt")
        masks = {r["case"]: work / f"marked-{name}" / r["mask"] for r in shared.rows_of(work / f"marked-{name}" / "cases.csv")}
        found[name] = by_patient(rows, masks, folder=work)
    people = sorted(found["real"])
    each = {name: np.array([values[p] for p in people]) for name, values in found.items()}
    return {
        "patients": len(people), **{name: shared.interval(values, people) for name, values in each.items()},
        "loss": shared.interval(each["real"] - each["translated"], people), "segmenter": budget,
    }  # fmt: skip


def by_patient(rows: list[dict], masks: dict[str, Path], *, folder: Path) -> dict[str, float]:
    """Return Dice by patient, slices pooled."""
    counts = shared.scored(rows, masks, folder=folder, labels=list(LABEL.values()))
    sums: dict[str, np.ndarray] = {}
    for row in rows:
        sums[row["patient"]] = sums.get(row["patient"], 0) + np.array(counts[row["case"]][0])
    return {name: float(shared.dice(one)) for name, one in sums.items()}


# ----------------------------------------------------------------------------------------------------------------- heads


def run_heads(*, way: str, budget: str, seed: int) -> dict:
    """Train one way on slabs of the average heads, score the slabs held out, and write them in their geometry."""
    work = HOME / "heads" / f"{way}-{seed}"
    shutil.rmtree(work, ignore_errors=True)
    table = average_slabs(work / "slabs") if way != "unpaired" else single_slabs(work / "slabs")
    source, target = ("mr", "ct") if way == "mr-to-ct" else ("ct", "mr")
    began = time.time()
    sides = (
        () if way == "unpaired" else (("source" if source == "ct" else "target"),)
    )  # the CT has a unit of its own, no Hounsfield units
    more = [word for side in sides for word in ("--set", f"translation.{side}_scale=study")]
    asked = (
        "train",
        table,
        "--task",
        "translation",
        "--input",
        f"source=images:{source}",
        "--target",
        target,
        "--split",
        "split",
        "--id",
        "slab",
    )
    shared.command(
        *asked,
        *more,
        "--budget",
        budget,
        "--seed",
        seed,
        "--out",
        work / "model",
        "--cache",
        work / "cache",
        log=work / "log.txt",
    )
    wall, began = time.time() - began, time.time()
    shared.command("translate", work / "model", table, "--out", work / "translated", log=work / "log.txt")
    scores = json.loads((work / "model" / "scores.json").read_text())
    checked = geometry(work / "translated", table, source=source)
    return {
        "way": way,
        "wall": wall,
        "prediction": time.time() - began,
        "numbers": scores["numbers"],
        "headline": scores["headline"],
        **checked,
    }


def average_slabs(folder: Path) -> Path:
    """Write the average CT and the average T1, on one grid, as slabs of SLAB slices; every HELD-th slab tests, the one before it tunes."""
    from scipy.ndimage import affine_transform

    ct, affine = read_nifti(shared.DATA / "images/heads/ct_template_2mm.nii.gz")
    t1, other = read_nifti(mni152())
    between = np.linalg.inv(other) @ affine
    mr = affine_transform(t1, between[:3, :3], between[:3, 3], ct.shape, order=1)
    rows = []
    for number, start in enumerate(range(0, ct.shape[2] - SLAB + 1, SLAB)):
        here = affine @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, start], [0, 0, 0, 1.0]])
        part = "test" if number % HELD == 2 else "val" if number % HELD == 1 else "train"
        row = {"slab": f"slab{number:02d}", "split": part}
        for name, values in (("ct", ct), ("mr", mr)):
            cut = values[..., start : start + SLAB]
            row[name] = f"{name}/{number:02d}.nii.gz"
            if np.ptp(cut) == 0:
                break
            save(folder / row[name], cut, here)
        else:
            rows.append(row)
    return shared.write_rows(rows, folder / "table.csv")


def single_slabs(folder: Path) -> Path:
    """Write two CT and two MR heads, each at 2 mm on its own grid, as slabs; rows hold one or the other."""
    rows = []
    for name, kind in (("CT_AVM", "ct"), ("CT_pitch", "ct"), ("MR_Gd", "mr"), ("chris_t1", "mr")):
        values, affine = read_nifti(shared.DATA / f"images/heads/{name}.nii.gz")
        for number, start in enumerate(range(0, values.shape[2] - SLAB + 1, SLAB)):
            cut = values[..., start : start + SLAB]
            if np.ptp(cut) == 0:
                continue
            here = affine @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, start], [0, 0, 0, 1.0]])
            path = f"{kind}/{name}-{number:02d}.nii.gz"
            save(folder / path, cut, here)
            part = "test" if number % HELD == 2 else "val" if number % HELD == 1 else "train"
            rows.append(
                {
                    "slab": f"{name}-{number:02d}",
                    "split": part,
                    "ct": path if kind == "ct" else "",
                    "mr": path if kind == "mr" else "",
                }
            )
    return shared.write_rows(rows, folder / "table.csv")


def mni152() -> Path:
    import nilearn

    return Path(nilearn.__file__).parent / "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def save(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(nifti(np.rint(values).astype(np.int16), affine=affine))


def geometry(out: Path, table: Path, *, source: str) -> dict:
    """Return how far translated files lie from the grids of their sources, and the range of their values."""
    by_id = {row["slab"]: row for row in shared.rows_of(table)}
    worst, ends = 0.0, []
    with (out / "cases.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            if row["image"]:
                made, affine = read_nifti(out / row["image"])
                own = read_nifti(table.parent / by_id[row["slab"]][source])
                assert made.shape == own[0].shape
                worst = max(worst, float(np.abs(affine - own[1]).max()))
                ends.append((float(made.min()), float(made.max())))
    return {"affine_apart": worst, "values": [min(e[0] for e in ends), max(e[1] for e in ends)], "written": len(ends)}


# ----------------------------------------------------------------------------------------------------------------- table


def told(found: dict) -> None:
    """Print one run."""
    print(f"  {found['headline']}")
    for system, values in found["numbers"].get("systems", {}).items():
        print(f"  {system:10s} " + "  ".join(f"{name} {shown(value)}" for name, value in values.items()))
    for system, words in found["numbers"].get("verdicts", {}).items():
        print(f"  against {system}: " + ", ".join(f"{name} {word}" for name, word in words.items()))
    if "downstream" in found:
        down = found["downstream"]
        print(f"  Dice on real {shared.shown(down['real'])}, on translated {shared.shown(down['translated'])}, lost {shared.shown(down['loss'])}"
              f" ({down['patients']} patients, segmenter of {down['segmenter']})")  # fmt: skip
    if "affine_apart" in found:
        print(f"  {found['written']} files, affines at most {found['affine_apart']:.1e} apart, values {found['values']}")


def shown(value: dict) -> str:
    ends = "" if value["low"] is None else f" ({value['low']:.4g} to {value['high']:.4g})"
    return f"{value['value']:.4g}{ends}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="20m")
    parser.add_argument("--segmenter", default="5m")
    parser.add_argument("--unpaired", default="3m", help="budget of each run on heads")
    parser.add_argument("--target", choices=("flair", "after"), default="flair")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", choices=("lgg", "heads"))
    asked = parser.parse_args()
    if not (shared.DATA / "images" / "lgg_mri_50.npz").is_file():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    jobs: dict[str, partial] = {}
    for seed in asked.seeds:
        if asked.only != "heads":
            work = partial(run_lgg, target=asked.target, budget=asked.budget, segmenter=asked.segmenter, seed=seed)
            jobs[f"lgg-{asked.target}-{asked.budget}-{asked.segmenter}-{seed}"] = work
        for way in ("ct-to-mr", "mr-to-ct", "unpaired") if asked.only != "lgg" else ():
            jobs[f"heads-{way}-{asked.unpaired}-{seed}"] = partial(run_heads, way=way, budget=asked.unpaired, seed=seed)
    runs = [shared.kept(HOME / "results" / f"{name}.json", work) for name, work in jobs.items()]
    for found in runs:
        print(found.get("target") or found.get("way"), f"seed {found.get('seed', '')}: {found['wall']:.0f} s")
        told(found)
    print(json.dumps({**shared.machine(), "budget": asked.budget, "runs": len(runs)}))


if __name__ == "__main__":
    main()
