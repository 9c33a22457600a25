"""How outputs may be changed on new cases, without touching a weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Update:
    """One way to recalibrate: `name` (none, temperature, intercept, slope, blend), `parameters` that were fitted, and `deviance`, twice the
    negative log-likelihood of the new cases after it.

    `arrays` replace those of the same name in the state of the output. `blend` is the network's new share, None where it stays.
    """

    name: str
    parameters: int
    deviance: float
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    blend: float | None = None


@dataclass(frozen=True, slots=True)
class Updates:
    """The ways that new cases allow, nested, from none to the fullest. `carried` is the number that decides what may be tried
    (cases of the rarer class; of numbers all cases), `told` says it in words."""

    ladder: tuple[Update, ...]
    carried: float
    told: str
