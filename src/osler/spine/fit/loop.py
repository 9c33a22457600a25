"""One training loop for every objective."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from osler.contract import Batch, Objective
from osler.core.errors import RunError
from osler.core.watch import SILENT, Watch
from osler.spine.fit.checkpoint import Progress, load, save
from osler.spine.fit.clock import UNTIMED, Clock, share_done

BatchOf = Callable[[np.ndarray, int], Batch]
Update = Callable[[Objective, torch.optim.Optimizer, Tensor, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Run:
    """Where and as what an objective is trained: `member` of the ensemble, `folder` for its checkpoint."""

    plan: Mapping[str, Any]
    seed: int
    member: int
    folder: Path
    clock: Clock = UNTIMED
    watch: Watch = SILENT


def plain_update(objective: Objective, optimiser: torch.optim.Optimizer, loss: Tensor, plan: Mapping[str, Any]) -> None:
    """Take one step down the mean loss, with the norm of the optimiser's gradients clipped."""
    optimiser.zero_grad(set_to_none=True)
    loss.mean().backward()
    own = {id(p) for p in _weights(optimiser)}
    nn.utils.clip_grad_norm_([p for p in objective.module.parameters() if id(p) in own], plan["fit.clip"])
    optimiser.step()


def fit(
    objective: Objective,
    batch_of: BatchOf,
    *,
    rows: np.ndarray,
    tune: Callable[[], Any],
    run: Run,
    update: Update = plain_update,
) -> Progress:
    """Train `objective.module` in place on `rows` and leave it with the best averaged weights, or the last, as the objective says.

    `batch_of(rows, seed)` gives a training batch, `tune()` fresh batches to score by. Each draw is seeded by (seed, member,
    epoch, step) and a checkpoint follows each epoch, so a killed training that is called again ends with the same weights,
    byte for byte on CPU. Where epochs take another time than the plan foresaw, the clock may say anew how many there are. One-cycle
    schedules end well, so the best average is kept rather than training stopped early. Trouble that the objective sees, or a loss
    that is not finite where it forgives one, ends training with what was kept, and is noted in the progress.

    Raises RunError where a loss is not finite and nothing good is kept: its weights would be worth nothing.
    """
    plan = run.plan
    optimisers = objective.optimisers(plan=plan)
    path = run.folder / "checkpoint.safetensors"
    found = load(path, module=objective.module, optimisers=optimisers)
    fresh = {k: v.detach().clone() for k, v in objective.module.state_dict().items()}
    progress, averaged, kept = found or (Progress(), fresh, fresh)
    told = _units(progress, plan)
    while progress.epoch < _epochs(progress, plan) and not progress.stopped:
        began, epoch = time.monotonic(), progress.epoch
        healthy = _run_epoch(objective, batch_of, rows=rows, optimisers=optimisers, averaged=averaged, run=run, progress=progress,
                   update=update)  # fmt: skip
        score = _score_averaged(objective, averaged, tune) if healthy else math.nan
        if not math.isfinite(score) and not (objective.forgives and progress.best_epoch):
            raise RunError(_broken(epoch + 1, plan))
        progress.scores.append(score)
        progress.trouble = objective.trouble(progress.scores) if math.isfinite(score) else "diverged"
        if not progress.trouble and (score < progress.best or objective.keeps == "last"):
            progress.best, progress.best_epoch, kept = score, epoch + 1, {k: v.clone() for k, v in averaged.items()}
        progress.epoch, progress.seconds = epoch + 1, progress.seconds + time.monotonic() - began
        progress.stopped = bool(progress.trouble) or run.clock.over(progress.seconds)
        _replan(progress, run)
        save(path, progress=progress, module=objective.module, averaged=averaged, kept=kept, optimisers=optimisers)
        before, told = told, max(told, _units(progress, plan))
        run.watch.advance(told - before, note=f"epoch {epoch + 1}, tune loss {score:.4g}")
    _learning(optimisers)
    objective.module.load_state_dict(kept)
    objective.module.eval()
    return progress


def _epochs(progress: Progress, plan: Mapping[str, Any]) -> int:
    """Return how many epochs the training has, as far as is known."""
    return int(progress.replanned[-1][1] if progress.replanned else plan["fit.epochs"])


