"""MedNIST subset (3,000 JPEG of 64 × 64, six classes): start to trained and evaluated, beside MONAI's MedNIST tutorial recipe.

    python benchmarks/images_mednist.py [--epochs 4] [--seeds 0 1 2]

Both train the same network (Osler's residual encoder with a linear layer; MONAI's own environment gets its source) for the same
number of epochs with the same batch, optimiser, schedule and random division (80/10/10). The recipe is the tutorial's:
LoadImage, EnsureChannelFirst, ScaleIntensity, RandRotate, RandFlip, RandZoom in a DataLoader of two workers, the epoch with the
best validation AUC kept. Osler's time is the whole command, from start to report: files read, leaks looked for, a baseline trained
beside, test scored with intervals. The tutorial's learning rate (Adam, 1e-5) is not used: a fresh network would learn nothing in
four epochs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers import environment

ROOT = Path(__file__).resolve().parents[1]
FORM = {"width": 48, "depth": 1, "halvings": 2, "stages": 3, "norm": "batch"}
BATCH, RATE, DECAY = 64, 3e-3, 0.05
PEER = """
import csv, json, sys, time
from pathlib import Path
import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, EnsureChannelFirst, LoadImage, RandFlip, RandRotate, RandZoom, ScaleIntensity
from osler.core.state import State
from osler.modalities.images.network import ImageEncoder
from sklearn.metrics import roc_auc_score

folder, epochs, seed, asked = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
torch.manual_seed(seed)
torch.set_num_threads(asked["threads"])
rows = list(csv.DictReader((folder / "table.csv").open()))
classes = sorted({r["label"] for r in rows})
part = {name: [r for r in rows if r["split"] == name] for name in ("train", "validation", "test")}
fixed = [LoadImage(image_only=True), EnsureChannelFirst(), ScaleIntensity()]
moved = [RandRotate(range_x=np.pi / 12, prob=0.5, keep_size=True), RandFlip(spatial_axis=0, prob=0.5), RandZoom(min_zoom=0.9, max_zoom=1.1, prob=0.5)]

class Pictures(Dataset):
    def __init__(self, rows, transforms):
        self.rows, self.transforms = rows, Compose(transforms)
    def __len__(self):
        return len(self.rows)
    def __getitem__(self, at):
        return self.transforms(str(folder / self.rows[at]["image"])), classes.index(self.rows[at]["label"])

train = DataLoader(Pictures(part["train"], fixed + moved), batch_size=asked["batch"], shuffle=True, num_workers=2)
other = {n: DataLoader(Pictures(part[n], fixed), batch_size=256, num_workers=2) for n in ("validation", "test")}
plan = {**asked["form"], "layout": "contiguous", "normalise": "study", "views": "none", "drop_path": 0.0, "dropout": 0.2}
state = State({"mean": np.full(1, 0.3, np.float32), "spread": np.full(1, 0.3, np.float32)})
encoder = ImageEncoder(plan=plan, state=state)
network = torch.nn.ModuleDict({"encoder": encoder, "head": torch.nn.Linear(encoder.width, len(classes))})
call = lambda x: network["head"](encoder(encoder.lift({"pixels": x.as_tensor() if hasattr(x, "as_tensor") else x}), {}).vector)
optimiser = torch.optim.AdamW(network.parameters(), lr=asked["rate"], weight_decay=asked["decay"])
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, asked["rate"], total_steps=epochs * len(train), pct_start=0.15)

def predicted(loader):
    network.eval()
    with torch.no_grad():
        parts = [(torch.softmax(call(x), 1), y) for x, y in loader]
    return torch.cat([p for p, _ in parts]).numpy(), torch.cat([y for _, y in parts]).numpy()

best, kept = -1.0, None
for epoch in range(epochs):
    network.train()
    for x, y in train:
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(call(x), y).backward()
        optimiser.step()
        schedule.step()
    found = roc_auc_score(np.eye(len(classes))[(p := predicted(other["validation"]))[1]], p[0], average="macro")
    if found > best:
        best, kept = found, {k: v.clone() for k, v in network.state_dict().items()}
network.load_state_dict(kept)
chance, truth = predicted(other["test"])
print("ACCURACY", float((chance.argmax(1) == truth).mean()))
"""


def table(folder: Path, seed: int) -> None:
    """Copy the pictures beside a table with a random division into training, validation and test."""
    home = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data") / "images" / "mednist"
    with (home / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    random.Random(seed).shuffle(rows)
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["image", "label", "split"])
        writer.writeheader()
        for number, row in enumerate(rows):
            (folder / row["image"]).parent.mkdir(exist_ok=True)
            if not (folder / row["image"]).exists():
                shutil.copy(home / row["image"], folder / row["image"])
            part = "test" if number % 10 == 0 else "validation" if number % 10 == 1 else "train"
            writer.writerow({"image": row["image"], "label": row["label"], "split": part})


def processor() -> float:
    times = os.times()
    return times.children_user + times.children_system


def osler(folder: Path, *, epochs: int, seed: int) -> float:
    """Return the test accuracy of the network that `osler train` trains."""
    out = folder / f"model-{seed}"
    decided = {f"inputs.image.{name}": value for name, value in FORM.items()}
    decided |= {"fit.epochs": epochs, "fit.members": 1, "fit.batch": BATCH, "fit.learning_rate": RATE, "fit.weight_decay": DECAY}
    decided |= {"explain.seconds": 0, "baseline.effort": 1}
    words = [word for name, value in decided.items() for word in ("--set", f"{name}={value}")]
    roles = ["--target", "label", "--split", "split", "--seed", str(seed), "--allow-leaks"]
    place = ["--cache", str(folder / f"cache-{seed}"), "--out", str(out)]
    subprocess.run([sys.executable, "-m", "osler", "train", str(folder / "table.csv"), *roles, *words, *place], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    return json.loads((out / "scores.json").read_text())["network"]["accuracy"]["value"]


def monai(python: Path, folder: Path, *, epochs: int, seed: int) -> float:
    """Return the test accuracy of the recipe."""
    asked = {"form": FORM, "batch": BATCH, "rate": RATE, "decay": DECAY, "threads": os.cpu_count()}
    words = [str(python), "-c", PEER, str(folder), str(epochs), str(seed), json.dumps(asked)]
    alone = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=alone)
    return float(done.stdout.split("ACCURACY")[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    python = environment("monai-training", "monai==1.6.1", "torch==2.13.0", "pillow==13.0.0", "scikit-learn")
    print(f"{'seed':>4} {'':6} {'seconds':>8} {'processor s':>12} {'accuracy':>9}")
    for seed in asked.seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            table(folder, seed)
            for who in ("osler", "monai"):
                if who == "monai" and python is None:
                    continue
                began, before = time.perf_counter(), processor()
                if who == "osler":
                    found = osler(folder, epochs=asked.epochs, seed=seed)
                else:
                    assert python is not None
                    found = monai(python, folder, epochs=asked.epochs, seed=seed)
                print(
                    f"{seed:4} {who:6} {time.perf_counter() - began:8.1f} {processor() - before:12.1f} {found:9.4f}", flush=True
                )


if __name__ == "__main__":
    main()
