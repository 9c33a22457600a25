"""Training images per second of Osler's loop, beside a plain PyTorch loop with DataLoader and per-image transforms.

    python benchmarks/images_training.py [--images 4708] [--threads 2]

Same pictures (PneumoniaMNIST, 28 × 28, in memory), same network, batch, optimiser and kinds of augmentation (flip, turn, scale,
shift, brightness, contrast, noise). The plain loop transforms each picture with Pillow and NumPy in two worker processes, as most
code does; it is run in float32 and once more in Osler's precision and layout, so that what comes of these alone is seen. Osler's time
includes averaged weights, scoring and the checkpoint; the plain loop only trains. Peak memory is the proportional share (PSS)
of the process and its workers, sampled. Each runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "osler": ("osler", "own"),
    "plain, float32": ("plain", "float32"),
    "plain, Osler's precision": ("plain", "own"),
}


def pictures(images: int):
    """Return the pictures (n, 1, 28, 28) and labels (n,)."""
    import numpy as np

    folder = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data")
    found = np.load(folder / "images" / "pneumoniamnist.npz")
    return found["train_images"][:images, None], found["train_labels"][:images, 0].astype(float)


def ready(images: int):
    """Return Osler's source, with the plan that its rules make of these pictures, and an untrained network."""
    import numpy as np

    from osler.core import registry
    from osler.core.columns import Columns
    from osler.core.plan import Plan
    from osler.core.target import Target
    from osler.modalities.images.case import Image
    from osler.modalities.images.encode import encode_all
    from osler.spine.fit import NetworkMember, Source
    from osler.spine.plan import Circumstances, decide

    pixels, labels = pictures(images)
    modality, task = registry.modality("images"), registry.task("classification")
    fields = modality.fields(reading={"channels": 1, "size": [28, 28], "dtype": "uint8"})
    arrays = encode_all([Image(picture) for picture in pixels], roles=frozenset({"input", "baseline"}))
    columns = Columns(fields, arrays, np.ones(len(pixels), bool), np.zeros((len(pixels), 2), np.int64))
    info = {"kind": "binary", "names": ["label"], "classes": [["normal", "pneumonia"]], "positive": "pneumonia"}
    target = Target(labels[:, None], np.ones((len(labels), 1), bool), info)
    rows = np.arange(len(labels))
    about = Circumstances("classification", "vector", len(rows), len(rows), 1, 2.0, "cpu", {})
    facts = {"image": modality.facts(columns, rows, target=target)}
    plan, ladder = decide(
        task=task, modalities={"image": modality}, facts=facts, target=task.facts(target, rows), circumstances=about
    )
    plan = Plan([*plan.decisions, *ladder[1]])
    states = {"image": modality.fit(columns, rows, groups=rows, plan=plan.part("inputs.image"))}
    source = Source({"image": modality}, {"image": columns}, plan, target)
    member = NetworkMember.built(modalities=source.modalities, task=task, info=info, states=states, plan=plan, seed=0)
    return source, member, task


def osler(images: int) -> tuple[float, float]:
    """Return wall seconds and processor seconds of an epoch of Osler's loop, after a short one to warm up."""
    import tempfile

    import numpy as np

    from osler.core.plan import Decision
    from osler.spine.fit import PredictorObjective, Run, fit

    source, member, task = ready(images)
    plan = source.plan.with_decisions([Decision("fit.epochs", 1, "")])
    objective = PredictorObjective(network=member.network, task=task, plan=plan)
    took = (0.0, 0.0)
    for rows in (np.arange(min(images, 512)), np.arange(images)):
        began = clocks()
        with tempfile.TemporaryDirectory() as folder:
            fit(
                objective, lambda some, at: source.batch(some, seed=at), rows=rows,
                tune=lambda: source.batches(np.arange(min(images, 256)), size=256), run=Run(plan, 0, 0, Path(folder)),
            )  # fmt: skip
        took = tuple(b - a for a, b in zip(began, clocks(), strict=True))
    return took


