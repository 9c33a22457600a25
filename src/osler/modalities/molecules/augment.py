"""Training steps see each molecule with some of its atoms unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from osler.modalities.molecules.gather import ATOM_KIND, ATOM_KINDS


def augment(fields: dict[str, Tensor], *, plan: Mapping[str, Any], generator: torch.Generator) -> dict[str, Tensor]:
    """Return the batch in which each atom is hidden with the plan's `mask_atoms`: it keeps its bonds, and all else of it is zero, as
    no real atom is.

    After Hu et al. 2020, Strategies for Pre-training Graph Neural Networks, where hidden atoms are to be told.
    """
    rate = float(plan["mask_atoms"])
    if rate <= 0:
        return fields
    kinds, kind = fields[ATOM_KINDS], fields[ATOM_KIND]
    hidden = torch.rand(len(kind), generator=generator, device=kind.device) < rate
    known = torch.cat([kinds, kinds.new_zeros(1, kinds.shape[1])])
    return {**fields, ATOM_KINDS: known, ATOM_KIND: torch.where(hidden, len(kinds), kind)}
