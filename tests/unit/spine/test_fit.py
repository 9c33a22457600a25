"""The training loop: taken up after any epoch, ended by the clock, kept at its best, stopped when it breaks down."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from osler.contract import Batch, InputBatch, Objective, TargetBatch
from osler.contract.objective import one_cycle
from osler.core.errors import OutputError, RunError
from osler.core.watch import Watch
from osler.spine.fit import Clock, Run, draw, fit
from osler.spine.fit import loop as room

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
    own = SimpleNamespace(monotonic=lambda: float(next(now)))  # the loop's alone: other threads ask the time too
    monkeypatch.setattr(room, "time", own)
    progress, stopped = trained(tmp_path, clock=Clock(24.0))
    assert (progress.epoch, progress.stopped, progress.seconds) == (3, True, 30.0)
    assert progress.replanned == [(3, 3)]
    objective = Line()
    again, weights = trained(tmp_path, objective=objective, clock=Clock(24.0))
    assert objective.steps == 0
    assert again == progress
    assert equal(weights, stopped)
    assert trained(tmp_path / "free")[0].epoch == 6
    assert equal(stopped, trained(tmp_path / "told", clock=Clock(replanned=((3, 3),)))[1])  # by the plan that tells of it


def paced(folder, monkeypatch, *, seconds, **more):
    """Train with a machine on which every epoch takes `seconds`, and the clock is asked for 60."""
    now = [0.0]

    def tick():
        now[0] += seconds
        return now[0]

    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=tick))
    return trained(folder, clock=Clock(120.0, 60.0, 9), **more)


@pytest.mark.parametrize(("seconds", "epochs"), [(10.0, []), (20.0, [(1, 3)]), (5.0, [(1, 9)])])
def test_epochs_planned_anew_end_the_same_after_a_kill_and_by_the_plan_that_tells_of_them(tmp_path, monkeypatch, seconds, epochs):
    progress, whole = paced(tmp_path / "whole", monkeypatch, seconds=seconds)
    assert progress.replanned == epochs
    assert progress.epoch == (epochs[-1][1] if epochs else 6)
    assert not progress.stopped
    with pytest.raises(Killed):
        paced(tmp_path / "cut", monkeypatch, seconds=seconds, watch=Axe(2))
    assert equal(whole, paced(tmp_path / "cut", monkeypatch, seconds=seconds)[1])
    told = Clock(replanned=tuple(progress.replanned))
    assert equal(whole, trained(tmp_path / "told", clock=told)[1])
    assert equal(whole, trained(tmp_path / "planned")[1]) == (not epochs)


def test_learning_rates_come_down_to_nothing_however_many_epochs_there_are(tmp_path, monkeypatch):
    class Asked(Line):
        def __init__(self):
            super().__init__()
            self.shares = []

        def share(self, done, *, turn):
            self.shares.append(done)
            return super().share(done, turn=turn)

    for seconds, steps in ((20.0, 12), (5.0, 36)):
        objective = Asked()
        paced(tmp_path / str(seconds), monkeypatch, seconds=seconds, objective=objective)
        assert len(objective.shares) == steps
        assert objective.shares[3] == pytest.approx(1 / 6)
        assert objective.shares[-1] == pytest.approx(1)
        assert np.all(np.diff(objective.shares) > 0)


class Bar(Watch):
    """Counts what a progress bar would show."""

    def __init__(self):
        self.units, self.said = 0, []

    def advance(self, units: int = 1, *, note: str = "") -> None:
        self.units += units

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def test_the_bar_is_full_at_the_end_and_a_change_is_said(tmp_path, monkeypatch):
    for seconds, said in ((10.0, 0), (20.0, 1), (5.0, 1)):
        bar = Bar()
        paced(tmp_path / str(seconds), monkeypatch, seconds=seconds, watch=bar)
        assert bar.units == 6
        assert len(bar.said) == said
    assert bar.said == ["an epoch takes 5 s, other than planned: there will be 9 epochs instead of 6"]


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


class Pair(Line):
    """Two lines that learn in turn, each for itself: the second from what the first says."""

    keeps = "last"

    def __init__(self, *, after: int = 99, word: str = "collapsed", **more) -> None:
        super().__init__(**more)
        self.module = nn.ModuleDict({"first": nn.Linear(3, 1), "second": nn.Linear(1, 1)})
        self.after, self.word, self.learning, self.rates, self.turns = after, word, [], [], []

    def optimisers(self, *, plan):
        self.held = tuple(torch.optim.AdamW(part.parameters(), lr=plan["fit.learning_rate"]) for part in self.module.values())
        return self.held

    def share(self, done, *, turn):
        return (1.0, 0.25)[turn]

    def step(self, batch, *, turn, generator):
        self.steps += 1
        self.turns.append((turn, generator.initial_seed()))
        self.learning.append(tuple(all(p.requires_grad for p in part.parameters()) for part in self.module.values()))
        self.rates.append(self.held[turn].param_groups[0]["lr"])
        said = self.module["first"](batch.inputs["x"].fields["x"])
        loss = ((said if turn == 0 else self.module["second"](said)) - batch.target.values).square().mean(1)
        return loss * float("nan") if self.spoil == self.steps else loss

    def score(self, batches):
        return float(self.steps)  # ever worse: the last are kept all the same

    def trouble(self, scores):
        return self.word if len(scores) >= self.after else ""


def test_each_turn_moves_only_the_weights_of_its_optimiser(tmp_path):
    moved = []

    def update(objective, optimiser, loss, plan):
        before = {k: v.clone() for k, v in objective.module.state_dict().items()}
        room.plain_update(objective, optimiser, loss, plan)
        moved.append({k.partition(".")[0] for k, v in objective.module.state_dict().items() if not torch.equal(v, before[k])})

    objective = Pair()
    run = Run(PLAN, 0, 0, tmp_path)
    fit(objective, batch_of, rows=ROWS[:30], tune=lambda: [batch_of(ROWS[30:])], run=run, update=update)
    assert moved == [{"first"}, {"second"}] * 24
    assert objective.learning == [(True, False), (False, True)] * 24
    assert objective.rates == [0.01, 0.0025] * 24
    assert all(p.requires_grad for p in objective.module.parameters())
    seeds = [seed for _, seed in objective.turns]
    assert len(set(seeds)) == 48, "turns of a step draw different noise"


def test_a_turn_clips_by_its_own_gradients(tmp_path):
    objective = Pair()
    first, _ = objective.optimisers(plan=PLAN)
    for part in objective.module.values():
        for weight in part.parameters():
            weight.grad = torch.full_like(weight, 100.0)
    loss = objective.module["first"](X[:4]).square().mean(1)
    room.plain_update(objective, first, loss, PLAN)
    norm = torch.stack([p.grad.norm() for p in objective.module["first"].parameters()]).norm()
    assert norm <= 1 + 1e-5
    assert all((p.grad == 100).all() for p in objective.module["second"].parameters())


@pytest.mark.parametrize("epoch", [1, 3])
def test_two_optimisers_are_taken_up_alike(tmp_path, epoch):
    progress, whole = trained(tmp_path / "whole", objective=Pair())
    with pytest.raises(Killed):
        trained(tmp_path / "cut", watch=Axe(epoch), objective=Pair())
    assert equal(whole, trained(tmp_path / "cut", objective=Pair())[1])
    assert (progress.best_epoch, progress.trouble, len(progress.scores)) == (6, "", 6)


def test_trouble_ends_a_training_with_the_last_good_state(tmp_path):
    good = trained(tmp_path / "good", objective=Pair(after=4), plan=PLAN)
    assert (good[0].trouble, good[0].epoch, good[0].best_epoch, good[0].stopped) == ("collapsed", 4, 3, True)
    objective = Pair(after=4)
    again = trained(tmp_path / "good", objective=objective)
    assert objective.steps == 0, "a second call replays the end"
    assert again[0] == good[0]
    assert equal(again[1], good[1])


@pytest.mark.parametrize("forgives", [True, False])
def test_a_divergence_that_is_forgiven_ends_with_the_last_good_state(tmp_path, forgives):
    class Forgiving(Pair):
        pass

    Forgiving.forgives = forgives
    if not forgives:
        with pytest.raises(RunError, match="broke down in epoch 3"):
            trained(tmp_path, objective=Forgiving(spoil=20))
        return
    progress, weights = trained(tmp_path, objective=Forgiving(spoil=20))
    assert (progress.trouble, progress.epoch, progress.best_epoch) == ("diverged", 3, 2)
    assert all(v.isfinite().all() for v in weights.values())
    with pytest.raises(RunError, match="broke down in epoch 1"):
        trained(tmp_path / "at once", objective=Forgiving(spoil=3))


class Filters(Line):
    """Weights that lie channels last, as convolutions on processors like them."""

    def __init__(self, **more) -> None:
        super().__init__(**more)
        self.module = nn.Sequential(
            nn.Unflatten(1, (3, 1, 1)), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1), nn.Flatten()
        )
        self.module.to(memory_format=torch.channels_last)

    def optimisers(self, *, plan):
        return (torch.optim.Adam(self.module.parameters(), lr=plan["fit.learning_rate"], fused=True),)


def test_moments_of_weights_that_lie_channels_last_are_taken_up(tmp_path):
    _, whole = trained(tmp_path / "whole", objective=Filters())
    with pytest.raises(Killed):
        trained(tmp_path / "cut", watch=Axe(3), objective=Filters())
    assert equal(whole, trained(tmp_path / "cut", objective=Filters())[1])
