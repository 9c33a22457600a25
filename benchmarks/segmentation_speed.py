"""Training patches and inference voxels per second of Osler beside a MONAI pipeline, and the memory of a large CT.

    python benchmarks/segmentation_speed.py [--steps 20] [--cases 8] [--threads 2] [--without-memory | --only-memory] [--budget 20m]

Same volumes (hippocampus, training persons), same network object, patch, batch and optimiser: both sides build what Osler's plan for `--budget`
says. MONAI (in an environment of its own, which holds Osler too) reads with LoadImaged, Orientationd, Spacingd and NormalizeIntensityd into a CacheDataset, cuts
with RandCropByPosNegLabeld, moves with RandAffined and RandFlipd, changes intensities, in a DataLoader with two worker processes,
and trains with DiceCELoss over deep supervision; it is run in float32 and once more in Osler's precision, so that what comes of that alone is
seen. Inference is sliding_window_inference, Gaussian, overlap .5, from tensors in memory to labels; Osler's is from its columns. Where the network
averages mirror images, it does so on both sides. Reading and the filling of the cache are not timed on either side. Memory is the peak of the
proportional share (PSS) of a prediction and its workers on a CT of 512 × 512 × 600, a real average head tiled up, by the networks and by the
baselines. `--plain-network` runs MONAI's side alone with its DynUNet, to try it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "build" / "segmentation" / "speed"
PARTS = {"osler": ("osler", "own"), "monai, float32": ("monai", "float32"), "monai, Osler's precision": ("monai", "own")}
REQUIREMENTS = (
    "monai==1.6.1",
    "nibabel==5.4.2",
    "torch==2.13.0",
    "--constraint",
    str(ROOT / "constraints.txt"),
    "--editable",
    f"{ROOT}[images]",
)
WARM = 3  # steps, and cases, that are not timed
SPACING = (1.0, 1.0, 1.0)  # millimetres: that of the source


# ----------------------------------------------------------------------------------------------------------- both sides


def ready(asked: argparse.Namespace):
    """Return Osler's source, an untrained member, the cases and the training rows, under the plan that the first call freezes."""
    from functools import partial

    from osler.core.plan import Plan
    from osler.flows import planning
    from osler.flows.cases import gather_cases
    from osler.flows.divide import split_and_drop
    from osler.flows.members import fit_states
    from osler.flows.opening import open_study
    from osler.spine.fit import NetworkMember
    from osler.spine.study import Request

    cache, frozen = HOME / "cache", HOME / f"plan-{asked.budget}.json"
    study, table = open_study(Request(table_or_study=asked.study, budget=asked.budget), cache=cache)
    again = partial(gather_cases, table=table, cache=cache)
    cases, split, decisions, _ = split_and_drop(again(study), again=again)
    if not frozen.is_file():
        plan = planning.make_plan(cases, split, decisions, facts=planning.gather_facts(cases, split), device="cpu", spent=0.0)
        frozen.write_text(plan.to_json())
    plan = Plan.from_json(frozen.read_text())
    source, rows = planning.source_of(cases, plan, device="cpu"), split.folds[0].training
    states = fit_states(source, rows, groups=cases.groups)
    member = NetworkMember.built(
        modalities=source.modalities, task=cases.task, info=cases.target.info, states=states, plan=plan, seed=0
    )
    return source, member, cases, rows


def timed(step, count: int) -> float:
    """Return the seconds of `count` calls of `step(turn)`, after some to warm up."""
    for turn in range(WARM):
        step(turn)
    began = time.perf_counter()
    for turn in range(WARM, WARM + count):
        step(turn)
    return time.perf_counter() - began


# ---------------------------------------------------------------------------------------------------------------- Osler


def osler(asked: argparse.Namespace) -> dict[str, float]:
    """Return patches per second of Osler's training steps, as `flows.planning.seconds_per_step` makes them, and voxels per second."""
    import numpy as np
    import torch

    from osler.spine.fit import PredictorObjective
    from osler.spine.fit.loop import plain_update

    source, member, cases, rows = ready(asked)
    objective = PredictorObjective(network=member.network, task=cases.task, plan=source.plan)
    optimiser, batch = objective.optimisers(plan=source.plan)[0], int(source.plan["fit.batch"])
    order = np.random.default_rng(0)
    member.network.train()

    def step(turn: int) -> None:
        some = np.sort(order.permutation(rows)[:batch])
        loss = objective.step(source.batch(some, seed=turn), turn=turn, generator=torch.Generator().manual_seed(turn))
        plain_update(objective, optimiser, loss, source.plan)

    seconds = timed(step, asked.steps)
    voxels = 0

    def labelled(turn: int) -> None:
        nonlocal voxels
        marks = member.raw_map(source, int(rows[turn])).argmax(axis=0)
        voxels += marks.size if turn >= WARM else 0

    took = timed(labelled, asked.cases)
    return {
        "patches": asked.steps * batch / seconds,
        "voxels": voxels / took,
        "batch": batch,
        "parameters": parameters(member.network),
    }


