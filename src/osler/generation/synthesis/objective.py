"""Generator and discriminator as what the one loop trains: two turns a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from osler.contract import Batch, Objective
from osler.generation.synthesis import losses
from osler.generation.synthesis.augment import augmented
from osler.generation.synthesis.discriminator import Discriminator
from osler.generation.synthesis.features import RandomFeatures
from osler.generation.synthesis.frechet import frechet, joint
from osler.generation.synthesis.generator import Generator
from osler.generation.synthesis.neighbours import variety

DISCRIMINATOR, GENERATOR = 0, 1  # the turns
SCORED = 1024  # pictures at most by which a state is scored
LEAST_SCORED = 256  # pictures that are made for it at least
SAME = 0.1  # variety beside real pictures: less, and the generator draws one picture over and over
PATIENCE = 3  # epochs in which it does, until training ends
EARLY = 0.3  # of the epochs, before which a generator may still be finding its way
FALL = 0.7  # of the training, from where the learning rate falls to nothing
CLASS = 0.5  # of the spread of real features, that a class weighs in the distance


class Players(nn.Module):
    """Both networks, and what is counted over the training."""

    steps: Tensor
    same: Tensor

    def __init__(self, generator: Generator, discriminator: Discriminator) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("same", torch.zeros((), dtype=torch.int64))


@dataclass(frozen=True, slots=True)
class Shape:
    """What is made: pictures of `channels` and `size`, whose values from `low` to `high` become -1 to 1, of `classes` (the last of them
    for pictures whose class is not known)."""

    channels: int
    size: tuple[int, int]
    low: float
    high: float
    classes: int

    def scaled(self, pixels: Tensor) -> Tensor:
        """Return (B, C, i, j) from -1 to 1; what lies outside is cut off."""
        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2
        return ((pixels.float() - middle) / half).clamp(-1, 1)

    def values(self, pictures: Tensor) -> Tensor:
        """Return the pixels behind pictures from -1 to 1."""
        return pictures.float() * ((self.high - self.low) / 2) + (self.high + self.low) / 2


class SynthesisObjective(Objective):
    """Trains the two players; scores the averaged generator by a Fréchet distance to tune pictures, class by class."""

    module: Players
    keeps: ClassVar[Literal["best", "last"]] = "best"
    forgives: ClassVar[bool] = True

    def __init__(self, shape: Shape, *, plan: Mapping[str, Any]) -> None:
        self.shape, self.plan = shape, plan
        self.noise = int(plan["synthesis.noise"])
        generator = Generator(
            channels=shape.channels, size=shape.size, classes=shape.classes, noise=self.noise, width=int(plan["synthesis.width"])
        )
        discriminator = Discriminator(
            channels=shape.channels, size=shape.size, classes=shape.classes, width=int(plan["synthesis.width"]),
            bound=bool(plan["synthesis.spectral"]),
        )  # fmt: skip
        self.module = Players(generator, discriminator).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.features = RandomFeatures(channels=shape.channels)
        self.variety = 1.0

    def optimisers(self, *, plan: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, ...]:
        """Return Adam for each player: no momentum, as the other moves the ground (Karras et al. 2020)."""
        parts = (self.module.discriminator, self.module.generator)
        return tuple(torch.optim.Adam(p.parameters(), lr=plan["fit.learning_rate"], betas=(0.0, 0.99), fused=True) for p in parts)

    def share(self, done: float, *, turn: int) -> float:
        """Return 1, falling to 0 over the last part of the training."""
        return min(1.0, max(0.0, 1 - done) / (1 - FALL))

    def step(self, batch: Batch, *, turn: int, generator: torch.Generator) -> Tensor:
        """Return the loss (B,) of the discriminator, or of the generator."""
        pictures, classes = self.seen(batch)
        noise = torch.randn(len(classes), self.noise, generator=generator).to(classes.device)
        return (self._discriminate if turn == DISCRIMINATOR else self._generate)(pictures, classes, noise, generator)

    @torch.no_grad()
    def score(self, batches: Iterable[Batch]) -> float:
        """Return the Fréchet joint distance of pictures made of the same classes, by fixed noise."""
        found = [self.seen(batch) for batch in batches]
        pictures, classes = (torch.cat(part)[:SCORED] for part in zip(*found, strict=True))
        told = classes.repeat(-(-LEAST_SCORED // len(classes)))
        real = self.features(pictures)
        made = np.concatenate([self.features(part) for part in self.pictures(told, seed=1)])
        scale = CLASS * float(np.sqrt(real.var(0).sum()))
        self.variety = _least_variety(real, classes.cpu().numpy(), made, told.cpu().numpy())
        if not np.isfinite(made).all():
            return float("nan")
        first = joint(real, classes.cpu().numpy(), count=self.shape.classes, scale=scale)
        second = joint(made, told.cpu().numpy(), count=self.shape.classes, scale=scale)
        return frechet(first, second)

    def trouble(self, scores: list[float]) -> str:
        """Return "collapsed" where the generator has drawn nearly the same picture for three epochs."""
        late = len(scores) > EARLY * int(self.plan["fit.epochs"])
        self.module.same.copy_((self.module.same + 1) if late and self.variety < SAME else torch.zeros_like(self.module.same))
        return "collapsed" if int(self.module.same) >= PATIENCE else ""

    @torch.no_grad()
    def pictures(self, classes: Tensor, *, seed: int, at_once: int = 256) -> Iterable[Tensor]:
        """Yield pictures from -1 to 1 of `classes` (n,), `at_once` in turn. Each one's noise depends on `seed` and its place alone."""
        self.module.eval()
        generator = torch.Generator().manual_seed(seed)
        for part in classes.split(at_once):
            noise = torch.randn(len(part), self.noise, generator=generator).to(part.device)
            yield self.module.generator(noise, part).float()

    def seen(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return pictures (B, C, i, j) from -1 to 1 and their classes (B,), the last one where a class is not known."""
        (given,) = batch.inputs.values()
        pictures = self.shape.scaled(next(iter(given.fields.values())))
        unknown = torch.full((len(pictures),), self.shape.classes - 1, dtype=torch.int64, device=pictures.device)
        if batch.target is None:
            return pictures, unknown
        values, observed = batch.target.values[given.index, 0], batch.target.observed[given.index, 0]
        return pictures, torch.where(observed, torch.nan_to_num(values).long(), unknown)

    def _discriminate(self, pictures: Tensor, classes: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
        turn = int(self.module.steps)
        self.module.steps += 1
        with torch.no_grad(), self._half(pictures):
            made = self.module.generator(noise, classes).float()
        both = self._shown(torch.cat([pictures, made]), generator)
        with self._half(pictures):
            scores = self.module.discriminator(both, classes.repeat(2)).float()
        loss = losses.against(*scores.split(len(pictures)), kind=self.plan["synthesis.loss"])
        every = int(self.plan["synthesis.penalty_every"])
        if self.plan["synthesis.penalty"] > 0 and turn % every == 0:
            real = both[: len(pictures)].detach().requires_grad_()
            slopes = losses.slope_penalty(self.module.discriminator(real, classes), real)
            loss = loss + slopes * (0.5 * float(self.plan["synthesis.penalty"]) * every)
        return loss

    def _generate(self, pictures: Tensor, classes: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
        with self._half(pictures):
            made = self.module.generator(noise, classes)
            scores = self.module.discriminator(self._shown(made.float(), generator), classes).float()
        return losses.towards(scores, kind=self.plan["synthesis.loss"])

    def _shown(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        return augmented(pictures, share=float(self.plan["synthesis.augment"]), generator=generator)

    def _half(self, pictures: Tensor) -> torch.autocast:
        return torch.autocast(pictures.device.type, torch.bfloat16, enabled=self.plan["fit.precision"] == "bfloat16")


def _least_variety(real: np.ndarray, real_classes: np.ndarray, made: np.ndarray, made_classes: np.ndarray) -> float:
    """Return the variety of the class that has least, of those that have pictures enough to tell."""
    found = [variety(real[real_classes == c], made[made_classes == c]) for c in np.unique(real_classes)]
    return min(found, default=1.0)
