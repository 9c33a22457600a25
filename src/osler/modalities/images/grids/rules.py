"""From facts to decisions on windows, augmentation and training of cases on their own grids. Pure."""

from __future__ import annotations

import math

from osler.core.plan import Brief, Decision
from osler.modalities.images.grids.sizes import batch_of
from osler.modalities.images.rules.sides import names_of, side_word

NORMALISE = ("study", "case")
PRECISIONS = ("float32", "bfloat16")
LAYOUTS = ("channels-last", "contiguous")
UNLIKE = 0.5  # spread of the cases' own ranges over their mean: more, and bytes have no common unit either
ANISOTROPIC = 3.0  # times coarser: turns out of the fine plane would be mostly interpolation
STEPS = 50  # of an epoch
WANTED = 8_000  # steps of a training, after which more rarely helps
LIGHT = (
    Decision("gamma", 0.25, "bends intensities: scanners differ"),
    Decision("contrast", 0.2, "spreads or narrows them up to this share"),
    Decision("brightness", 0.05, "share of the range"),
    Decision("noise", 0.04, "grain, up to this share of the range"),
)


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return the decisions that do not depend on size."""
    return (_normalise(brief), *_motion(brief), *LIGHT, *_inference(brief), *_training(brief))


def _normalise(brief: Brief) -> Decision:
    if brief.facts.get("kind") == "CT":
        why = "CT has a unit: kept between the 0.5th and 99.5th percentile of what is marked, scaled alike (Isensee et al. 2021)"
        return Decision("normalise", "study", why, choices=NORMALISE)
    unlike = float(brief.facts.get("unlike", 0.0))
    if brief.facts.get("dtype") == "uint8" and unlike <= UNLIKE:
        why = f"bytes whose ranges differ by {unlike:.0%} of their mean: brightness is kept, all are scaled alike"
        return Decision("normalise", "study", why, choices=NORMALISE)
    why = "intensities have no unit: each case is scaled by its own mean and spread"
    return Decision("normalise", "case", why, choices=NORMALISE)


def _motion(brief: Brief) -> tuple[Decision, ...]:
    facts = brief.facts
    axes, spacing = int(facts["axes"]), [float(s) for s in facts["spacing"]]
    aspect = [float(f"{s / min(spacing):.6g}") for s in spacing]
    flat = axes == 3 and max(aspect) >= ANISOTROPIC
    word = side_word([*names_of(brief.target), *map(str, brief.target.get("labels") or ())])
    across = 1 if axes == 2 else 0
    mirror, why = (
        ([across], "left and right are alike; up and down are not")
        if word is None
        else ([], f"labels speak of a side ('{word}')")
    )
    return (
        Decision("mirror", mirror, f"axes that are turned over in training and averaged over in prediction: {why}"),
        Decision("aspect", aspect, "spacing of each axis over the finest: turns are of millimetres"),
        Decision("rotate", 15.0, "degrees to either side in the plane of the first two axes"),
        Decision("tilt", 0.0 if flat or axes == 2 else 15.0, "degrees out of that plane; none where slices are far apart"),
        Decision("scale", 0.15, "larger or smaller up to this share"),
        Decision("margin", 0.3, "by which windows are wider before they are turned, so that nothing is missing at their rims"),
    )


def _inference(brief: Brief) -> tuple[Decision, ...]:
    large = float(brief.facts["places"]) > (1 << 23)
    return (
        Decision("foreground", 0.5, "share of windows about a place of a label, each label alike: small ones are rare by chance"),
        Decision("overlap", 0.25 if large and brief.device == "cpu" else 0.5, "of tiles in prediction, weighed by a Gaussian (Isensee et al. 2021)"),
        _layout(brief),
    )  # fmt: skip


def _layout(brief: Brief) -> Decision:
    if brief.device == "cpu":
        why = "of maps in memory: normalisation takes the same time as filters the other way (docs/lab.md)"
        return Decision("layout", "contiguous", why, choices=LAYOUTS)
    return Decision("layout", "channels-last", "of maps in memory: accelerators filter faster so", choices=LAYOUTS)


def _training(brief: Brief) -> tuple[Decision, ...]:
    cases, batch = max(1, brief.cases), batch_of([float(s) for s in brief.facts["shape"]])
    rounds = max(1, round(STEPS * batch / cases))
    steps = max(1, math.ceil(cases * rounds / batch))
    wanted = max(10, round(WANTED / steps))
    return (
        Decision("fit.batch", batch, "windows in a step; fewer where cases are large"),
        Decision("fit.learning_rate", 5e-3, "peak of the one-cycle schedule with AdamW (docs/lab.md)"),
        Decision("fit.weight_decay", 0.02, "on filters alone"),
        Decision("fit.wanted", wanted, f"epochs: about {WANTED:,} steps"),
        Decision("fit.rounds", rounds, f"windows of each case in an epoch, which has about {steps} steps"),
        Decision(
            "fit.overhead", 1.12, "an epoch in units of its steps: a few cases are scored beside them (reasoned, not measured)"
        ),
        Decision("fit.network_share", 0.8, "of the budget: networks gain more from it than trees on voxels"),
        Decision("fit.precision", "bfloat16", "asked for by convolutions; kept where it is measured faster", choices=PRECISIONS),
    )
