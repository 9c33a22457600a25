"""nnU-Net v2 as a peer of segmentation, in an environment of its own, with a schedule that ends with its time.

nnU-Net fixes 1,000 epochs of 250 steps, days on a CPU. Here its trainer is given a time instead: a subclass measures its own
seconds per step and cuts 50 epochs to what remains, so that the poly schedule comes to its end; all else is nnU-Net's own.
Validation during training, which nnU-Net only logs when all cases train (`fold all`), is left out in its favour.
As it stands it trains in float32 on a processor (on an accelerator in its own mixed precision), with a batch made for a GPU; `Help` may give it a smaller batch and bfloat16, which it has not of its own.
Conversion of the data is not timed; planning, preprocessing and training are. Prediction is nnU-Net's own, mirrored.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from peers import environment

NUMBER = 501
REQUIREMENTS = ("nnunetv2==2.8.1", "torch==2.13.0")
TRAINING = '''
import os, random, sys, time
import numpy as np
import torch
from batchgenerators.utilities.file_and_folder_operations import load_json
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer as Plain

folder, configuration, seed, threads, deadline, epochs, batch, half, device, out = sys.argv[1:]
deadline, WARM, RESERVE = float(deadline), 2, 5.0  # steps that are not timed; seconds to write the weights


class nnUNetTrainer(Plain):
    """Ends at the deadline: before each epoch its steps are cut to the time that remains."""

    def __init__(self, plans, configuration, fold, dataset_json, device):  # its base reads these names
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = int(epochs)
        self.took = []

    def steps(self):
        steady = self.took[WARM:]
        if len(steady) < 5:
            return WARM + 5
        remains = deadline - RESERVE - time.time()
        return int(max(remains, 0) / (self.num_epochs - self.current_epoch) / np.mean(steady))

    def run_training(self):
        self.on_train_start()
        plain = self.network.forward

        def halved(x):
            with torch.autocast(device, torch.bfloat16):
                maps = plain(x)
            return [one.float() for one in maps] if isinstance(maps, (list, tuple)) else maps.float()

        self.network.forward = halved if half == "1" else plain
        while self.current_epoch < self.num_epochs:
            self.on_train_epoch_start()
            for _ in range(self.steps()):
                began = time.time()
                loss = self.train_step(next(self.dataloader_train))["loss"]
                self.took.append(time.time() - began)
                if len(self.took) == WARM + 5:
                    print(f"{np.mean(self.took[WARM:]):.2f} s a step", flush=True)
            self.current_epoch += 1
        self.on_train_end()
        print("loss", loss)


torch.manual_seed(int(seed)), np.random.seed(int(seed)), random.seed(int(seed))
torch.set_num_threads(int(threads))
plans, dataset = load_json(folder + "/nnUNetPlans.json"), load_json(folder + "/dataset.json")
plans["continue_training"] = False
if int(batch):
    plans["configurations"][configuration]["batch_size"] = int(batch)
trainer = nnUNetTrainer(plans=plans, configuration=configuration, fold="all", dataset_json=dataset, device=torch.device(device))
trainer.run_training()
import json
how = trainer.configuration_manager
told = {"steps": len(trainer.took), "seconds_per_step": float(np.mean(trainer.took[WARM:])), "late": time.time() - deadline,
        "batch": int(how.batch_size), "patch": [int(n) for n in how.patch_size], "parameters": sum(p.numel() for p in trainer.network.parameters())}
open(out, "w").write(json.dumps(told))
'''


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its `name`, its file(s) and its label map, all of one ending; `mask` is None where it is only predicted."""

    name: str
    image: Path
    mask: Path | None


@dataclass(frozen=True, slots=True)
class Help:
    """What is changed in nnU-Net's favour: its `batch` (0: its own) and whether the network runs in bfloat16."""

    batch: int = 0
    half: bool = False

    @property
    def mark(self) -> str:
        """What tells runs with help from those without."""
        return (f"_batch{self.batch}" if self.batch else "") + ("_half" if self.half else "")


