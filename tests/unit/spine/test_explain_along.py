"""What parts of many cases add at once, on a network of few lines."""

from dataclasses import dataclass

import numpy as np
import torch

from osler.spine.explain import along, scorer

ROWS = np.random.default_rng(0).normal(size=(9, 6, 4)).astype(np.float32)


@dataclass
class Part:
    index: torch.Tensor
    fields: dict


@dataclass
class Batch:
    inputs: dict
    size: int


class Fusion:
    def lift(self, batch):
        return {"letters": batch.inputs["letters"].fields["x"]}


class Tiny(torch.nn.Module):
    """Two outputs of x: its sum, and the square of its sum; a case without the input has zeros."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(()))
        self.fusion = Fusion()

    def forward(self, batch, lifted=None):
        x = (self.fusion.lift(batch) if lifted is None else lifted)["letters"].sum((1, 2)) * self.one
        out = torch.zeros(batch.size, 2)
        out[batch.inputs["letters"].index] = torch.stack([x, x**2], dim=1)
        return out


def batch_of(rows):
    there = np.flatnonzero(rows != 3)
    return Batch({"letters": Part(torch.from_numpy(there), {"x": torch.from_numpy(ROWS[rows[there]])})}, len(rows))


def test_parts_add_up_to_the_score_and_an_absent_case_adds_nothing():
    rows = np.arange(9)
    found = along(Tiny(), batch_of, rows, name="letters", weights=np.array([1.0, 0.5]))
    sums = ROWS.sum((1, 2))
    wanted = np.where(rows == 3, 0, sums + 0.5 * sums**2)  # the midpoint rule is exact for squares
    np.testing.assert_allclose(found.sum((1, 2)), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[0], ROWS[0] * (1 + 0.5 * sums[0]), rtol=1e-4, atol=1e-5)


def test_an_unknown_input_adds_nothing():
    assert not along(Tiny(), batch_of, np.arange(4), name="other", weights=np.ones(2)).any()


def test_a_scorer_puts_other_values_in_a_cases_place():
    lifted, score = scorer(Tiny(), batch_of, 2, name="letters", weights=np.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(lifted[0].numpy(), ROWS[2])
    found = score(torch.stack([lifted[0], 2 * lifted[0]])).detach().numpy()
    total = ROWS[2].sum()
    np.testing.assert_allclose(found, [[total, total**2], [2 * total, 4 * total**2]], rtol=1e-4)
