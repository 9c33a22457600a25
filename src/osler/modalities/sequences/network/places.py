"""The encoder of a target with a value for each letter: filters as long as motifs and dilated residual convolutions behind them, none of
which makes the sequence coarser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.blocks.sequences import Scan, SequenceNorm, masked, pooled
from osler.contract import Encoded
from osler.modalities.sequences.case import LETTERS, PAD
from osler.modalities.sequences.network.encoder import layers
from osler.modalities.sequences.network.strands import backwards, centred, turned


class PlaceEncoder(nn.Module):
    """Encodes sequences: `lift` as of `SequenceEncoder`, `forward` gives one map (B, `channels`, longest), zeros behind the ends, and as
    vector its mean and maximum.

    Where `strands` are "averaged" or "both" a letter's channels are the mean over the sequence and its reverse complement, whose map
    is turned back; in training "averaged" reads the strand that it is given. Nothing is pooled: the answer is one for each letter, and the
    depth of the sizes makes good what neighbours would be seen of (docs/decisions/0035).
    """

    ragged = True
    table: Tensor

    def __init__(self, *, plan: Mapping[str, Any]) -> None:
        super().__init__()
        width = int(plan["width"])
        self.channels, self.width = (width,), 2 * width
        self.register_buffer("table", centred(str(plan["alphabet"])), persistent=False)
        self.strands = str(plan["strands"]) if plan["alphabet"] == "dna" else "given"
        self.scan = Scan(self.table.shape[1], width, kernel=int(plan["motif"]), pool=1)
        self.layers = nn.ModuleList(layers(plan, channels=width))
        self.norm = SequenceNorm(width)

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, longest, letters)."""
        return F.embedding(fields[LETTERS].int(), self.table)

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return the map at the distance of one letter."""
        mask = fields[LETTERS] != PAD
        if self.strands == "both" or (self.strands == "averaged" and not self.training):
            lengths = mask.sum(1)
            here, there = self._read(torch.cat([lifted, turned(lifted, lengths)]), torch.cat([mask, mask])).chunk(2)
            found = (here + backwards(there.transpose(1, 2), lengths).transpose(1, 2)) / 2
        else:
            found = self._read(lifted, mask)
        return Encoded(pooled(found, None if bool(mask.all()) else mask), (found,), (1,))

    def _read(self, lifted: Tensor, mask: Tensor) -> Tensor:
        """Return (B, width, longest)."""
        known = None if bool(mask.all()) else mask
        x, _ = self.scan(lifted.transpose(1, 2), known)
        for layer in self.layers:
            x = layer(x, known)
        return masked(F.gelu(self.norm(x, known)), known)