@dataclass(frozen=True, slots=True)
class Peer:
    """nnU-Net on one data set: its Python, the folder of its files, how many threads it may use, and its device."""

    python: Path
    home: Path
    threads: int
    device: str = "cpu"

    def call(self, *words: object) -> None:
        """Run a command in the environment, its words into a log; the log's end is shown where it fails."""
        log = self.home / "log.txt"
        with log.open("a") as stream:
            done = subprocess.run(
                list(map(str, words)), check=False, stdout=stream, stderr=subprocess.STDOUT, env=self.variables()
            )
        if done.returncode:
            raise SystemExit(f"nnU-Net failed; the end of {log}:\n" + "\n".join(log.read_text().splitlines()[-15:]))

    def variables(self) -> dict[str, str]:
        """Return the environment of its processes: its three folders, no compiler; one process that augments, on an accelerator as many as threads."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        folders = {f"nnUNet_{name}": str(self.home / name) for name in ("raw", "preprocessed", "results")}
        counts = {name: str(self.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        return {
            **kept,
            **folders,
            **counts,
            "nnUNet_compile": "F",
            "nnUNet_n_proc_DA": "1" if self.device == "cpu" else str(self.threads),
            "nnUNet_def_n_proc": str(self.threads),
        }

    @property
    def converted(self) -> bool:
        """Whether the raw data set is whole; dataset.json is written last."""
        return (self.home / "raw" / self.name / "dataset.json").is_file()

    @property
    def name(self) -> str:
        """The data set's name in nnU-Net's folders."""
        return f"Dataset{NUMBER}_Study"


def peer(home: Path, *, threads: int, device: str = "cpu") -> Peer | None:
    """Return nnU-Net for the files under `home`; None, with the reason printed, where it cannot be installed."""
    python = environment("nnunet", *REQUIREMENTS)
    home.mkdir(parents=True, exist_ok=True)
    return Peer(python, home, threads, device) if python else None


def convert(
    one: Peer, cases: Sequence[Case], test: Sequence[Case], *, channels: Sequence[str], labels: Mapping[str, int], ending: str
) -> None:
    """Write nnU-Net's raw data set anew: links to the files, and dataset.json. A picture of several channels stays one file."""
    folder = one.home / "raw" / one.name
    for stale in ("raw", "preprocessed", "results"):
        shutil.rmtree(one.home / stale, ignore_errors=True)
    for room in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / room).mkdir(parents=True)
    for case in cases:
        (folder / "imagesTr" / f"{case.name}_0000{ending}").symlink_to(case.image.resolve())
        (folder / "labelsTr" / f"{case.name}{ending}").symlink_to(case.mask.resolve())
    for case in test:
        (folder / "imagesTs" / f"{case.name}_0000{ending}").symlink_to(case.image.resolve())
    told = {
        "channel_names": dict(enumerate(channels)),
        "labels": {"background": 0, **labels},
        "numTraining": len(cases),
        "file_ending": ending,
    }
    (folder / "dataset.json").write_text(json.dumps(told))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `Help`."""
    parser.add_argument("--batch", type=int, default=0, help="of nnU-Net, in place of its own")
    parser.add_argument("--half", action="store_true", help="nnU-Net's network in bfloat16")


def train(one: Peer, *, configuration: str, seconds: float, seed: int, help_: Help, epochs: int = 50) -> dict:
    """Plan, preprocess and train within `seconds` of wall time, and return what was measured.

    Planning and preprocessing are done once for all seeds, and their time is taken from each.
    """
    began, prepared = time.time(), one.home / f"prepared-{configuration}.json"
    bin_, folder = one.python.parent, one.home / "preprocessed" / one.name
    if not prepared.is_file() or not folder.is_dir():
        one.call(
            bin_ / "nnUNetv2_plan_and_preprocess", "-d", NUMBER, "-c", configuration, "-np", one.threads, "-npfp", one.threads
        )
        prepared.write_text(json.dumps(time.time() - began))
    preparation = float(json.loads(prepared.read_text()))
    began, out = time.time(), one.home / "trained.json"
    deadline = began + seconds - preparation
    one.call(
        one.python,
        "-c",
        TRAINING,
        folder,
        configuration,
        seed,
        one.threads,
        deadline,
        epochs,
        help_.batch,
        int(help_.half),
        one.device,
        out,
    )
    return {**json.loads(out.read_text()), "preparation": preparation, "wall": preparation + time.time() - began}


def predict(one: Peer, *, configuration: str, to: Path) -> dict[str, Path]:
    """Return the predicted label map of each test case, by its name."""
    shutil.rmtree(to, ignore_errors=True)
    words = ["-d", NUMBER, "-i", one.home / "raw" / one.name / "imagesTs", "-o", to, "-c", configuration, "-f", "all", "-device", one.device,
             "-npp", 1, "-nps", 1, "--disable_progress_bar"]  # fmt: skip
    one.call(one.python.parent / "nnUNetv2_predict", *words)
    return {path.name.partition(".")[0]: path for path in sorted(to.iterdir()) if path.name.endswith((".nii.gz", ".png"))}
