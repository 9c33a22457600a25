"""The state of a training after an epoch, written atomically, without pickle."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as dump_tensors
from torch import Tensor, nn

from osler.core.errors import OutputError


@dataclass(slots=True)
class Progress:
    """Where a training stands: `epoch` epochs are done; `best` is the score of the averaged weights `kept`, the lowest unless the
    last are kept. `scores` are those of all epochs; `trouble` says in a word what ended it early ("diverged", "collapsed"); each pair of
    `replanned` says after which epoch how many there were to be in all."""

    epoch: int = 0
    best: float = float("inf")
    best_epoch: int = 0
    seconds: float = 0.0
    stopped: bool = False
    trouble: str = ""
    scores: list[float] = field(default_factory=list)
    replanned: list[tuple[int, int]] = field(default_factory=list)


def save(
    path: Path,
    *,
    progress: Progress,
    module: nn.Module,
    averaged: dict[str, Tensor],
    kept: dict[str, Tensor],
    optimisers: tuple[torch.optim.Optimizer, ...],
) -> None:
    """Write everything that the next epoch depends on; raises OutputError where the disk refuses."""
    tensors = {f"module.{k}": v for k, v in module.state_dict().items()}
    tensors |= {f"averaged.{k}": v for k, v in averaged.items()} | {f"kept.{k}": v for k, v in kept.items()}
    for turn, optimiser in enumerate(optimisers):
        for index, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{turn}.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
    about = json.dumps({name: getattr(progress, name) for name in Progress.__slots__})
    data = dump_tensors({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, metadata={"progress": about})
    write_atomically(path, data)


def load(path: Path, *, module: nn.Module, optimisers: tuple[torch.optim.Optimizer, ...]) -> tuple[Progress, dict, dict] | None:
    """Put the state back into `module` and `optimisers`; return progress, averaged and kept weights.

    None where there is no checkpoint, or one that was torn by a crash of the machine: training then starts anew.
    """
    if not path.is_file():
        return None
    before = {k: v.detach().clone() for k, v in module.state_dict().items()}
    try:
        data = path.read_bytes()
        tensors = parse_tensors(data)
        length = int.from_bytes(data[:8], "little")
        progress = Progress(**json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["progress"]))
        progress.replanned = [(int(after), int(total)) for after, total in progress.replanned]
        averaged, kept = _under("averaged.", tensors), _under("kept.", tensors)
        if not averaged.keys() == kept.keys() == before.keys():
            return None
        module.load_state_dict(_under("module.", tensors))
        for turn, optimiser in enumerate(optimisers):
            _fill(optimiser, _under(f"optimiser.{turn}.", tensors))
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError):
        module.load_state_dict(before)  # a part may have been put in before the fault showed
        return None
    return progress, averaged, kept


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` beside `path` and rename, so that a killed run leaves the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(
            f"cannot write {path.name}: {error.strerror}; free space or choose another --out, then run again"
        ) from None


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def _fill(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    whole = optimiser.state_dict()
    whole["state"] = state
    optimiser.load_state_dict(whole)
    for weight, held in optimiser.state.items():
        for key, value in held.items():  # a fused step walks through memory: moments must lie as their weights do (channels last)
            if isinstance(value, Tensor) and value.shape == weight.shape and value.stride() != weight.stride():
                held[key] = torch.empty_like(weight, dtype=value.dtype).copy_(value).detach()