def transformed(picture, generator):
    """Return one picture (1, i, j) flipped, turned, scaled, shifted and re-lit, by Pillow and NumPy."""
    import numpy as np
    import PIL.Image

    image = PIL.Image.fromarray(picture[0])
    if generator.random() < 0.5:
        image = image.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    angle, scale = np.radians(generator.uniform(-15, 15)), np.exp(generator.uniform(-0.14, 0.14))
    across, down = image.width / 2, image.height / 2
    shift = generator.uniform(-0.08, 0.08, 2) * (image.width, image.height)
    a, b, d, e = np.cos(angle) * scale, -np.sin(angle) * scale, np.sin(angle) * scale, np.cos(angle) * scale
    matrix = (a, b, across - a * across - b * down + shift[0], d, e, down - d * across - e * down + shift[1])
    image = image.transform(image.size, PIL.Image.Transform.AFFINE, matrix, PIL.Image.Resampling.BILINEAR)
    grey = np.asarray(image, np.float32) / 255
    grey = (grey - grey.mean()) * generator.uniform(0.75, 1.25) + grey.mean() + generator.uniform(-0.1, 0.1)
    return (grey + 0.05 * generator.random() * generator.standard_normal(grey.shape, np.float32)).astype(np.float32)[None] * 255


def clocks() -> tuple[float, float]:
    """Return the wall clock, and the processor time of this process and of the workers that it has ended."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(u.ru_utime + u.ru_stime for u in usage)


def plain(images: int, precision: str) -> tuple[float, float]:
    """Return wall and processor seconds of an epoch of a plain loop over the same network, after a short one to warm up."""
    import numpy as np
    import torch
    from torch.utils.data import DataLoader, Dataset

    source, member, _ = ready(images)
    pixels, labels = pictures(images)
    network = member.network
    encoder, head = network.fusion.encoders["image"], network.head

    class Pictures(Dataset):
        def __len__(self):
            return len(labels)

        def __getitem__(self, at):
            return transformed(pixels[at], np.random.default_rng()), labels[at]

    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
    encoder.layout = torch.channels_last if precision == "own" else torch.contiguous_format
    half = precision == "own" and source.plan["fit.precision"] == "bfloat16"
    took, network = (0.0, 0.0), network.train()
    for count in (512, images):
        some = torch.utils.data.Subset(Pictures(), range(min(count, images)))
        loader = DataLoader(some, batch_size=source.plan["fit.batch"], shuffle=True, num_workers=2)
        began = clocks()
        for batch, label in loader:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                raw = head(encoder(encoder.lift({"pixels": batch}), {}).vector)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(raw.float()[:, 0], label.float())
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        took = tuple(b - a for a, b in zip(began, clocks(), strict=True))
    return took


def measured(words: list[str]) -> tuple[float, float, float]:
    """Return the wall and processor seconds that a part prints, and the peak MiB of it and its workers."""
    process = subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True)
    peak = 0.0
    while process.poll() is None:
        total = 0
        try:
            root = psutil.Process(process.pid)
            for one in (root, *root.children(recursive=True)):
                total += one.memory_full_info().pss
        except psutil.Error:
            pass
        peak = max(peak, total / 2**20)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(process.returncode)
    assert process.stdout is not None
    wall, processor = map(float, process.stdout.read().split()[-2:])
    return wall, processor, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4708)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", choices=("osler", "plain"))
    parser.add_argument("--precision", default="own")
    asked = parser.parse_args()
    if asked.part:
        import torch

        torch.set_num_threads(asked.threads)
        print(*(osler(asked.images) if asked.part == "osler" else plain(asked.images, asked.precision)))
        return
    print(f"{'':26} {'images/s':>9} {'Osler is':>9} {'processor ms/image':>19} {'peak MiB':>9}")
    first = None
    for name, (part, precision) in PARTS.items():
        words = ["--part", part, "--precision", precision, "--images", str(asked.images), "--threads", str(asked.threads)]
        seconds, processor, peak = measured(words)
        rate, each = asked.images / seconds, 1000 * processor / asked.images
        first = first or rate
        print(f"{name:26} {rate:9.0f} {first / rate:8.2f}× {each:19.2f} {peak:9.0f}", flush=True)


if __name__ == "__main__":
    main()
