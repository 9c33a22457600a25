"""Features of pictures: pictures a second by size, and what the classical models make of them on validation cases.

    python benchmarks/picture_features.py [--data ../shared/data]

Speed is in processor seconds of one thread. The models are trained on PneumoniaMNIST's training part and scored on its validation
part, by group of features; the test part is not read.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from osler.core.columns import Columns
from osler.core.features import Features
from osler.core.target import Target
from osler.modalities.images.baseline.frequencies import low_frequencies, projected
from osler.modalities.images.case import THUMBNAIL
from osler.modalities.images.encode.descriptors import described, names
from osler.tasks.baselines import fit_baseline

SIZES = ((28, 1, 400), (64, 1, 100), (224, 1, 20), (224, 3, 10), (512, 1, 6))


def speed() -> None:
    """Print how many pictures a second are described."""
    for side, channels, count in SIZES:
        pictures = np.random.default_rng(0).integers(0, 255, (count, channels, side, side)).astype(np.uint8)
        described(pictures)
        began, done = time.process_time(), 0
        while time.process_time() - began < 1:
            described(pictures)
            done += count
        width = len(names((channels, side, side)))
        print(f"{side}x{side}x{channels}: {done / (time.process_time() - began):,.0f} pictures/s, {width} features")


def accuracy(data: Path) -> None:
    """Print the AUROC of each group of features on the validation part, and the seconds of training."""
    with np.load(data / "images" / "pneumoniamnist.npz") as known:
        parts = [(known[f"{p}_images"][:, None], known[f"{p}_labels"].ravel()) for p in ("train", "val")]
    pictures, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    training, held = np.arange(len(parts[0][1])), np.arange(len(parts[0][1]), len(labels))
    told = described(pictures)
    columns = Columns((), {THUMBNAIL: told.thumbnails}, np.ones(len(labels), bool), np.zeros((len(labels), 2), np.int64))
    low = projected(columns, np.arange(len(labels)), arrays=low_frequencies(columns, training, groups=np.arange(len(labels))))
    kinds = np.array([name.partition(".")[0] for name in names(pictures.shape[1:])] + ["low frequencies"] * low.shape[1])
    matrix = np.concatenate([told.descriptors, low], axis=1)
    for kind in ("all", *dict.fromkeys(kinds.tolist())):
        chosen = matrix if kind == "all" else matrix[:, kinds == kind]
        model, seconds = _trained(chosen[training], labels[training])
        found = _area(model.raw(chosen[held])[:, 0], labels[held])
        print(f"{kind}: {chosen.shape[1]} features, AUROC {found:.4f} on validation, {seconds:.1f} s of one processor")


def _trained(matrix: np.ndarray, labels: np.ndarray):
    rows = len(labels)
    features = Features(matrix, np.arange(rows), tuple(map(str, range(matrix.shape[1]))), np.zeros(matrix.shape[1], bool))
    target = Target(labels[:, None].astype(float), np.ones((rows, 1), bool), {"classes": [["normal", "pneumonia"]]})
    began = time.process_time()
    model = fit_baseline(features, target, kind="binary", groups=np.arange(rows), plan={}, seed=0)
    return model, time.process_time() - began


def _area(raw: np.ndarray, labels: np.ndarray) -> float:
    sick = labels == 1
    return float((rankdata(raw)[sick].sum() - sick.sum() * (sick.sum() + 1) / 2) / (sick.sum() * (~sick).sum()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    asked = parser.parse_args()
    speed()
    accuracy(asked.data)
