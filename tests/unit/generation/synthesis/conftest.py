"""Small players over squares that are bright or dark, which a generator learns in seconds."""

import numpy as np
import pytest
import torch

from osler.contract import Batch, InputBatch, TargetBatch
from osler.generation.synthesis.objective import Shape, SynthesisObjective

PLAN = {
    "synthesis.noise": 8, "synthesis.width": 4, "synthesis.spectral": True, "synthesis.loss": "non-saturating",
    "synthesis.penalty_every": 4, "synthesis.penalty": 1.0, "synthesis.augment": 0.0, "fit.precision": "float32",
    "fit.learning_rate": 2e-3, "fit.epochs": 8, "fit.batch": 32, "fit.clip": 1000.0, "fit.ema": 0.9,
    "fit.epoch_cases": 512, "fit.rounds": 1,
}  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Squares:
    """Pictures of 8 × 8 in bytes: class 0 dark on the left, class 1 on the right, each of its own brightness."""

    def __init__(self, count=256):
        draws = np.random.default_rng(0)
        self.classes = np.arange(count) % 2
        bright = draws.uniform(120, 220, (count, 1, 1))
        pixels = np.broadcast_to(bright, (count, 8, 8)).copy()
        for row, one in enumerate(self.classes):
            pixels[row, :, 4 * one : 4 * one + 4] = 30
        self.pixels = np.clip(pixels + draws.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)[:, None]

    def batch(self, rows, seed=None):
        values = torch.from_numpy(self.classes[rows]).float()[:, None]
        fields = {"pixels": torch.from_numpy(self.pixels[rows])}
        target = TargetBatch(values, torch.ones_like(values, dtype=torch.bool))
        return Batch({"image": InputBatch(fields, torch.arange(len(rows)))}, len(rows), target)


@pytest.fixture(scope="session")
def squares():
    return Squares()


@pytest.fixture(scope="session")
def players():
    def build(seed=0, **settings):
        torch.manual_seed(seed)
        plan = {**PLAN, **{f"synthesis.{k}" if "." not in k else k: v for k, v in settings.items()}}
        return SynthesisObjective(Shape(1, (8, 8), 0, 255, 3), plan=plan)

    return build
