"""From facts to decisions on how one kind of image is translated into another. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from osler.core.plan import Brief, Decision, Rung
from osler.generation.translation.scale import HOWS
from osler.generation.translation.slices import TARGET

PAIRINGS = ("paired", "unpaired")
PRECISIONS = ("float32", "bfloat16")
KINDS = ("", "CT", "MR")
UNLIKE = 0.5  # spread of the cases' own ranges over their mean, above which bytes have no common unit either
LARGEST = 256  # places along a side of what networks see at once
STEPS = 50  # of an epoch at most
WANTED = {"paired": 4_000, "unpaired": 8_000}  # steps of a training, after which more rarely helps
PLACES = 1 << 17  # of all slices of a batch together
# name, channels of the finest maps, stages, residual units a stage, whether a critic judges patches, channels of its first maps
_SIZES = (
    ("small without a critic", 16, 5, 1, False, 32),
    ("small", 16, 5, 1, True, 32),
    ("medium", 32, 5, 1, True, 48),
    ("large", 48, 6, 2, True, 64),
)


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return the decisions that do not depend on size."""
    source, target = _facts(brief)
    shape = [float(side) for side in source["shape"]]
    patch = [_whole(min(side, LARGEST)) for side in shape[:2]]
    volumes = int(source["axes"]) == 3
    paired = brief.target["pairing"] == "paired"
    return (
        Decision("translation.pairing", brief.target["pairing"], str(brief.target["why"]), "measured", PAIRINGS),
        Decision("translation.patch", patch, f"of slices of {shape[0]:.0f} × {shape[1]:.0f} places; what networks see at once, in whole steps of 16"),
        _neighbours(volumes=volumes),
        _scale("source", source),
        _scale("target", target),
        Decision("translation.inside", 0.1, "share of the range above which a place belongs to the body, by which errors are counted; 0: all places"),
        Decision("translation.mirror", [0] if volumes else [1], "axes of a slice that are turned over in training, and averaged over in use: left and right are alike"),
        Decision("translation.light", 0.1, "sources are made brighter, darker and of other contrast up to this share in training: scanners differ"),
        Decision("translation.kind", str(target.get("kind", "")), "what DICOM calls the images that are made; empty: as the source's file", choices=KINDS),
        *(_of_paired() if paired else _of_unpaired()),
        *_training(brief, patch=patch),
    )  # fmt: skip


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large; without pairs there is always a critic."""
    paired = brief.target["pairing"] == "paired"
    return tuple(
        Rung(
            name,
            (
                Decision("translation.widths", _widths(width, stages), "channels of each stage of the U-Net"),
                Decision("translation.depth", depth, "residual units of each stage on the way down"),
                Decision("translation.adversarial", critic or not paired, _judged(critic=critic or not paired)),
                Decision("translation.critic", first, "channels of the critic's first maps"),
            ),
        )
        for name, width, stages, depth, critic, first in _SIZES
        if critic or paired
    )


def _facts(brief: Brief) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    first = next(name for name in brief.facts if name not in {TARGET, "target"})
    return brief.facts[first], brief.facts[TARGET]


def _widths(width: int, stages: int) -> list[int]:
    return [min(8 * width, width << stage) for stage in range(stages)]


def _judged(*, critic: bool) -> str:
    if critic:
        return "a critic of patches asks for the texture of real images (Isola et al. 2017)"
    return "the absolute error alone: a critic takes half of the time, which there is not"


def _neighbours(*, volumes: bool) -> Decision:
    why = (
        "slices above and below that a translator sees beside the one that it translates: they agree better so"
        if volumes
        else "pictures have no neighbours"
    )
    return Decision("translation.neighbours", 1 if volumes else 0, why)


def _scale(side: str, facts: Mapping[str, Any]) -> Decision:
    name = f"translation.{side}_scale"  # named in docs/reference/decisions.md
    unlike = float(facts.get("unlike", 0.0))
    if facts.get("kind") == "CT":
        return Decision(name, "study", "CT has a unit (Hounsfield), which is kept", choices=HOWS)
    if facts.get("dtype") == "uint8" and unlike <= UNLIKE:
        return Decision(
            name, "study", f"bytes whose ranges differ by {unlike:.0%} of their mean: brightness is kept", choices=HOWS
        )
    if int(facts["axes"]) == 2:
        return Decision(name, "study", "one slice alone does not tell the range of its scan: brightness is kept", choices=HOWS)
    return Decision(
        name, "case", "intensities have no unit: each volume is brought from its own range to the study's", choices=HOWS
    )


def _of_paired() -> tuple[Decision, ...]:
    return (
        Decision("translation.l1", 100.0, "weight of the error beside the critic's word (Isola et al. 2017)"),
        Decision("translation.structure", 0.3, "share of structural similarity in the error (Zhao et al. 2017; docs/lab.md)"),
    )


def _of_unpaired() -> tuple[Decision, ...]:
    return (
        Decision("translation.cycle", 10.0, "weight of the error there and back beside the critics' word (Zhu et al. 2017)"),
        Decision("translation.identity", 5.0, "weight of what changes in images that are already of the other kind (Zhu et al. 2017); 0: none"),
    )  # fmt: skip


def _training(brief: Brief, *, patch: Sequence[int]) -> tuple[Decision, ...]:
    paired = brief.target["pairing"] == "paired"
    batch = int(min(16, max(2, PLACES // max(1, math.prod(patch)))))
    batch = batch if paired else max(2, batch // 4)
    cases = max(1, brief.cases)
    rounds = max(1, round(STEPS * batch / cases))
    epoch = min(cases * rounds, STEPS * batch)
    steps = max(1, math.ceil(epoch / batch))
    wanted = max(4, round(WANTED[str(brief.target["pairing"])] / steps))
    rate, why = (1e-3, "peak of the one-cycle schedule (docs/lab.md)") if paired else (2e-4, "of both sides (Zhu et al. 2017)")
    return (
        Decision("fit.batch", batch, "slices in a step; fewer where they are large"),
        Decision("fit.learning_rate", rate, why),
        Decision("fit.weight_decay", 0.02, "on filters alone, and without a critic alone"),
        Decision("fit.wanted", wanted, f"epochs: about {WANTED[str(brief.target['pairing'])]:,} steps"),
        Decision("fit.epoch_cases", epoch, "slices of an epoch, drawn anew for each: short ones end near the budget"),
        Decision("fit.rounds", rounds, f"slices of each case in an epoch, which has about {steps} steps"),
        Decision("fit.network_share", 0.8, "of the budget; reading, the regression of places and judging take the rest"),
        Decision("fit.precision", "bfloat16", "asked for by convolutions; kept where it is measured faster", choices=PRECISIONS),
    )


def _whole(side: float) -> int:
    return max(16, 16 * round(side / 16)) if side > 16 else 16
