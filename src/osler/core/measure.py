"""What a measure is, beside its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure that a task computes.

    `better` says which direction is good; `scale` on which its bootstrap interval is formed (AUROC on the logit scale,
    errors on the log scale); `proportion` marks a share of cases, for which Wilson's interval holds when every case is
    its own group.
    """

    name: str
    better: Literal["higher", "lower"]
    scale: Literal["identity", "logit", "log"] = "identity"
    proportion: bool = False
