"""What was learned from training rows besides weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class State:
    """Arrays and plain values (what JSON can hold): scalers, vocabularies, calibration, thresholds."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def part(self, prefix: str) -> State:
        """Return what lies under `prefix.`, without it."""
        start = f"{prefix}."
        cut = len(start)
        return State(
            {k[cut:]: v for k, v in self.arrays.items() if k.startswith(start)},
            {k[cut:]: v for k, v in self.values.items() if k.startswith(start)},
        )

    @classmethod
    def joined(cls, parts: Mapping[str, State]) -> State:
        """Return one state with each part under its name."""
        return cls(
            {f"{name}.{k}": v for name, part in parts.items() for k, v in part.arrays.items()},
            {f"{name}.{k}": v for name, part in parts.items() for k, v in part.values.items()},
        )
