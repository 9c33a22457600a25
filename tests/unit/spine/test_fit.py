"""The training loop: taken up after any epoch, ended by the clock, kept at its best, stopped when it breaks down."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from osler.contract import Batch, InputBatch, Objective, TargetBatch
from osler.core.errors import OutputError, RunError
from osler.core.watch import Watch
from osler.spine.fit import Clock, Run, draw, fit
from osler.spine.fit import loop as room
from osler.spine.fit.loop import one_cycle

PLAN = {
    "fit.epochs": 6, "fit.epoch_cases": 1000, "fit.batch": 8, "fit.learning_rate": 1e-2, "fit.clip": 1.0, "fit.ema": 0.9,
}  # fmt: skip
ROWS = np.arange(40)
X = torch.from_numpy(np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
Y = X @ torch.tensor([[1.0], [-2.0], [0.5]])


class Killed(Exception):
    """The machine takes the process away."""


class Line(Objective):
    """A straight line with dropout and a batch norm, so that random draws and buffers count."""

    def __init__(self, *, spoil: int | None = None) -> None:
        torch.manual_seed(1)
        self.module = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.spoil, self.steps = spoil, 0

    def optimisers(self, *, plan):
        return (torch.optim.AdamW(self.module.parameters(), lr=plan["fit.learning_rate"]),)

    def step(self, batch, *, turn, generator):
        self.steps += 1
        loss = (self.module(batch.inputs["x"].fields["x"]) - batch.target.values).square().mean(1)
        return loss * float("nan") if self.spoil == self.steps else loss

    @torch.no_grad()
    def score(self, batches) -> float:
        return float(np.mean([(self.module(b.inputs["x"].fields["x"]) - b.target.values).square().mean() for b in batches]))


class Axe(Watch):
    """Kills the training after an epoch, which is when a checkpoint was just written."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, units: int = 1, *, note: str = "") -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def batch_of(rows, seed=None) -> Batch:
    return Batch(
        {"x": InputBatch({"x": X[rows]}, torch.arange(len(rows)))}, len(rows), TargetBatch(Y[rows], torch.ones(len(rows), 1))
    )


def trained(folder, *, plan=PLAN, objective=None, **more):
    objective = objective or Line()
    run = Run(plan, 0, 0, folder, **more)
    progress = fit(objective, batch_of, rows=ROWS[:30], tune=lambda: [batch_of(ROWS[30:])], run=run)
    return progress, {k: v.clone() for k, v in objective.module.state_dict().items()}


def equal(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("epoch", range(1, 7))
def test_a_training_killed_after_any_epoch_ends_with_the_same_weights(tmp_path, epoch):
    _, whole = trained(tmp_path / "whole")
    with pytest.raises(Killed):
        trained(tmp_path / "cut", watch=Axe(epoch))
    objective = Line()
    progress, resumed = trained(tmp_path / "cut", objective=objective)
    assert equal(whole, resumed)
    assert progress.epoch == 6
    assert objective.steps == (6 - epoch) * 4


@pytest.mark.parametrize("harm", ["empty", "cut", "flipped", "foreign"])
def test_a_torn_checkpoint_starts_anew_and_ends_the_same(tmp_path, harm):
    _, whole = trained(tmp_path / "whole")
    with pytest.raises(Killed):
        trained(tmp_path / "cut", watch=Axe(3))
    path = tmp_path / "cut" / "checkpoint.safetensors"
    data = path.read_bytes()
    if harm == "foreign":
        from safetensors.torch import load, save

        tensors = {k: v for k, v in load(data).items() if not k.startswith(("kept.", "averaged.3"))}
        header = data[8 : 8 + int.from_bytes(data[:8], "little")]
        about = json.loads(header)["__metadata__"]
        data = save(tensors, metadata=about)
    path.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "flipped": b"\xff" + data[1:], "foreign": data}[harm])
    objective = Line()
    assert equal(whole, trained(tmp_path / "cut", objective=objective)[1])
    assert objective.steps == 24


