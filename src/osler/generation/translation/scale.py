"""From the unit of files to the scale on which networks work, about −1 to 1, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from osler.generation.translation.inside import ends

How = Literal["study", "case"]
NARROWEST = 0.1
HOWS: tuple[How, ...] = ("study", "case")


@dataclass(frozen=True, slots=True)
class Scale:
    """How one side's values lie on the network's scale: `low` becomes −1 and `high` 1 (per channel).

    "study": the ends are those of the training cases (medians), and the files' unit is kept. "case": each image is first brought from its own
    ends to these, as its unit is an accident of the scanner.
    """

    how: How
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def span(self) -> float:
        """The range of values, by which PSNR and structural similarity are measured."""
        return float(np.mean(np.subtract(self.high, self.low)))

    def comparable(self, values: np.ndarray, *, own: np.ndarray) -> np.ndarray:
        """Return `values` (channels, …) float32 of a case in the unit of the study: as they are, or from the case's `own` ends
        (channels, 2) to the study's."""
        found = np.asarray(values, np.float32)
        if self.how == "study":
            return found
        low, high = self._ends(found.ndim)
        own_low, own_high = (own[:, side].reshape(low.shape).astype(np.float32) for side in (0, 1))
        return np.asarray((found - own_low) * ((high - low) / np.maximum(own_high - own_low, 1e-6)) + low, np.float32)

    def lifted(self, values: np.ndarray) -> np.ndarray:
        """Return comparable `values` (channels, …) on the network's scale."""
        low, high = self._ends(values.ndim)
        return np.asarray((values - low) * (2 / (high - low)) - 1, np.float32)

    def lowered(self, values: np.ndarray) -> np.ndarray:
        """Return what `lifted` was made of."""
        low, high = self._ends(values.ndim)
        return np.asarray((values + 1) * ((high - low) / 2) + low, np.float32)

    def _ends(self, axes: int) -> tuple[np.ndarray, np.ndarray]:
        shape = (-1, *(1,) * (axes - 1))
        low = np.asarray(self.low, np.float32).reshape(shape)
        high = np.asarray(self.high, np.float32).reshape(shape)
        return low, np.maximum(high, low + 1e-6)


def ends_of(image: np.ndarray) -> np.ndarray:
    """Return the ends (channels, 2) float64 of an image (channels, i, j[, k]): percentiles, but never less than a tenth of the way to the
    brightest place, which in an image that is nearly all air would be brought beyond all measure."""
    return np.array([_wide(*ends(channel), most=float(channel.max())) for channel in image], np.float64)


def _wide(low: float, high: float, *, most: float) -> tuple[float, float]:
    """Return the ends, the upper at least NARROWEST of the way to `most`.

    >>> _wide(0.0, 0.0, most=50.0), _wide(0.0, 40.0, most=50.0)
    ((0.0, 5.0), (0.0, 40.0))
    """
    return low, max(high, low + NARROWEST * (most - low))


def scales_of(plan: Mapping[str, Any], info: Mapping[str, Any]) -> tuple[Scale, Scale]:
    """Return the scales of source and target: their ends as measured, in the way that the plan says."""
    first, second = (
        Scale(cast("How", plan[f"translation.{side}_scale"]), tuple(info[side]["low"]), tuple(info[side]["high"]))
        for side in ("source", "target")
    )
    return first, second
