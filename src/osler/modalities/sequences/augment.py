"""Training sequences moved by a few letters, read from either strand, some letters hidden; as a batch, on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from osler.modalities.sequences.case import LETTERS, PAD, TRACK
from osler.modalities.sequences.network.strands import complements
from osler.modalities.sequences.read.alphabet import UNKNOWN_BASE, UNKNOWN_RESIDUE


def augment(fields: dict[str, Tensor], *, plan: Mapping[str, Any], generator: torch.Generator) -> dict[str, Tensor]:
    """Return the batch in which each sequence is moved by up to `shift` letters, N coming in at the ends, is the other strand half of
    the time where `strands` are "averaged", and has `mask_letters` of its letters hidden behind N. The target of each letter goes with it."""
    whole = fields[LETTERS]
    unknown = UNKNOWN_RESIDUE if plan["alphabet"] == "protein" else UNKNOWN_BASE
    turned = _turned(len(whole), plan=plan, generator=generator, device=whole.device)
    steps = _steps(len(whole), plan=plan, generator=generator, device=whole.device)
    codes = moved(whole, steps, turned, unknown=unknown)
    if TRACK in fields:
        fields = {**fields, TRACK: along(fields[TRACK], *_source(whole, steps, turned))}
    rate = float(plan["mask_letters"])
    if rate > 0:
        hidden = (torch.rand(codes.shape, generator=generator, device=codes.device) < rate) & (codes != PAD)
        codes = codes.masked_fill(hidden, unknown)
    return {**fields, LETTERS: codes}


def moved(codes: Tensor, steps: Tensor, turned: Tensor, *, unknown: int) -> Tensor:
    """Return `codes` (B, longest) whose sequences begin `steps` (B,) letters later, and are read from the other strand where `turned`
    (B,) bool; letters that come in from outside are `unknown`, what lies behind the ends stays."""
    source, outside = _source(codes, steps, turned)
    found = codes.gather(1, source)
    found = torch.where(turned[:, None], complements(codes.device)[found.long()], found)
    found = found.masked_fill(outside, unknown)
    return found.masked_fill(codes == PAD, PAD)


def along(values: Tensor, source: Tensor, outside: Tensor) -> Tensor:
    """Return `values` (B, 1, longest) of the letters that were moved from `source` (B, longest); not known of those from `outside`."""
    return values.gather(2, source[:, None]).masked_fill(outside[:, None], torch.nan)


def _source(codes: Tensor, steps: Tensor, turned: Tensor) -> tuple[Tensor, Tensor]:
    """Return where each letter of `codes` (B, longest) comes from, and whether that is outside of its sequence."""
    lengths = (codes != PAD).sum(1, keepdim=True)
    place = torch.arange(codes.shape[1], device=codes.device)
    source = torch.where(turned[:, None], lengths - 1 - place, place) + steps[:, None]
    outside = (source < 0) | (source >= lengths) | (place >= lengths)
    return source.clamp(0, max(codes.shape[1] - 1, 0)), outside


def _steps(count: int, *, plan: Mapping[str, Any], generator: torch.Generator, device: torch.device) -> Tensor:
    most = int(plan["shift"])
    return torch.randint(-most, most + 1, (count,), generator=generator, device=device)


def _turned(count: int, *, plan: Mapping[str, Any], generator: torch.Generator, device: torch.device) -> Tensor:
    half = plan["strands"] == "averaged" and plan["alphabet"] == "dna"
    return torch.rand(count, generator=generator, device=device) < (0.5 if half else 0.0)
