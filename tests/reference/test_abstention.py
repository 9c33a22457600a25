"""The error that was accepted holds as often as was promised, and the test is the exact binomial one."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from osler.tasks import abstention


def drawn(generator, size, *, sharp):
    """Return how sure answers are and which of them are wrong: right with the chance expit(sharp · sureness)."""
    sure = 1 + 1.5 * generator.normal(size=size)
    return sure, generator.random(size) > expit(sharp * sure)


def true_error(least, *, sharp):
    """Return the error among answers at least so sure, by integration."""
    grid = np.linspace(least, 12, 20_001)
    density = stats.norm.pdf(grid, 1, 1.5)
    return float((density * expit(-sharp * grid)).sum() / density.sum())


@pytest.mark.parametrize("sharp", [0.7, 1.0])
@pytest.mark.parametrize("accepted", [0.1, 0.2])
@pytest.mark.parametrize("size", [150, 1_000])
def test_of_many_calibration_samples_no_more_break_the_promise_than_was_said(size, accepted, sharp):
    generator = np.random.default_rng(size)
    broken = {"confidence": 0, "likely": 0}
    draws = 400
    for _ in range(draws):
        least, how = abstention._threshold(*drawn(generator, size, sharp=sharp), abstention.Wish("error", accepted))
        if np.isfinite(least) and true_error(least, sharp=sharp) > accepted:
            broken["confidence" if "90% confidence" in how else "likely"] += 1
    # of 400 draws at most so many that chance alone would exceed it once in a thousand
    assert broken["confidence"] <= stats.binom.ppf(0.999, draws, 0.1)
    assert broken["likely"] <= stats.binom.ppf(0.999, draws, 0.5)


def test_the_scan_ends_where_the_binomial_test_does():
    sure, wrong = drawn(np.random.default_rng(9), 800, sharp=1.0)
    least, how = abstention._threshold(sure, wrong, abstention.Wish("error", 0.1))
    assert "with 90% confidence from 800" in how
    for edge, rejected in ((least, True), (least - abstention._STEP, False)):
        kept = sure >= edge - 1e-9
        test = stats.binomtest(int(wrong[kept].sum()), int(kept.sum()), 0.1, alternative="less")
        assert (test.pvalue <= 0.1) == rejected


def test_nothing_is_looked_at_beyond_the_first_threshold_that_fails():
    """Many right answers further down would pay for sixty wrong ones among the surer; the fixed sequence never sees them."""
    sure = np.concatenate([np.linspace(6, 5, 200), np.linspace(4, 3, 60), np.linspace(2, 1, 5_000)])
    wrong = (sure <= 4) & (sure >= 3)
    least, _ = abstention._threshold(sure, wrong, abstention.Wish("error", 0.1))
    assert 3.5 < least < 5
    assert stats.binomtest(60, 5_260, 0.1, alternative="less").pvalue < 1e-9
