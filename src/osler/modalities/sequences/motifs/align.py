"""Windows aligned on what they share: a matrix by expectation maximisation, on either strand, as wide as its columns tell something.

At most one site in a window (the ZOOPS model of MEME, Bailey and Elkan 1994). A column counts as one of the motif where a G test against the
letters around it says so and it tells more than a tenth of a bit; columns between such belong to it whatever they tell. Where there are windows to set
against, what is found in them as well is taken off, so that repeats and composition, which both have, do not draw the matrix to them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.special import chdtrc
from torch import Tensor
from torch.nn import functional as F

TURNS, ROUNDS = 25, 8
SETTLED = 4e-3  # change of the frequencies at which turns end
BESIDE = 10  # columns on either side that may turn out to belong to it
SURE, TELLS = 1e-4, 0.1  # p of a column at the edge, over all columns tried, and bits
NARROWEST, WIDEST = 4, 40
PSEUDO = 1.0  # letters of the background added to each column
MEMBER = 0.5  # probability from which a window holds a site


@dataclass(frozen=True, slots=True)
class Fit:
    """A matrix and where it lies: `counts` (kinds, width) of letters, `sites` (m, 3) int64 of windows that hold one: window, start, strand
    (1 the opposite), and `share` of all windows."""

    counts: np.ndarray
    sites: np.ndarray
    share: float


@dataclass(frozen=True, slots=True)
class Windows:
    """What is aligned: `letters` (m, kinds, length) float32, zeros where there is nothing, the `background` (kinds,) of letters, and
    whether both `strands` are read, which takes kinds in an order that its reverse complements (A C G T). `against` are windows
    (n, kinds, length) of what has no such sites."""

    letters: Tensor
    background: Tensor
    strands: bool
    against: Tensor | None = None

    @classmethod
    def of(
        cls, letters: np.ndarray, *, strands: bool, background: np.ndarray | None = None, against: np.ndarray | None = None
    ) -> Windows:
        """Return the windows; their own letters are the background by default."""
        held = torch.as_tensor(np.ascontiguousarray(letters), dtype=torch.float32)
        own = held.sum((0, 2)) if background is None else torch.as_tensor(background, dtype=torch.float32)
        own = own + own.flip(0) if strands else own
        other = None if against is None else torch.as_tensor(np.ascontiguousarray(against), dtype=torch.float32)
        return cls(held, (own + 1) / (own + 1).sum(), strands, other)

    @property
    def contrast(self) -> Windows | None:
        """What they are set against, as windows of their own."""
        return None if self.against is None else replace(self, letters=self.against, against=None)

    @property
    def weight(self) -> float:
        """How many of these stand for one of those that they are set against."""
        return 0.0 if self.against is None else len(self.letters) / max(1, len(self.against))


def align(windows: Windows, start: np.ndarray) -> Fit | None:
    """Return what grows from the matrix `start` (kinds, width) of frequencies; None where nothing of it is left."""
    matrix, share = torch.as_tensor(start, dtype=torch.float32), 0.3
    seen: set[tuple[int, int]] = set()
    for _ in range(ROUNDS):
        matrix, share, chances = _settled(windows, matrix, share)
        wide = matrix.shape[1]
        counts, noise = _contrasted(windows, chances, matrix, share, beside=BESIDE)
        left, right = _edges(counts, windows.background, noise=noise)
        if right - left < NARROWEST:
            return None
        move = (left - BESIDE, right - BESIDE - wide)
        matrix = _frequencies(counts[:, left:right], windows.background)
        if move == (0, 0) or move in seen or matrix.shape[1] > min(WIDEST, windows.letters.shape[2] - 2):
            break
        seen.add(move)
    matrix, share, chances = _settled(windows, matrix[:, :WIDEST], share)
    counts, _ = _contrasted(windows, chances, matrix, share)
    return Fit(counts.numpy().astype(np.float64), _sites(chances), share) if float(counts.sum(0).min()) > 0 else None


def scores(windows: Windows, matrix: Tensor) -> Tensor:
    """Return the log odds (m, strands, places) of `matrix` (kinds, width) against the background, at each place of each window."""
    odds = (matrix / windows.background[:, None]).log()
    both = torch.stack([odds, odds.flip(0, 1)]) if windows.strands else odds[None]
    return F.conv1d(windows.letters, both)


def membership(windows: Windows, matrix: Tensor, share: float) -> Tensor:
    """Return the probability (m, strands, places) of a site at each place, `share` being that of a window that holds one."""
    found = scores(windows, matrix)
    places = found.shape[1] * found.shape[2]
    each = found.flatten(1) + float(np.log(share / (1 - share) / places))
    none = torch.zeros(len(each), 1)
    return torch.softmax(torch.cat([none, each], dim=1), dim=1)[:, 1:].reshape(found.shape)


def frequencies_from(windows: Windows, chances: Tensor, *, wide: int) -> Tensor:
    """Return the matrix (kinds, wide) that windows and their `chances` (m, strands, places) make."""
    return _frequencies(_counts(windows, chances, wide=wide), windows.background)


def _settled(windows: Windows, matrix: Tensor, share: float) -> tuple[Tensor, float, Tensor]:
    chances = membership(windows, matrix, share)
    for _ in range(TURNS):
        counts, _ = _contrasted(windows, chances, matrix, share)
        new = _frequencies(counts, windows.background)
        share = float(chances.sum((1, 2)).mean().clamp(1e-3, 1 - 1e-3))
        moved = float((new - matrix).abs().max())
        matrix = new
        chances = membership(windows, matrix, share)
        if moved < SETTLED:
            break
    return matrix, share, chances


def _contrasted(windows: Windows, chances: Tensor, matrix: Tensor, share: float, *, beside: int = 0) -> tuple[Tensor, float]:
    """Return the letters at sites beyond those of what the windows are set against, and how many times as much chance is in them as in
    a count of as many."""
    wide = matrix.shape[1]
    own, other = _counts(windows, chances, wide=wide, beside=beside), windows.contrast
    if other is None:
        return own, 1.0
    theirs = windows.weight * _counts(other, membership(other, matrix, share), wide=wide, beside=beside)
    kept = (own - theirs).clamp(0)
    return kept, float(((own + theirs).sum() / kept.sum().clamp(1.0)).clamp(1.0))


def _counts(windows: Windows, chances: Tensor, *, wide: int, beside: int = 0) -> Tensor:
    """Return the letters (kinds, wide + 2 · beside) at sites and so many columns beside them, weighted by `chances`."""
    letters = F.pad(windows.letters, (beside, beside)).transpose(0, 1)
    found = F.conv1d(letters, chances.transpose(0, 1))  # (kinds, strands, columns): the sum over windows and places
    assert found.shape[2] == wide + 2 * beside
    return found[:, 0] + found[:, 1].flip(0, 1) if windows.strands else found[:, 0]


def _frequencies(counts: Tensor, background: Tensor) -> Tensor:
    smoothed = counts + PSEUDO * background[:, None]
    return smoothed / smoothed.sum(0)


def _edges(counts: Tensor, background: Tensor, *, noise: float) -> tuple[int, int]:
    """Return from where to where columns tell something, with `noise` times the chance of plain counts."""
    held = counts.double().numpy()
    total = held.sum(0)
    shares = held / np.maximum(total, 1e-9)
    apart = (shares * np.log(np.maximum(shares, 1e-12) / background.double().numpy()[:, None])).sum(0)  # nats
    chance = chdtrc(len(held) - 1, 2 * total * np.maximum(apart, 0) / noise)
    telling = np.flatnonzero((chance * len(total) < SURE) & (apart / np.log(2) > TELLS) & (total > 0.5 * total.max()))
    return (int(telling[0]), int(telling[-1]) + 1) if len(telling) else (0, 0)


def _sites(chances: Tensor) -> np.ndarray:
    """Return window, start and strand of the likeliest site of each window that holds one."""
    flat = chances.flatten(1)
    holds = torch.nonzero(flat.sum(1) > MEMBER)[:, 0]
    best = flat[holds].argmax(1)
    places = chances.shape[2]
    return torch.stack([holds, best % places, best // places], dim=1).numpy()
