"""From the values of letters to the scale on which members answer, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.state import State

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 80.0  # of a logarithm: beyond it numbers overflow


def logarithmic(plan: Mapping[str, Any]) -> bool:
    """Return whether numbers are learned as log(1 + value)."""
    return bool(plan["target.transform"] == "log1p")


def standardised(values: np.ndarray, plan: Mapping[str, Any]) -> np.ndarray:
    """Return values of any shape as members answer them: log(1 + value) where that was decided, less the mean, in standard deviations."""
    own = np.log1p(np.maximum(values, 0.0)) if logarithmic(plan) else values
    return np.asarray((own - plan["target.mean"]) / plan["target.scale"])


def standardised_tensor(values: Tensor, plan: Mapping[str, Any]) -> Tensor:
    """Return the same of a tensor."""
    own = values.clamp(min=0.0).log1p() if logarithmic(plan) else values
    found: Tensor = (own - plan["target.mean"]) / plan["target.scale"]
    return found


def original(raw: np.ndarray, state: State, plan: Mapping[str, Any]) -> np.ndarray:
    """Return raw outputs of any shape in the unit of the values, recalibrated by `state`.

    Of logarithms the mean is asked for, not the median: 1 + value is stretched by the mean of what exp(error) is (Duan 1983, doi:10.1080/01621459.1983.10478017).
    """
    arrays = state.arrays
    own = raw if "slope" not in arrays else arrays["slope"][0] * raw + arrays["intercept"][0]
    guess = own * plan["target.scale"] + plan["target.mean"]
    if not logarithmic(plan):
        return np.asarray(guess)
    stretch = arrays["stretch"][0] if "stretch" in arrays else 1.0
    return np.maximum(np.exp(np.minimum(guess, LARGEST)) * stretch - 1.0, 0.0)
