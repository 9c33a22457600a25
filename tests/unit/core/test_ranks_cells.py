"""Of very many cases, resamples of the rank correlation are taken over cells: their spread stays what it was."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from osler.core import ranks


@pytest.mark.parametrize("coarse", [False, True])
def test_cells_give_the_spread_of_single_cases(monkeypatch, coarse):
    draws = np.random.default_rng(5)
    one = draws.normal(size=4_000)
    other = one + draws.normal(size=4_000)
    if coarse:
        one, other = np.round(one), np.round(other, 1)
    counts = np.stack([np.bincount(draws.integers(0, 4_000, 4_000), minlength=4_000) for _ in range(200)]).astype(np.uint8)
    exact = ranks.spearman(one, other, counts)
    monkeypatch.setattr(ranks, "_PLACES_SINGLY", 1_000)
    cells = ranks.spearman(one, other, counts)
    assert cells.std() == pytest.approx(exact.std(), rel=0.02)
    assert np.abs(cells - exact).max() < 0.002
    whole = np.ones((1, 4_000), np.uint8)
    assert ranks.spearman(one, other, whole)[0] == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)
