"""Unpaired translation: two translators and two critics, held together by the way there and back (CycleGAN, Zhu et al. 2017)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from osler.contract import Batch, Objective
from osler.generation.translation.losses import absolute, judged, weights_of
from osler.generation.translation.network import PatchCritic, Translator
from osler.generation.translation.optimising import autocast, plain
from osler.generation.translation.pieces import pictures

AIR = 0.1


class Unpaired(Objective):
    """Trains both directions by turns with both critics.

    No real answer is known, so the score by which weights are chosen would reward a translator that changes nothing: the last are kept.
    """

    module: nn.ModuleDict
    keeps: ClassVar[Literal["best", "last"]] = "last"
    forgives: ClassVar[bool] = True

    def __init__(self, *, channels: tuple[int, int, int], plan: Mapping[str, Any]) -> None:
        """Build from `channels`: of the source with its neighbours, of the source alone, of the target."""
        inputs, own, outputs = channels
        self.own = slice((inputs - own) // 2, (inputs + own) // 2)
        self.repeat = inputs // own
        self.alike = own == outputs
        self.plan = plan
        size = {"widths": plan["translation.widths"], "depth": plan["translation.depth"]}
        self.module = nn.ModuleDict(
            {
                "forth": Translator(inputs, outputs, own=own, **size),
                "back": Translator(outputs, own, own=outputs, **size),
                "critic": PatchCritic(outputs, width=plan["translation.critic"]),
                "other_critic": PatchCritic(own, width=plan["translation.critic"]),
            }
        )
        self._made: tuple[Tensor, Tensor] | None = None

    def optimisers(self, *, plan: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, ...]:
        """Return Adam for both translators, and for both critics."""
        both = (("forth", "back"), ("critic", "other_critic"))
        return tuple(plain([self.module[name] for name in names], plan=plan) for names in both)

    def share(self, done: float, *, turn: int) -> float:
        """Return 1 in the first half, then a straight fall to 0, as Zhu et al. 2017 have it."""
        return min(1.0, 2 * (1 - done))

    def step(self, batch: Batch, *, turn: int, generator: torch.Generator) -> Tensor:
        """Return (B,): of turn 0 the translators' loss, of turn 1 the critics'. A batch that lacks a side teaches nothing."""
        if len(batch.inputs) < 2:
            return torch.zeros(1, requires_grad=True)
        source, known = pictures(batch, "source")
        target, there = pictures(batch, "target")
        with autocast(source, self.plan):
            if turn == 1:
                return self._critics(source[:, self.own], target)
            made, other = self.module["forth"](source), self.module["back"](target)
            self._made = (made.detach(), other.detach())
            loss = judged(self.module["critic"](made), real=True) + judged(self.module["other_critic"](other), real=True)
        loss = loss + self.plan["translation.cycle"] * self.cycle((source, known), (target, there), made=(made, other))
        if self.alike and self.plan["translation.identity"] > 0:
            loss = loss + self.plan["translation.identity"] * self._unchanged((source, known), (target, there))
        return loss

    def cycle(self, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], *, made: tuple[Tensor, Tensor]) -> Tensor:
        """Return (B,): how far source and target lie from what comes back of them, |back(forth(x)) − x| + |forth(back(y)) − y|."""
        (x, known), (y, there) = source, target
        with autocast(x, self.plan):
            home, other = self.module["back"](made[0]), self.module["forth"](self._beside(made[1]))
        return self._apart(home, x[:, self.own], known) + self._apart(other, y, there)

    def _unchanged(self, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> Tensor:
        """Return (B,): what each translator changes of images that are already of its side."""
        (x, known), (y, there) = source, target
        with autocast(x, self.plan):
            same, other = self.module["forth"](self._beside(y)), self.module["back"](x[:, self.own])
        return self._apart(same, y, there) + self._apart(other, x[:, self.own], known)

    def _beside(self, slices: Tensor) -> Tensor:
        """Return slices with themselves in place of neighbours, which a single translated slice has not."""
        return slices.repeat(1, self.repeat, 1, 1)

    def _apart(self, found: Tensor, truth: Tensor, known: Tensor) -> Tensor:
        return absolute(found, truth, weights_of(truth, None, known=known, share=self.plan["translation.inside"], air=AIR))

    def _critics(self, source: Tensor, target: Tensor) -> Tensor:
        assert self._made is not None
        made, other = self._made
        first = judged(self.module["critic"](target), real=True) + judged(self.module["critic"](made), real=False)
        second = judged(self.module["other_critic"](source), real=True) + judged(self.module["other_critic"](other), real=False)
        return 0.5 * (first + second)

    @torch.no_grad()
    def score(self, batches: Iterable[Batch]) -> float:
        """Return the mean error of the way there and back, which tells a training that broke down."""
        total, cases = 0.0, 0
        for batch in batches:
            for name, ways in (("source", ("forth", "back")), ("target", ("back", "forth"))):
                if name not in batch.inputs:
                    continue
                x, known = pictures(batch, name)
                own = x[:, self.own] if name == "source" else x
                with autocast(x, self.plan):
                    made = self.module[ways[0]](x)
                    home = self.module[ways[1]](made if name == "source" else self._beside(made))
                total, cases = total + float(self._apart(home, own, known).double().sum()), cases + len(x)
        return total / max(1, cases)
