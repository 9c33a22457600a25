"""What a measure is, beside its value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure that a task computes.

    `better` says which direction is good; `scale` on which its bootstrap interval is formed (AUROC on the logit scale,
    errors on the log scale; a ratio, whose denominator may come near zero, on the logarithms of the resamples themselves); `proportion` marks a share of cases, for which Wilson's interval holds when every case is
    its own group. `most` is the largest value that it can take: no interval goes beyond it. `by_subgroup` says whether it is
    told of subgroups too: what hangs on how frequent the outcome is (predictive values, F1) differs between subgroups whose
    model is equally good. `proper` marks the score by which probabilities are judged as such: it is best for the true ones
    (Gneiting & Raftery 2007), and tells models apart that put cases in the same order.
    """

    name: str
    better: Literal["higher", "lower"]
    scale: Literal["identity", "logit", "log", "ratio"] = "identity"
    proportion: bool = False
    most: float = math.inf
    by_subgroup: bool = True
    proper: bool = False
