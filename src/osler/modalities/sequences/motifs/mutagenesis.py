"""In-silico mutagenesis: what each substitution of one letter changes in what a network says (Zhou and Troyanskaya 2015).

Only substitutions are computed: a letter in its own place changes nothing. All are made by indexing, a batch at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from osler.modalities.sequences.motifs.logo import stretch

# Letters × length of a batch. What a network makes of more leaves a processor's cache: 648 sequences of 101 letters at once took twice as long as 32
NUMBERS = {"cpu": 1 << 14, "cuda": 1 << 22}


@torch.no_grad()
def mutagenesis(
    model: Callable[[Tensor], Tensor], letters: Tensor, *, span: tuple[int, int] | None = None, batch: int | None = None
) -> Tensor:
    """Return (n, k, letters, end - start) float32: how each output changes when each letter stands alone in each place of `span`.

    `model` maps (m, letters, length) to (m, k), in evaluation mode; `letters` (n, letters, length) are probabilities, of which a letter for
    several has shares and padding zeros, which is left as it is. `span` (start, end) is 0-based and half-open, by default the whole.
    `batch` is how many sequences go through the model at once. Raises ValueError where the span does not lie in the sequences.
    """
    count, kinds, length = letters.shape
    start, end = (0, length) if span is None else span
    if not 0 <= start < end <= length:
        raise ValueError(f"the span {start} to {end} does not lie in sequences of {length} letters")
    size = batch or _size(letters)
    before = torch.cat([model(part) for part in letters.split(size)]).float()
    out = before.new_zeros((count, kinds, end - start, before.shape[1]))
    inside = letters[:, :, start:end]
    made = ((inside != 1) & (inside.sum(1, keepdim=True) > 0)).nonzero()
    if not len(made):
        return out.permute(0, 3, 1, 2).contiguous()
    alone = torch.eye(kinds, dtype=letters.dtype, device=letters.device)
    found = []
    for part in made.split(size):
        case, kind, place = part.unbind(1)
        column = (place + start)[:, None, None].expand(-1, kinds, 1)
        found.append(model(letters.index_select(0, case).scatter_(2, column, alone[kind][..., None])))
    case, kind, place = made.unbind(1)
    out[case, kind, place] = torch.cat(found).float() - before[case]
    return out.permute(0, 3, 1, 2).contiguous()


def _size(letters: Tensor) -> int:
    """Return how many sequences go through a network at once: in sixteens, as its kernels take them, where there are as many."""
    _, kinds, length = letters.shape
    most = max(1, NUMBERS.get(letters.device.type, NUMBERS["cuda"]) // max(1, kinds * length))
    return most - most % 16 if most >= 16 else most


def changes_of(lifted: Tensor, score: Callable[[Tensor], Tensor], *, attribution: np.ndarray) -> np.ndarray:
    """Return what each substitution in one sequence changes in each answer (a, length, kinds), from what is lifted of it (1, length, kinds):
    probabilities less even shares. Of a long one the stretch that is drawn, where `attribution` (a, length, kinds) is largest."""
    even = 1 / lifted.shape[2]
    start, end = stretch(np.abs(attribution.sum(2)))
    whole = (lifted + even).transpose(1, 2)
    found = mutagenesis(lambda letters: score((letters - even).transpose(1, 2)), whole, span=(start, end))[0]
    out = np.full(attribution.shape, np.nan)
    out[:, start:end] = found.transpose(1, 2).cpu().numpy()
    return out
