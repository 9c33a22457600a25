"""How many dimensions of an embedding are used: fewer than it has is common, next to none is a collapse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_DEAD = 1e-3  # deviation of a dimension, as a share of the largest one
_STILL = 1e-5  # deviation of all, as a share of the vectors' length: all cases are one
_COLLAPSED = 2.0  # effective rank under which an embedding of many dimensions says one thing about a case
_FEW = 4  # dimensions of which no collapse is said by rank
_SHARE = 0.9  # of the dimensions, which if dead are a collapse


@dataclass(frozen=True, slots=True)
class Breadth:
    """`rank` is the effective rank (Roy and Vetterli 2007), `dead` the number of `dimensions` that are the same for every case; `still` says
    whether all cases have one vector."""

    dimensions: int
    dead: int
    rank: float
    still: bool

    @property
    def collapsed(self) -> bool:
        """Whether the embedding says next to nothing."""
        thin = self.dimensions >= _FEW and (self.rank < _COLLAPSED or self.dead > _SHARE * self.dimensions)
        return self.still or thin

    @property
    def warning(self) -> str:
        """A sentence for the first lines of a report, "" where there is no collapse."""
        if self.still:
            return "The embedding has collapsed: every case has the same vector, and nothing can be read off it."
        if not self.collapsed:
            return ""
        return (
            f"The embedding has collapsed: of its {self.dimensions} dimensions {self.dead} are the same for every case, "
            f"and its effective rank is {self.rank:.1f}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json."""
        found = {"dimensions": self.dimensions, "dead": self.dead, "effective_rank": round(self.rank, 3)}
        return {**found, "collapsed": self.collapsed}


def breadth(vectors: np.ndarray) -> Breadth:
    """Return how broad `vectors` (n, d) lie: the exponential of the entropy of their singular values about the mean."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    deviation = centred.std(axis=0)
    length = float(np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1).mean()))
    still = float(np.sqrt((deviation**2).sum())) <= _STILL * length
    values = np.linalg.svd(centred if len(centred) < centred.shape[1] else np.linalg.qr(centred, mode="r"), compute_uv=False)
    shares = values[values > 1e-12 * max(values.max(initial=0.0), 1e-300)] / max(values.sum(), 1e-300)
    rank = 1.0 if still else float(np.exp(-(shares * np.log(shares)).sum()))
    dead = int((deviation <= _DEAD * deviation.max(initial=0.0)).sum())
    return Breadth(vectors.shape[1], vectors.shape[1] if still else dead, rank, still)