def parameters(network) -> int:
    return sum(p.numel() for p in network.parameters())


# ---------------------------------------------------------------------------------------------------------------- MONAI


def same_network(asked: argparse.Namespace):
    """Return Osler's own network as a module from patches (B, 1, i, j, k) to raw maps, its patch and its batch."""
    import numpy as np
    import torch

    from osler.contract import Batch, InputBatch

    source, member, _, rows = ready(asked)
    name = source.anchor or next(iter(source.modalities))
    batch = int(source.plan["fit.batch"])
    fields = source.batch(np.sort(rows[:batch]), seed=0).inputs[name].fields
    field = next(key for key, values in fields.items() if values.dim() > 3)

    class Same(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = member.network

        def forward(self, patches):
            given = InputBatch({**{k: v[: len(patches)] for k, v in fields.items()}, field: patches}, torch.arange(len(patches)))
            found = Batch({name: given}, len(patches))
            return self.network.each(found) if self.training else self.network(found)

    return Same(), tuple(fields[field].shape[2:]), batch, source.plan["fit.precision"] == "bfloat16"


def plain_network():
    """Return MONAI's DynUNet of about nnU-Net's size for a patch of 40 × 56 × 40, for trying this side alone."""
    from monai.networks.nets import DynUNet

    network = DynUNet(
        spatial_dims=3, in_channels=1, out_channels=3, kernel_size=[3] * 4, strides=[1, 2, 2, 2], upsample_kernel_size=[2] * 3,
        filters=[32, 64, 128, 256], res_block=True, deep_supervision=True, deep_supr_num=2,
    )  # fmt: skip
    return network, (40, 56, 40), 4, True


def transforms(patch: tuple[int, ...]):
    """Return what is done once to each case, and what is done to it anew in each step."""
    from monai import transforms as t

    both = ["image", "label"]
    once = [
        t.LoadImaged(both, ensure_channel_first=True), t.Orientationd(both, axcodes="RAS", labels=None),
        t.Spacingd(both, pixdim=SPACING, mode=("bilinear", "nearest")), t.NormalizeIntensityd("image"), t.SpatialPadd(both, patch),
    ]  # fmt: skip
    anew = [
        t.RandCropByPosNegLabeld(both, label_key="label", spatial_size=patch, pos=1, neg=2, num_samples=1),
        t.RandAffined(both, prob=0.5, rotate_range=[0.5] * 3, scale_range=[0.25] * 3, mode=("bilinear", "nearest"), padding_mode="border"),
        *[t.RandFlipd(both, prob=0.5, spatial_axis=axis) for axis in range(3)],
        t.RandGaussianNoised("image", prob=0.15, std=0.1), t.RandGaussianSmoothd("image", prob=0.2),
        t.RandScaleIntensityd("image", factors=0.25, prob=0.15), t.RandShiftIntensityd("image", offsets=0.1, prob=0.15),
        t.RandAdjustContrastd("image", prob=0.3, gamma=(0.7, 1.5)), t.ToTensord(both, track_meta=False),
    ]  # fmt: skip
    return once, anew


def supervised(found, label, loss):
    """Return the loss over maps from fine to coarse, halved from one to the next; maps come as a tuple or stacked (B, maps, …)."""
    import torch

    maps = list(found) if isinstance(found, tuple) else list(found.unbind(1)) if found.dim() == 6 else [found]
    weights = [0.5**turn for turn in range(len(maps))]
    total = 0.0
    for weight, raw in zip(weights, maps, strict=True):
        small = label if label.shape[2:] == raw.shape[2:] else torch.nn.functional.interpolate(label, raw.shape[2:])
        total = total + weight / sum(weights) * loss(raw.float(), small)
    return total


def monai(asked: argparse.Namespace) -> dict[str, float]:
    """Return patches per second of the MONAI pipeline's training, and voxels per second of its inference."""
    import torch
    from monai.data import CacheDataset, DataLoader
    from monai.losses import DiceCELoss
    from monai.transforms import Compose

    network, patch, batch, half = plain_network() if asked.plain_network else same_network(asked)
    half = half and asked.precision == "own"
    once, anew = transforms(patch)
    folder = Path(asked.study).parent
    rows = [row for row in rows_of(folder / "table.csv") if row["split"] == "train"]
    some = [{"image": folder / row["image"], "label": folder / row["mask"]} for row in rows[: asked.volumes]]
    cached = CacheDataset(some, Compose([*once, *anew]), num_workers=2, progress=False)
    sampler = torch.utils.data.RandomSampler(cached, replacement=True, num_samples=(WARM + asked.steps) * batch)
    loader = iter(DataLoader(cached, batch_size=batch, sampler=sampler, num_workers=2, persistent_workers=False))
    loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-4, betas=(0.9, 0.98), fused=True)
    network.train()

    def step(_: int) -> None:
        cut = next(loader)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            found = network(cut["image"])
        optimiser.zero_grad(set_to_none=True)
        supervised(found, cut["label"].float(), loss).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()

    seconds = timed(step, asked.steps)
    whole = [torch.as_tensor(one["image"]).as_tensor()[None] for one in Compose(once)(some[: WARM + asked.cases])]
    voxels = 0

    def labelled(turn: int) -> None:
        nonlocal voxels
        voxels += slid(network, whole[turn], patch, half=half).numel() if turn >= WARM else 0

    took = timed(labelled, asked.cases)
    return {"patches": asked.steps * batch / seconds, "voxels": voxels / took, "batch": batch, "parameters": parameters(network)}


