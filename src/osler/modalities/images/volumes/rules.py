"""From facts to decisions on the network of volumes. Pure."""

from __future__ import annotations

import math

from osler.core.plan import Brief, Decision
from osler.modalities.images.rules import LAYOUTS, NORMS, PRECISIONS, UNLIKE
from osler.modalities.images.rules.motion import KEPT
from osler.modalities.images.rules.sides import names_of, side_word
from osler.modalities.images.volumes.sizes import ladder
from osler.modalities.images.volumes.view import APART, WHOLE, viewed

__all__ = ["ladder", "rules"]

NORMALISE = ("study", "case")
FLIPS = ("none", "left-right")
POOLS = ("attention", "mean")
ENOUGH = 12_000  # volumes seen in a training, after which more rarely helps
FLOATS = {"cpu": 1 << 23, "cuda": 1 << 26}  # that a batch in prediction may hold in its first maps
LIGHT = (
    Decision("gamma", 0.2, "bends intensities: scanners differ"),
    Decision("contrast", 0.15, "spreads or narrows them up to this share"),
    Decision("brightness", 0.05, "share of the range"),
    Decision("noise", 0.04, "grain, up to this share of the range"),
    Decision("erase", 0.0, "side of a box that is made flat in every second volume; 0 leaves it out"),
)


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return the decisions that do not depend on size, and under `fit.` what training volumes asks for."""
    flip = _flip(brief)
    asked = brief.settings.get("flip", flip.value)
    views = Decision(
        "views", asked if asked in FLIPS else "none", "predictions are the mean over these mirror images", choices=FLIPS
    )
    return (*viewed(brief), _pool(brief), _normalise(brief), *_form(brief), flip, views, *_motion(brief), *LIGHT, *_training(brief))  # fmt: skip


def _pool(brief: Brief) -> Decision:
    few = brief.groups < 100
    why = "few cases would not teach which slices matter" if few else "a finding may lie in few slices"
    return Decision(
        "pool", "mean" if few else "attention", f"of the slices' vectors, where slices are seen: {why}", choices=POOLS
    )


def _normalise(brief: Brief) -> Decision:
    unlike = brief.facts.get("unlike", 0.0)
    told = f"the volumes' ranges of intensities differ by {100 * unlike:.0f}% of their mean"
    if unlike > UNLIKE:
        return Decision("normalise", "case", f"{told}: each is scaled by itself", choices=NORMALISE)
    return Decision("normalise", "study", f"{told}: brightness is kept, all are scaled alike", choices=NORMALISE)


def _form(brief: Brief) -> tuple[Decision, ...]:
    why = (
        "privacy needs cases apart" if brief.private else "how much there is of something is kept, as scaling each case loses it"
    )
    return (
        Decision("norm", "group" if brief.private else "batch", why, choices=NORMS),
        Decision("layout", "channels-last", "of maps in memory: the faster one (docs/lab.md)", choices=LAYOUTS),
        Decision("dropout", 0.2, "of the vector before the head"),
        Decision("drop_path", 0.0, "of residual units, for whole volumes; small networks need none"),
    )


def _flip(brief: Brief) -> Decision:
    word = side_word(names_of(brief.target))
    kept = ((brief.facts.get("mirror") or {}).get("left-right") or {}).get("kept")
    if word is not None:
        return Decision("flip", "none", f"the target's names speak of a side ('{word}')", choices=FLIPS)
    if not brief.facts.get("placed"):
        return Decision("flip", "none", "files do not say which axis leads from left to right", choices=FLIPS)
    if kept is not None and kept < KEPT:
        reason = "mirror images say something else of the target (measured): it is about side"
        return Decision("flip", "none", reason, choices=FLIPS)
    told = "mirror images say the same of the target (measured)" if kept is not None else "no name or measure speaks of sides"
    return Decision("flip", "left-right", f"{told}; bodies have no other mirror plane", choices=FLIPS)


def _motion(brief: Brief) -> tuple[Decision, ...]:
    spacing = [float(s) for s in brief.facts["spacing"]]
    aspect = [float(f"{s / min(spacing):.6g}") for s in spacing]
    view = brief.settings.get("view", viewed(brief)[0].value)
    flat = view != WHOLE or max(aspect) >= APART
    why = "none where slices are looked at one by one or lie far apart" if flat else "as heads are tilted"
    return (
        Decision("aspect", aspect, "spacing of each axis over the finest: turns are of millimetres"),
        Decision("rotate", 10.0, "degrees to either side in the axial plane"),
        Decision("tilt", 0.0 if flat else 10.0, f"degrees out of that plane; {why}"),
        Decision("scale", 0.05, "larger or smaller up to this share: the size of an organ says something"),
        Decision("shear", 0.0, "slant up to this share"),
        Decision("shift", 0.05, "share of the side"),
    )


def _training(brief: Brief) -> tuple[Decision, ...]:
    cases = max(1, brief.cases)
    batch = 8 if cases < 1_000 else 16
    wanted = int(min(80, max(10, ENOUGH / cases)))
    places = max(1, math.prod(int(s) for s in brief.facts["shape"][1:]))
    kind = brief.device.partition(":")[0]
    at_once = int(min(128, max(1, FLOATS.get(kind, FLOATS["cuda"]) // (places * 8))))
    return (
        Decision("fit.batch", batch, "volumes in a step: as few as normalisation over a batch bears"),
        Decision("fit.learning_rate", 2e-3, "peak of the one-cycle schedule, for residual networks with AdamW"),
        Decision("fit.weight_decay", 0.05, "convolutions are held smaller than dense layers of tables"),
        Decision("fit.wanted", wanted, f"epochs: about {ENOUGH:,} volumes seen"),
        Decision("fit.predict_batch", at_once, f"volumes of {places:,} places at once in prediction"),
        Decision("fit.precision", "bfloat16", "asked for by convolutions; kept where it is measured faster", choices=PRECISIONS),
    )