def test_weights_half_put_in_are_taken_out_again(tmp_path):
    from osler.spine.fit.checkpoint import load

    trained(tmp_path)
    larger = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 2))
    before = {k: v.clone() for k, v in larger.state_dict().items()}
    assert load(tmp_path / "checkpoint.safetensors", module=larger, optimisers=()) is None
    assert equal(before, larger.state_dict())


def test_the_clock_ends_a_training_and_a_second_call_replays_it(tmp_path, monkeypatch):
    now = iter(np.arange(0.0, 1000.0, 10.0))
    monkeypatch.setattr(room.time, "monotonic", lambda: float(next(now)))
    progress, stopped = trained(tmp_path, clock=Clock(24.0))
    assert (progress.epoch, progress.stopped, progress.seconds) == (3, True, 30.0)
    objective = Line()
    again, weights = trained(tmp_path, objective=objective, clock=Clock(24.0))
    assert objective.steps == 0
    assert again == progress
    assert equal(weights, stopped)
    assert trained(tmp_path / "free")[0].epoch == 6


@given(st.floats(0, 1), st.floats(0.01, 0.5))
def test_the_learning_rate_stays_between_nothing_and_its_peak(done, warm):
    assert 0 <= one_cycle(done, warm=warm) <= 1 + 1e-12
    assert one_cycle(warm, warm=warm) == 1
    assert one_cycle(1.0, warm=warm) == pytest.approx(0)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_learning_rate_rises_then_falls(one, other):
    low, high = sorted((one, other))
    if high <= 0.15:
        assert one_cycle(low) <= one_cycle(high)
    if low >= 0.15:
        assert one_cycle(low) >= one_cycle(high)


def test_the_best_average_is_kept(tmp_path):
    scores, seen = iter([5.0, 2.0, 1.0, 3.0, 4.0, 1.0]), []

    class Worsening(Line):
        def score(self, batches):
            seen.append({k: v.clone() for k, v in self.module.state_dict().items()})
            return next(scores)

    objective = Worsening()
    progress, weights = trained(tmp_path, objective=objective)
    assert (progress.best, progress.best_epoch) == (1.0, 3)
    assert equal(weights, seen[2])
    assert not objective.module.training


@pytest.mark.parametrize("step", [1, 4, 9, 24])
def test_a_loss_that_is_no_number_ends_the_training_with_advice(tmp_path, step):
    told = rf"broke down in epoch {(step + 3) // 4}: .*extreme values.*set fit\.learning_rate below 0\.01"
    with pytest.raises(RunError, match=told):
        trained(tmp_path, objective=Line(spoil=step))


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_ends_the_training(tmp_path, score):
    class Broken(Line):
        def score(self, batches):
            return score

    with pytest.raises(RunError, match="its loss is no finite number"):
        trained(tmp_path, objective=Broken())


def test_training_learns(tmp_path):
    assert trained(tmp_path, plan={**PLAN, "fit.epochs": 60})[0].best < 0.5 * float(Y[30:].square().mean())


def test_an_epoch_of_fewer_cases_takes_fewer_steps(tmp_path):
    objective = Line()
    trained(tmp_path, plan={**PLAN, "fit.epoch_cases": 10}, objective=objective)
    assert objective.steps == 6 * 2


def test_a_full_disk_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write checkpoint\.safetensors.*then run again"):
        trained(tmp_path / "file" / "member")


@given(st.lists(st.integers(-5, 10**6), min_size=1, max_size=4), st.lists(st.integers(-5, 10**6), min_size=1, max_size=4))
def test_places_draw_their_own_seeds(one, other):
    assert 0 <= draw(*one) < 2**62
    assert (draw(*one) == draw(*other)) == (one == other)


def test_seeds_are_the_same_on_every_machine():
    assert draw(0, 1, 2) == int.from_bytes(hashlib.blake2b(b"(0, 1, 2)", digest_size=8).digest(), "little") >> 2


def test_another_seed_trains_otherwise(tmp_path):
    objective = Line()
    run = replace(Run(PLAN, 0, 0, tmp_path / "b"), seed=1)
    fit(objective, batch_of, rows=ROWS[:30], tune=lambda: [batch_of(ROWS[30:])], run=run)
    assert not equal(trained(tmp_path / "a")[1], objective.module.state_dict())