def slid(network, volume, patch, *, half: bool):
    """Return the labels of a volume (1, 1, i, j, k) by MONAI's sliding window."""
    import torch
    from monai.inferers import sliding_window_inference

    network.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        return sliding_window_inference(volume, patch, 4, network, overlap=0.5, mode="gaussian").argmax(1)


def rows_of(table: Path) -> list[dict[str, str]]:
    import csv

    with table.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# --------------------------------------------------------------------------------------------------------------- memory


def head_study(folder: Path) -> tuple[Path, Path]:
    """Write ten slabs of a real average CT with its bone as a study, and the head tiled to 512 × 512 × 600; return study and table."""
    import numpy as np
    import yaml

    import segmentation as shared
    from osler.datasets.nifti import nifti, read_nifti

    study, large = folder / "study.yaml", folder / "large.csv"
    if study.is_file():
        return study, large
    values, affine = read_nifti(shared.DATA / "images" / "heads" / "ct_template_2mm.nii.gz")
    values = np.rint(np.interp(values, *STRETCHED)).astype(np.int16)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, start in enumerate(range(0, values.shape[2] - 8, 9)):
        here, part = affine.copy(), values[..., start : start + 9]
        here[:3, 3] += affine[:3, 2] * start
        for kind, array in (("image", part), ("mask", (part > BONE).astype(np.uint8))):
            (folder / f"{kind}-{number}.nii.gz").write_bytes(nifti(array, affine=here))
        rows.append(
            {
                "image": f"image-{number}.nii.gz",
                "mask": f"mask-{number}.nii.gz",
                "case": f"slab-{number}",
                "split": "train" if number % 3 else "test",
            }
        )
    shared.write_rows(rows, folder / "table.csv")
    (folder / "large.nii.gz").write_bytes(nifti(np.tile(values, (6, 5, 7))[:512, :512, :600], affine=affine))
    shared.write_rows([{"image": "large.nii.gz", "case": "large"}], large)
    inputs = {"image": {"modality": "images", "columns": ["image"]}}
    keys = {
        "table": "table.csv",
        "task": "segmentation",
        "target": "mask",
        "id": "case",
        "split": "split",
        "inputs": inputs,
        "set": {"target.labels": {"bone": 1}},
    }
    study.write_text(yaml.safe_dump(keys, sort_keys=False))
    return study, large


# the template stretches Hounsfield units from -100 to 100 elevenfold, so that software for MR sees the brain (Rorden 2012)
STRETCHED = ((0, 900, 3100, 4100), (-1000, -100, 100, 1100))
BONE = 300  # Hounsfield units