def _units(progress: Progress, plan: Mapping[str, Any]) -> int:
    """Return how far a bar of the plan's epochs is full: however many there are in the end, they fill it."""
    return int(progress.epoch * plan["fit.epochs"] // _epochs(progress, plan))


def _replan(progress: Progress, run: Run) -> None:
    """Let the clock say anew how many epochs there are."""
    before = _epochs(progress, run.plan)
    over = run.clock.over(progress.seconds)  # told too: whoever gives the plan back ends there
    after = progress.epoch if over else run.clock.epochs(before, done=progress.epoch, seconds=progress.seconds)
    if after != before:
        progress.replanned.append((progress.epoch, after))
        pace = f"an epoch takes {progress.seconds / progress.epoch:.3g} s, other than planned"
        run.watch.say(f"{pace if run.clock.allowance else 'as the plan says'}: there will be {after} epochs instead of {before}")


def draw(*at: int) -> int:
    """Return a seed of 62 bits for a place in the training, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(repr(at).encode(), digest_size=8).digest(), "little") >> 2


def _run_epoch(
    objective: Objective,
    batch_of: BatchOf,
    *,
    rows: np.ndarray,
    optimisers: tuple[torch.optim.Optimizer, ...],
    averaged: dict[str, Tensor],
    run: Run,
    progress: Progress,
    update: Update,
) -> bool:
    """Train the epoch after `progress` in place; return whether every loss was finite (asked once, so that a device need not wait)."""
    plan, epoch = run.plan, progress.epoch
    at = (run.seed, run.member, epoch)
    generator = np.random.default_rng(draw(*at))
    order = np.concatenate([generator.permutation(rows) for _ in range(plan.get("fit.rounds", 1))])[: plan["fit.epoch_cases"]]
    batches = np.array_split(order, max(1, math.ceil(len(order) / plan["fit.batch"])))
    objective.module.train()
    total_loss: Tensor | float = 0.0
    for step, chunk in enumerate(batches):
        seed = draw(*at, step)
        torch.manual_seed(seed)
        batch = batch_of(np.sort(chunk), seed)
        done = share_done(epoch + (step + 1) / len(batches), planned=plan["fit.epochs"], replanned=progress.replanned)
        for turn, optimiser in enumerate(optimisers):
            for group in optimiser.param_groups:
                group["lr"] = plan["fit.learning_rate"] * objective.share(done, turn=turn)
            _learning(optimisers, optimiser)
            loss = objective.step(batch, turn=turn, generator=torch.Generator().manual_seed(seed + turn))
            total_loss = total_loss + loss.detach().double().sum()
            update(objective, optimiser, loss, plan)
        _average(
            averaged,
            objective.module,
            decay=min(plan["fit.ema"], (1 + epoch * len(batches) + step) / (10 + epoch * len(batches) + step)),
        )
    return math.isfinite(float(total_loss))


def _weights(optimiser: torch.optim.Optimizer) -> Iterator[nn.Parameter]:
    for group in optimiser.param_groups:
        yield from group["params"]


def _learning(optimisers: tuple[torch.optim.Optimizer, ...], own: torch.optim.Optimizer | None = None) -> None:
    """Let only the weights of `own` learn, of None all: what passes through the others costs no gradient of theirs."""
    for other in optimisers if len(optimisers) > 1 else ():
        for weight in _weights(other):
            weight.requires_grad_(own is None or other is own)


def _broken(epoch: int, plan: Mapping[str, Any]) -> str:
    return (
        f"training broke down in epoch {epoch}: its loss is no finite number. Look for extreme values in the target and in the"
        f" inputs, or set fit.learning_rate below {plan['fit.learning_rate']:g}, and train again"
    )


@torch.no_grad()
def _average(averaged: dict[str, Tensor], module: nn.Module, *, decay: float) -> None:
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            averaged[name].lerp_(value, 1 - decay)
        else:
            averaged[name].copy_(value)


@torch.no_grad()
def _score_averaged(objective: Objective, averaged: dict[str, Tensor], tune: Callable[[], Any]) -> float:
    current = {k: v.clone() for k, v in objective.module.state_dict().items()}
    objective.module.load_state_dict(averaged)
    objective.module.eval()
    score = objective.score(tune())
    objective.module.load_state_dict(current)
    return score
