"""Small studies of two kinds of image, as columns."""

import numpy as np

from osler.core.columns import NO_WORDS, Columns, Field, Ragged
from osler.core.plan import Decision, Plan
from osler.generation.translation.scale import Scale

PLAN = {
    "translation.pairing": "paired", "translation.neighbours": 0, "translation.patch": [32, 32], "translation.mirror": [1],
    "translation.light": 0.0, "translation.widths": [8, 16, 16], "translation.depth": 1, "translation.adversarial": False,
    "translation.l1": 100.0, "translation.inside": 0.1, "translation.structure": 0.3, "translation.critic": 8,
    "translation.cycle": 10.0, "translation.identity": 5.0, "translation.source_scale": "study", "translation.target_scale": "study",
    "fit.precision": "float32", "fit.learning_rate": 3e-3, "fit.weight_decay": 0.0, "fit.clip": 1.0, "fit.epochs": 12, "fit.batch": 8,
    "fit.epoch_cases": 64, "fit.rounds": 4, "fit.ema": 0.9,
}  # fmt: skip
UNIT = Scale("study", (0.0,), (255.0,))


def plan(**changed):
    """A plan of translation, with other values where they are told (dots as double underscores)."""
    values = PLAN | {name.replace("__", "."): value for name, value in changed.items()}
    return Plan([Decision(name, value, "") for name, value in values.items()])


def columns(images, *, kind=""):
    """Columns of images (channels, i, j[, k]), None where a case has none, as the images modality holds them on own grids."""
    first = next(image for image in images if image is not None)
    axes = first.ndim - 1
    field = Field("volume", str(first.dtype), (len(first), *(None,) * axes), warp="linear", labels=(kind,) if kind else ())
    flat = [np.empty(0, first.dtype) if image is None else image.ravel() for image in images]
    shapes = np.array([(0,) * first.ndim if image is None else image.shape for image in images], np.int32)
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in flat])]).astype(np.int64)
    there = np.array([image is not None for image in images])
    prints = np.array([(0, 0) if image is None else (hash(image.tobytes()), image.size) for image in images], np.int64)
    return Columns((field,), {"volume": Ragged(np.concatenate(flat), offsets, shapes)}, there, prints, {}, NO_WORDS)


def heads(many, *, side=32, seed=0):
    """Drawn heads (1, side, side) uint8 with a bright skull, a body and spots, and the same inverted inside."""
    draws = np.random.default_rng(seed)
    i, j = np.mgrid[:side, :side]
    sources, targets = [], []
    for _ in range(many):
        middle = side / 2 + draws.uniform(-2, 2, 2)
        away = np.hypot(i - middle[0], j - middle[1]) / (side * draws.uniform(0.34, 0.42))
        inner = 90 + 60 * np.sin(i / draws.uniform(2, 4)) * np.cos(j / draws.uniform(2, 4))
        body = away < 1
        source = np.where(body, np.where(away > 0.85, 230, inner), 0) + draws.normal(0, 1, (side, side))
        source = np.clip(np.rint(source), 0, 255).astype(np.uint8)
        sources.append(source[None])
        targets.append(np.where(body, 255 - source, 0).astype(np.uint8)[None])
    return sources, targets
