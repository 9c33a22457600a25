"""The game as the one loop trains it: it learns, by class, is taken up, and its failures are noticed."""

import numpy as np
import pytest
import torch

from osler.core.errors import RunError
from osler.core.watch import Watch
from osler.generation.synthesis.making import made_pictures
from osler.generation.synthesis.objective import DISCRIMINATOR, EARLY, GENERATOR, PATIENCE, Shape
from osler.spine.fit import Run, fit

ROWS = np.arange(256)


def trained(objective, squares, folder, **more):
    run = Run(objective.plan, 0, 0, folder, **more)
    return fit(objective, squares.batch, rows=ROWS, tune=lambda: [squares.batch(ROWS[:128])], run=run)


@pytest.fixture(scope="module")
def learned(players, squares, tmp_path_factory):
    objective = players(**{"fit.epochs": 24})
    progress = trained(objective, squares, tmp_path_factory.mktemp("learned"))
    return objective, progress


def test_a_generator_learns_each_class(learned, squares):
    objective, progress = learned
    assert progress.trouble == ""
    assert progress.best < 0.35 * progress.scores[0]
    classes = np.repeat([0, 1], 50)
    made = made_pictures(objective, classes, seed=1, dtype=np.uint8).pixels[:, 0]
    left, right = made[:, :, :4].mean((1, 2)), made[:, :, 4:].mean((1, 2))
    assert ((left < right) == (classes == 0)).mean() > 0.95, "dark on the side of its class"
    bright = np.where(classes == 0, right, left)
    assert 100 < bright.mean() < 230
    assert bright.std() > 5, "of more than one brightness"
    assert objective.variety > 0.1


def test_pictures_follow_from_seed_and_class(learned):
    objective, _ = learned
    classes = np.array([0, 1, 1])
    one, other, next_seed = (made_pictures(objective, classes, seed=s, dtype=np.uint8).pixels for s in (3, 3, 4))
    assert (one == other).all()
    assert (one != next_seed).any()
    assert (one[1] != one[2]).any()


class Axe(Watch):
    """Takes the process away after so many epochs."""

    def __init__(self, after):
        self.left = after

    def advance(self, units=1, *, note=""):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_killed_game_ends_with_the_same_weights(players, squares, tmp_path):
    settings = {"fit.epochs": 3, "augment": 0.5}
    whole = players(**settings)
    trained(whole, squares, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(players(**settings), squares, tmp_path / "cut", watch=Axe(1))
    resumed = players(seed=9, **settings)
    trained(resumed, squares, tmp_path / "cut")
    assert all(
        torch.equal(a, b) for a, b in zip(whole.module.state_dict().values(), resumed.module.state_dict().values(), strict=True)
    )


def test_the_penalty_counts_once_in_so_many_steps(players, squares):
    batch = squares.batch(ROWS[:16])
    with_it, without = players(penalty=100.0), players(penalty=0.0)
    losses = []
    for objective in (with_it, without):
        objective.module.train()
        for step in range(6):
            loss = objective.step(batch, turn=DISCRIMINATOR, generator=torch.Generator().manual_seed(step))
            losses.append(float(loss.detach().mean()))
    apart = [abs(a - b) > 1e-4 for a, b in zip(losses[:6], losses[6:], strict=True)]
    assert apart == [True, False, False, False, True, False]


def test_a_turn_of_the_generator_leaves_the_steps_uncounted(players, squares):
    objective = players()
    objective.step(squares.batch(ROWS[:8]), turn=GENERATOR, generator=torch.Generator().manual_seed(0))
    assert int(objective.module.steps) == 0


def test_cases_without_a_class_have_one_of_their_own(players, squares):
    objective = players()
    batch = squares.batch(ROWS[:4])
    batch.target.observed[1] = False
    batch.target.values[1] = float("nan")
    pictures, classes = objective.seen(batch)
    assert classes.tolist() == [0, 2, 0, 1]
    assert float(pictures.min()) >= -1
    assert float(pictures.max()) <= 1


def test_scaling_goes_there_and_back():
    shape = Shape(1, (2, 2), -1000.0, 3000.0, 1)
    pixels = torch.tensor([[[[-1000.0, 1000.0], [3000.0, 0.0]]]])
    assert shape.scaled(pixels).flatten().tolist() == [-1, 0, 1, -0.5]
    assert torch.allclose(shape.values(shape.scaled(pixels)), pixels)
    assert shape.scaled(torch.tensor([9000.0, -9000.0])).tolist() == [1, -1]


def test_a_collapse_is_noticed_and_ends_with_the_last_good_state(players, squares, tmp_path):
    objective = players(**{"fit.epochs": 10})

    def frozen(self, classes, *, seed, at_once=256):
        yield torch.zeros(len(classes), 1, 8, 8) + (0 if self.epoch > 4 else torch.rand(len(classes), 1, 8, 8))

    objective.epoch, score = 0, objective.score

    def counted(batches):
        objective.epoch += 1
        return score(batches)

    objective.score, objective.pictures = counted, frozen.__get__(objective)
    progress = trained(objective, squares, tmp_path)
    assert progress.trouble == "collapsed"
    assert progress.epoch == 4 + PATIENCE
    assert progress.best_epoch <= 4 + PATIENCE - 1
    assert progress.epoch > EARLY * 10


def test_a_generator_that_still_finds_its_way_is_not_called_collapsed(players):
    objective = players(**{"fit.epochs": 100})
    objective.variety = 0.0
    assert [objective.trouble([1.0] * epoch) for epoch in range(1, 31)] == [""] * 30
    assert [objective.trouble([1.0] * epoch) for epoch in range(31, 34)] == ["", "", "collapsed"]
    objective.variety = 1.0
    assert objective.trouble([1.0] * 40) == ""
    assert int(objective.module.same) == 0


def test_divergence_ends_with_the_last_good_state(players, squares, tmp_path):
    objective = players(**{"fit.epochs": 4})
    step = objective.step

    def spoilt(batch, *, turn, generator):
        loss = step(batch, turn=turn, generator=generator)
        return loss * float("nan") if int(objective.module.steps) > 20 else loss

    objective.step = spoilt
    progress = trained(objective, squares, tmp_path)
    assert progress.trouble == "diverged"
    assert progress.best_epoch >= 1
    assert all(v.isfinite().all() for v in objective.module.state_dict().values())


def test_divergence_at_once_has_no_good_state(players, squares, tmp_path):
    objective = players(**{"fit.learning_rate": float("inf")})
    with pytest.raises(RunError, match="broke down in epoch 1"):
        trained(objective, squares, tmp_path)