def memory(parts: Sequence[str] = ("network", "baseline")) -> dict[str, float]:
    """Return the peak GiB and the seconds of prediction of the large CT by all five networks, and by all five baselines.

    The plan has no overlap of tiles and no mirror images: they would take sixteen times as long and hold nothing more.
    """
    import segmentation as shared

    study, table = head_study(HOME / "head")
    model, found = HOME / "head-model", {}
    if not model.is_dir():
        quick = ("--set", "inputs.image.overlap=0.0", "--set", "inputs.image.mirror=[]")
        words = ("--budget", "1m", *quick, "--out", model, "--cache", HOME / "head-cache")
        shared.command("train", study, *words, log=HOME / "log.txt")
    for part in parts:
        out = HOME / f"head-predicted-{part}-{int(time.time())}"
        own = watched(
            [sys.executable, __file__, "--paint", part, model, table, out], {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        )
        found |= {f"{part} GiB": own[0], f"{part} seconds": own[1]}
        print(f"512 × 512 × 600 CT, {part}: {own[0]:.2f} GiB at most, {own[1]:.0f} s", flush=True)
    return found


def paint(part: str, model: str, table: str, out: str) -> None:
    """Predict as the command does, with the networks or the baselines alone, whichever the bundle has chosen."""
    from dataclasses import replace

    from osler.flows import predict
    from osler.flows.predictor import load
    from osler.spine.output import Blend

    predict.load = lambda *given, **named: replace(load(*given, **named), blend=Blend(1.0 if part == "network" else 0.0))
    predict.predict(model, table, out=out)


def watched(words, variables) -> tuple[float, float]:
    """Return the peak GiB (PSS) of a command and its workers, and its seconds."""
    import psutil

    began, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(list(map(str, words)), env=variables)
    while process.poll() is None:
        total = 0
        try:
            root = psutil.Process(process.pid)
            for one in (root, *root.children(recursive=True)):
                total += one.memory_full_info().pss
        except psutil.Error:
            pass
        peak = max(peak, total / 2**30)
        time.sleep(2)  # reading the shares of memory holds the process up
    if process.returncode:
        raise SystemExit(process.returncode)
    return peak, time.perf_counter() - began


# ----------------------------------------------------------------------------------------------------------------- main


def part(asked: argparse.Namespace) -> None:
    """Run one part in this process and print what it found."""
    import torch

    torch.set_num_threads(asked.threads)
    print(json.dumps((osler if asked.part == "osler" else monai)(asked)))


def measured(python: Path | str, asked: argparse.Namespace, *, kind: str, precision: str) -> dict[str, float]:
    words = [python, __file__, "--part", kind, "--precision", precision, *(["--plain-network"] if asked.plain_network else [])]
    for name in ("study", "budget", "steps", "cases", "threads", "volumes"):
        words += [f"--{name}", getattr(asked, name)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(list(map(str, words)), check=True, stdout=subprocess.PIPE, text=True, env=variables)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--volumes", type=int, default=40, help="cases in MONAI's cache")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--budget", default="20m")
    parser.add_argument("--study", type=Path)
    parser.add_argument("--without-memory", action="store_true")
    parser.add_argument("--plain-network", action="store_true")
    parser.add_argument("--part", choices=("osler", "monai"))
    parser.add_argument("--precision", choices=("own", "float32"), default="own")
    parser.add_argument("--only-memory", action="store_true")
    parser.add_argument("--paint", nargs=4, metavar=("PART", "BUNDLE", "TABLE", "OUT"), help="one prediction, to be watched")
    asked = parser.parse_args()
    if asked.paint:
        paint(*asked.paint)
        return
    if asked.only_memory:
        memory()
        return
    if asked.part:
        part(asked)
        return
    import segmentation as shared
    from peers import environment

    if not (shared.DATA / "images" / "hippocampus").is_dir():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    HOME.mkdir(parents=True, exist_ok=True)
    asked.study = shared.study("hippocampus")
    peer = environment("monai", *REQUIREMENTS)
    print(f"{'':26} {'patches/s':>10} {'Osler is':>9} {'voxels/s':>12} {'Osler is':>9}  batch  parameters")
    found, first = {}, None
    for name, (kind, precision) in PARTS.items():
        python = sys.executable if kind == "osler" else peer
        if python is None or (asked.plain_network and kind == "osler"):
            continue
        one = found[name] = measured(python, asked, kind=kind, precision=precision)
        first = first or one
        print(f"{name:26} {one['patches']:10.2f} {first['patches'] / one['patches']:8.2f}× {one['voxels']:12,.0f} "
              f"{first['voxels'] / one['voxels']:8.2f}×  {one['batch']:5.0f} {one['parameters']:11,.0f}", flush=True)  # fmt: skip
    if not asked.without_memory and not asked.plain_network:
        found["memory"] = memory()
    print(json.dumps({**shared.machine(), **found}))


if __name__ == "__main__":
    main()
