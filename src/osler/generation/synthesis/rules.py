"""From facts to decisions on how pictures are made. Pure."""

from __future__ import annotations

import math
from typing import Any

from osler.core.plan import Brief, Decision, Rung
from osler.generation.synthesis.losses import LOSSES

LONGEST = 128  # pixels of the longer side: more takes hours on processors
SEEN = 200_000  # pictures after which a generator of small pictures rarely gets better (docs/lab.md)
EPOCH, SHORT_EPOCH = 2_048, 512  # pictures between two scores; fewer in a budget of at most SHORT minutes
SHORT = 2.0
READ, LEAST_READ = 16_000, 2_000  # pictures that a reader sees in training
READ_A_MINUTE = 2_000  # of 28 × 28 pixels, of the budget
FEW = 1_000  # training pictures below which a discriminator learns them by heart
SIZES = (100, 300, 1_000)  # real training cases at which it is asked whether synthetic ones help
EXPERIMENTS = ("sizes", "whole", "off")


def augmented_share(cases: int) -> float:
    """Return the share of pictures that is augmented before the discriminator sees them."""
    return 0.5 if cases < FEW else 0.0


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return the task's decisions, and those of training and of the input that it decides otherwise."""
    return (*_game(brief), *_judging(brief), *_training(brief), *_input(brief))


def size_of(brief: Brief) -> list[int]:
    """Return the size of the pictures that are made."""
    asked = brief.settings.get("synthesis.size")
    if asked is not None:
        return [int(side) for side in asked]
    stored = [int(side) for side in _facts(brief)["shape"][1:]]
    share = LONGEST / max(stored)
    return stored if share >= 1 else [max(8, round(side * share)) for side in stored]


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return widths from small to large."""
    widths = (8, 16, 24, 32) if max(size_of(brief)) > 64 else (16, 24, 32)
    why = "channels of the finest maps, doubled as they get coarser, at most eight times"
    return tuple(Rung(f"width {width}", (Decision("synthesis.width", width, why),)) for width in widths)


def _game(brief: Brief) -> tuple[Decision, ...]:
    pixels = math.prod(size_of(brief))
    share = augmented_share(brief.cases)
    few = f"{brief.cases:,} training pictures: " + (
        "few, which the discriminator would learn by heart" if share else "enough without it, and it costs detail (docs/lab.md)"
    )
    return (
        Decision(
            "synthesis.loss", "non-saturating",
            "the generator learns while the discriminator is sure (docs/decisions/0032-not-minimax.md)", choices=LOSSES,
        ),
        Decision("synthesis.size", size_of(brief), f"of the pictures that are made, at most {LONGEST} across"),
        Decision("synthesis.noise", 64, "numbers that a picture is made of, beside its class"),
        Decision("synthesis.spectral", True, "layers of the discriminator are held to slope 1 (Miyato et al. 2018)"),
        Decision(
            "synthesis.penalty", float(min(10, max(1, round(pixels / 1024, 1)))),
            "weight of R1, which flattens the discriminator about real pictures (Mescheder et al. 2018); grows with their pixels",
        ),
        Decision("synthesis.penalty_every", 8, "steps; its weight is as many times larger then (Karras et al. 2020)"),
        Decision("synthesis.augment", share, f"share of pictures, real and made, that the discriminator sees augmented; {few}"),
    )  # fmt: skip


def _judging(brief: Brief) -> tuple[Decision, ...]:
    labelled = _labelled(brief)
    value = "sizes" if labelled else "off"
    why = "readers of real, synthetic and both, at several sizes while the budget lasts"
    sizes = [size for size in SIZES if size < 0.8 * brief.cases] if labelled else []
    return (
        Decision("synthesis.experiment", value, why if labelled else "without a label nothing can be read", choices=EXPERIMENTS),
        Decision("synthesis.sizes", sizes, "real training cases, beside all of them, that a generator of its own is trained on"),
        Decision("synthesis.draws", 1, "of the cases of each such size; of several, differences are paired over draws"),
        Decision(
            "synthesis.read", _read(brief), "pictures that each reader sees in training, by the budget and the pictures' size"
        ),
    )


def _read(brief: Brief) -> int:
    pixels = math.prod(size_of(brief))
    return int(min(READ, max(LEAST_READ, round(brief.budget * READ_A_MINUTE * 784 / pixels))))


def _training(brief: Brief) -> tuple[Decision, ...]:
    cases, epoch = max(1, brief.cases), SHORT_EPOCH if brief.budget <= SHORT else EPOCH
    rounds = max(1, math.ceil(epoch / cases))
    asked = brief.settings.get("synthesis.experiment", "sizes" if _labelled(brief) else "off")
    share = {"off": 0.75, "whole": 0.6}.get(str(asked), 0.4)
    return (
        Decision("fit.batch", 64, "pictures of each player's step"),
        Decision("fit.learning_rate", 1e-3, "of Adam without momentum, constant, falling over the last 30% (docs/lab.md)"),
        Decision("fit.clip", 1000.0, "next to none: the penalty and the bounded layers hold gradients"),
        Decision("fit.ema", 0.995, "decay of the averaged generator, which is the one that is kept"),
        Decision("fit.epoch_cases", epoch, "pictures between two scores"),
        Decision("fit.rounds", rounds, "times that an epoch takes each case"),
        Decision("fit.wanted", math.ceil(SEEN / epoch), f"epochs: about {SEEN:,} pictures seen"),
        Decision("fit.network_share", share, "of the budget, for the generator; the rest judges it"),
        Decision("fit.overhead", 1.5, "an epoch in units of its steps: penalties, pictures made to score, averaging"),
    )


def _input(brief: Brief) -> tuple[Decision, ...]:
    name = next(iter(brief.facts))
    return (Decision(f"inputs.{name}.input_size", size_of(brief), "what the networks see: the size that is made"),)


def _labelled(brief: Brief) -> bool:
    return bool(brief.target.get("classes"))


def _facts(brief: Brief) -> Any:
    return next(iter(brief.facts.values()))
