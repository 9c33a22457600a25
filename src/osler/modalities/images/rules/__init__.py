"""From facts to decisions on the network of pictures. Pure."""

from __future__ import annotations

import math

from osler.core.plan import Brief, Decision
from osler.modalities.images.rules.motion import FLIPS, augmentation
from osler.modalities.images.rules.sizes import ladder

__all__ = ["ladder", "rules"]

NORMS = ("batch", "group")
NORMALISE = ("study", "picture")
LAYOUTS = ("channels-last", "contiguous")
PRECISIONS = ("float32", "bfloat16")
UNLIKE = 0.5  # spread of the pictures' own ranges over their mean: more, and intensities have no common unit
ENOUGH = 60_000  # pictures seen in a training, after which more rarely helps
# Floats that a batch in prediction may hold in its first maps: a processor's cache holds few (64 pictures of 28 × 28 at once took 2.4 s
# where 512 took 2.9 s, with less memory), an accelerator wants many.
FLOATS = {"cpu": 1 << 21, "cuda": 1 << 24}


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return the decisions that do not depend on size, and under `fit.` what training pictures asks for."""
    moved = augmentation(brief)
    flip = next(d.value for d in moved if d.name == "flip")
    return (_normalise(brief), *_form(brief), *moved, _views(flip), *_training(brief))


def _normalise(brief: Brief) -> Decision:
    unlike = brief.facts.get("unlike", 0.0)
    told = f"the pictures' ranges of intensities differ by {100 * unlike:.0f}% of their mean"
    if unlike > UNLIKE:
        return Decision("normalise", "picture", f"{told}: each is scaled by itself", choices=NORMALISE)
    return Decision("normalise", "study", f"{told}: brightness is kept, all are scaled alike", choices=NORMALISE)


def _form(brief: Brief) -> tuple[Decision, ...]:
    norm = "group" if brief.private else "batch"
    why = "privacy needs cases apart" if brief.private else "twice as fast as groups on processors (docs/lab.md)"
    layout = "contiguous" if brief.private else "channels-last"
    return (
        Decision("norm", norm, why, choices=NORMS),
        Decision("layout", layout, "of maps in memory: the faster one with this normalisation (docs/lab.md)", choices=LAYOUTS),
        Decision("dropout", 0.2, "of the vector before the head"),
        Decision("drop_path", 0.0, "of residual units, for whole pictures; small networks need none"),
    )


def _views(flip: str) -> Decision:
    value = "horizontal" if flip != "none" else "none"
    reason = "predictions are the mean over the picture and its mirror image" if flip != "none" else "pictures have a side"
    return Decision("views", value, reason, choices=FLIPS)


def _training(brief: Brief) -> tuple[Decision, ...]:
    cases = max(1, brief.cases)
    batch = min(128, max(16, 1 << round(math.log2(max(cases, 1024) / 64))))
    wanted = int(min(100, max(10, ENOUGH / cases)))
    pixels = max(1, math.prod(int(s) for s in brief.facts["shape"][1:]))
    at_once = int(min(1024, max(16, FLOATS.get(brief.device.partition(":")[0], FLOATS["cuda"]) // (pixels * 32))))
    return (
        Decision(
            "fit.batch",
            batch,
            "about 64 steps an epoch, 16 to 128 pictures: at 4,000 pictures 64 were better than 128 (docs/lab.md)",
        ),
        Decision("fit.learning_rate", 3e-3, "peak of the one-cycle schedule, for residual networks with AdamW (docs/lab.md)"),
        Decision("fit.weight_decay", 0.05, "convolutions are held smaller than dense layers of tables"),
        Decision(
            "fit.ensemble", 2, "networks that differ by their seed, before a larger one: better at equal cost (docs/lab.md)"
        ),
        Decision("fit.wanted", wanted, f"epochs: about {ENOUGH:,} pictures seen"),
        Decision("fit.predict_batch", at_once, f"pictures of {pixels:,} places at once in prediction"),
        Decision("fit.precision", "bfloat16", "asked for by convolutions; kept where it is measured faster", choices=PRECISIONS),
    )
