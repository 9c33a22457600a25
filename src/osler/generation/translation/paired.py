"""Paired translation: a U-Net held to the real target, and, where the plan says so, to a critic of patches (Isola et al. 2017)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from osler.contract import Batch, Objective
from osler.generation.translation.losses import absolute, judged, unlikeness, weights_of
from osler.generation.translation.network import PatchCritic, Translator
from osler.generation.translation.optimising import autocast, decayed, plain
from osler.generation.translation.pieces import pictures

AIR = 0.1  # how much a place of air counts beside one of the body: it must be learned, and is learned fast


class Paired(Objective):
    """Trains a translator, by turns with a critic of pairs (source, target) where there is one."""

    module: nn.ModuleDict
    forgives: ClassVar[bool] = True

    def __init__(self, *, channels: tuple[int, int, int], plan: Mapping[str, Any]) -> None:
        """Build from `channels`: of the source with its neighbours, of the source alone, of the target."""
        inputs, own, outputs = channels
        self.own = slice((inputs - own) // 2, (inputs + own) // 2)
        self.plan = plan
        widths, depth = plan["translation.widths"], plan["translation.depth"]
        parts: dict[str, nn.Module] = {"forth": Translator(inputs, outputs, own=own, widths=widths, depth=depth)}
        if plan["translation.adversarial"]:
            parts["critic"] = PatchCritic(own + outputs, width=plan["translation.critic"])
        self.module = nn.ModuleDict(parts)
        self._made: Tensor | None = None

    def optimisers(self, *, plan: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, ...]:
        """Return AdamW for the translator; before a critic, Adam for both."""
        if "critic" not in self.module:
            return (decayed(self.module["forth"], plan=plan),)
        return tuple(plain([self.module[name]], plan=plan) for name in ("forth", "critic"))

    def step(self, batch: Batch, *, turn: int, generator: torch.Generator) -> Tensor:
        """Return (B,): of turn 0 the translator's loss, of turn 1 the critic's."""
        source, known = pictures(batch, "source")
        target, _ = pictures(batch, "target")
        with autocast(source, self.plan):
            if turn == 1:
                return self._critics(source, target)
            found = self.module["forth"](source)
        weight = weights_of(source[:, self.own], target, known=known, share=self.plan["translation.inside"], air=AIR)
        loss = self.likeness(found, target, weight)
        if "critic" in self.module:
            self._made = found.detach()
            with autocast(source, self.plan):
                patches = self.module["critic"](torch.cat([source[:, self.own], found], 1))
            loss = loss + judged(patches, real=True) / self.plan["translation.l1"]
        return loss

    def likeness(self, found: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return (B,): the absolute error, and a share of what structural similarity lacks."""
        share = self.plan["translation.structure"]
        loss = absolute(found, target, weight)
        return loss if share == 0 else (1 - share) * loss + share * unlikeness(found, target, weight)

    def _critics(self, source: Tensor, target: Tensor) -> Tensor:
        assert self._made is not None
        beside = source[:, self.own]
        real = judged(self.module["critic"](torch.cat([beside, target], 1)), real=True)
        made = judged(self.module["critic"](torch.cat([beside, self._made], 1)), real=False)
        return 0.5 * (real + made)

    @torch.no_grad()
    def score(self, batches: Iterable[Batch]) -> float:
        """Return the mean likeness loss: the critic's word changes from epoch to epoch and is no yardstick."""
        total, cases = 0.0, 0
        for batch in batches:
            source, known = pictures(batch, "source")
            target, _ = pictures(batch, "target")
            with autocast(source, self.plan):
                found = self.module["forth"](source)
            weight = weights_of(source[:, self.own], target, known=known, share=self.plan["translation.inside"], air=0.0)
            total, cases = total + float(self.likeness(found, target, weight).double().sum()), cases + batch.size
        return total / max(1, cases)
