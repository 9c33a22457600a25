"""Laws of the blend of network and baseline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.core.registry import task
from osler.core.target import Target
from osler.spine.output import Blend, combine

CLASSES = {"kind": "binary", "names": ["died"], "classes": [["no", "yes"]], "positive": "yes"}


def ill(generator, n: int) -> tuple[np.ndarray, Target]:
    logits = generator.normal(0, 1.5, (n, 1))
    died = (generator.random((n, 1)) < 1 / (1 + np.exp(-logits))).astype(float)
    return logits, Target(died, np.ones((n, 1), bool), CLASSES)


def losses(raw: np.ndarray, target: Target) -> np.ndarray:
    """The log loss, written out."""
    return np.logaddexp(0, np.where(target.values > 0, -raw, raw))[:, 0]


PLAIN = {"target.loss": "plain", "target.threshold": "plain"}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 200), st.floats(0, 3), st.floats(0, 3))
def test_the_blend_is_no_worse_than_the_better_of_both_beyond_half_a_standard_error(seed, n, blur, other):
    generator = np.random.default_rng(seed)
    logits, target = ill(generator, n)
    raws = {"network": logits + blur * generator.normal(size=(n, 1)), "baseline": logits + other * generator.normal(size=(n, 1))}
    blend = Blend.chosen(raws, target, task=task("classification"), plan=PLAIN)
    blended = losses(combine(raws, blend), target)
    for part in raws.values():
        apart = blended - losses(part, target)
        # the chosen share is within half a standard error of the best one, which is at most each end of the grid
        best = min((losses(combine(raws, Blend(s)), target) for s in np.linspace(0, 1, 21)), key=lambda found: found.mean())
        error = (blended - best).std() / np.sqrt(n)
        assert apart.mean() <= 0.5 * error + 1e-6


@pytest.mark.parametrize("n", [1, 3, 50, 5000])
def test_equal_members_share_alike(n):
    logits, target = ill(np.random.default_rng(n), n)
    assert Blend.chosen({"network": logits, "baseline": logits}, target, task=task("classification"), plan=PLAIN).network == 0.5


def test_a_worthless_member_is_left_out_and_a_good_one_kept():
    generator = np.random.default_rng(0)
    logits, target = ill(generator, 2000)
    noise = generator.normal(0, 6, (2000, 1))
    good = Blend.chosen({"network": logits, "baseline": noise}, target, task=task("classification"), plan=PLAIN)
    bad = Blend.chosen({"network": noise, "baseline": logits}, target, task=task("classification"), plan=PLAIN)
    assert good.network >= 0.8
    assert bad.network <= 0.2


@given(st.floats(0, 1))
def test_combining_is_a_weighted_mean_and_the_ends_are_exact(share):
    raws = {"network": np.array([[1.0], [np.pi]]), "baseline": np.array([[3.0], [-1.0]])}
    np.testing.assert_allclose(combine(raws, Blend(share)), share * raws["network"] + (1 - share) * raws["baseline"])
    assert combine(raws, Blend(1)) is raws["network"]
    assert combine(raws, Blend(0)) is raws["baseline"]
