"""What the benchmarks of segmentation share: label maps, Dice, intervals over people, and runs that are kept and taken up."""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from osler.core.processors import processors
from osler.datasets import get
from osler.datasets.nifti import read_nifti

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "build" / "segmentation"
DATA = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data")
RESAMPLES = 5000


def study(name: str) -> Path:
    """Return the study of a data set, written under the cache once."""
    return get(name, to=HOME / name / "study", mirror=DATA / "images")


def rows_of(table: Path) -> list[dict[str, str]]:
    """Return the rows of a table as text by column."""
    with table.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_rows(rows: Sequence[Mapping[str, str]], path: Path) -> Path:
    """Write rows as a table and return its path."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


# ---------------------------------------------------------------------------------------------------------------- scores


def label_map(path: Path) -> np.ndarray:
    """Return the labels of a file in its own grid: (i, j, k) of NIfTI, (i, j) of PNG."""
    if path.name.endswith(".nii.gz"):
        return np.rint(read_nifti(path)[0]).astype(np.int16)
    with PIL.Image.open(path) as picture:
        return np.asarray(picture).astype(np.int16)


def overlaps(predicted: Path, truth: Path, labels: Sequence[int]) -> list[list[int]]:
    """Return per label the voxels that are marked in both, in the prediction, and in truth; both files have one grid."""
    ours, theirs = label_map(predicted), label_map(truth)
    assert ours.shape == theirs.shape, f"{predicted} has the shape {ours.shape}, not {theirs.shape}"
    return [[int(((ours == k) & (theirs == k)).sum()), int((ours == k).sum()), int((theirs == k).sum())] for k in labels]


def dice(counts: np.ndarray) -> np.ndarray:
    """Return Dice (…, labels) of counts (…, labels, 3); NaN where a label is in neither."""
    both, ours, theirs = np.moveaxis(np.asarray(counts, float), -1, 0)
    total = ours + theirs
    return np.divide(2 * both, total, out=np.full(total.shape, np.nan), where=total > 0)


def interval(values: np.ndarray, people: Sequence[str], *, seed: int = 0) -> tuple[float, float, float]:
    """Return the mean of `values` (cases,), NaN left out, and its 95% interval; people are resampled, each with all cases."""
    known = np.isfinite(values)
    values, people = np.asarray(values)[known], np.asarray(people)[known]
    names, place = np.unique(people, return_inverse=True)
    sums, counts = np.bincount(place, values), np.bincount(place)
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def shown(found: tuple[float, float, float], *, sign: str = "") -> str:
    return f"{found[0]:{sign}.4f} ({found[1]:{sign}.4f} to {found[2]:{sign}.4f})"


# ------------------------------------------------------------------------------------------------------------------ runs


def device() -> str:
    """Return what Osler and its peers train on here: an accelerator where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def machine() -> dict[str, object]:
    """Return what a figure is quoted with."""
    features = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    name = next(
        (line.partition(":")[2].strip() for line in features.splitlines() if line.startswith("model name")), platform.processor()
    )
    return {"machine": name, "processors": processors(), "avx512_bf16": "avx512_bf16" in features, "load": os.getloadavg()[0],
            "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "torch": torch.__version__,
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None}  # fmt: skip


def kept(path: Path, run: Callable[[], dict | None]) -> dict | None:
    """Return the result in `path`, or of `run`, which is then kept there with machine and date; None where `run` cannot be made."""
    if path.is_file():
        print(f"{path.stem}: kept from before ({path})", flush=True)
        return json.loads(path.read_text())
    print(f"{path.stem}: begins {time.strftime('%H:%M:%S', time.gmtime())} UTC", flush=True)
    before, found = machine(), run()
    if found is None:
        return None
    found = {**before, **found}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found))
    print(f"{path.stem}: {found['wall']:.0f} s of training, {found['prediction']:.0f} s of prediction", flush=True)
    return found


def scored(
    rows: Sequence[Mapping[str, str]], masks: Mapping[str, Path], *, folder: Path, labels: Sequence[int]
) -> dict[str, list]:
    """Return by case its counts; each case of `rows` must have a mask. Truth lies beside the study."""
    lacking = [row["case"] for row in rows if row["case"] not in masks]
    assert not lacking, f"{len(lacking)} cases were not predicted, {lacking[0]} among them"
    return {row["case"]: overlaps(masks[row["case"]], folder / row["mask"], labels) for row in rows}


def osler(asked: Path, test: Path, *, budget: str, seed: int, work: Path) -> tuple[dict, dict[str, Path]]:
    """Train a study by the plain command, predict the table `test`, and return what was measured and the masks by case."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    began = time.time()
    command(
        "train",
        asked,
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
    command("predict", work / "model", test, "--out", work / "predicted", log=work / "log.txt")
    scores = json.loads((work / "model" / "scores.json").read_text())
    found = {
        "wall": wall,
        "prediction": time.time() - began,
        "scores": {part: scores.get(part) for part in ("test", "network", "baseline")},
    }
    return found, masks_in(work / "predicted", [row["case"] for row in rows_of(test)])


def command(*words: object, log: Path) -> None:
    """Run `osler` on this tree; the log's end is shown where it fails."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with log.open("a") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "osler", *map(str, words)], check=False, stdout=stream, stderr=subprocess.STDOUT, env=variables
        )
    if done.returncode:
        raise SystemExit(f"osler {words[0]} failed; the end of {log}:\n" + "\n".join(log.read_text().splitlines()[-15:]))


def masks_in(folder: Path, cases: Sequence[str]) -> dict[str, Path]:
    """Return the predicted label map of each case: the file that cases.csv names in its line, or whose name begins with the case's."""
    files = {path.name: path for path in sorted(folder.rglob("*")) if path.name.endswith((".nii.gz", ".png"))}
    table = folder / "cases.csv"
    lines = rows_of(table) if table.is_file() else []
    found = {}
    for turn, case in enumerate(cases):
        told = lines[turn].values() if len(lines) == len(cases) else ()
        names = [Path(cell).name for cell in told if cell and Path(cell).name in files]
        names += [name for name in files if name.partition(".")[0] == case]
        found |= {case: files[names[0]]} if names else {}
    return found


def compared(ours: np.ndarray, theirs: np.ndarray, people: Sequence[str], *, what: str) -> dict[str, float]:
    """Print and return the paired difference of the same cases (cases,), each the mean of its seeds."""
    found = interval(ours - theirs, people)
    print(f"  {what}: Osler − nnU-Net {shown(found, sign='+')}")
    return {"difference": found[0], "low": found[1], "high": found[2]}
