"""The encoder: filters as long as motifs, dilated residual convolutions or an LSTM behind them, read out with or without positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.blocks.dense import EnsembleLinear
from osler.blocks.sequences import BothWays, DilatedBlock, Scan, SequenceNorm, binned, masked, pooled
from osler.contract import Encoded
from osler.modalities.sequences.case import LETTERS, PAD
from osler.modalities.sequences.network.strands import centred, turned


class SequenceEncoder(nn.Module):
    """Encodes sequences: `lift` gives floats (B, longest, letters), `forward` vectors (B, K, width).

    What is lifted is how likely each letter is at a place, less the even share: zeros are unknown letters, and from there an
    attribution goes. Where `strands` are "averaged" or "both" the vector is the mean over the sequence and its reverse complement, which
    one network reads; in training "averaged" reads the strand that it is given (`augment` draws it). Averaged
    only afterwards networks were never worse than those that train so (Zhou, Shrikumar & Kundaje 2022, PMLR 165:1-33).
    """

    ragged = True  # what is lifted differs in length between cases

    def __init__(self, *, plan: Mapping[str, Any]) -> None:
        super().__init__()
        self.channels: tuple[int, ...] = ()
        self.register_buffer("table", centred(str(plan["alphabet"])), persistent=False)
        self.strands = str(plan["strands"]) if plan["alphabet"] == "dna" else "given"
        self.trunk = Trunk(plan=plan, letters=self.table.shape[1])
        self.width = int(plan["width"])
        self.dense = EnsembleLinear(self.trunk.width, self.width, members=int(plan["members"]))
        self.dropout = nn.Dropout(float(plan["dropout"]))

    table: Tensor

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, longest, letters)."""
        return F.embedding(fields[LETTERS].int(), self.table)

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return the vectors (B, K, width)."""
        mask = fields[LETTERS] != PAD
        lengths = mask.sum(1)
        if self.strands == "both" or (self.strands == "averaged" and not self.training):
            each = self._read(torch.cat([lifted, turned(lifted, lengths)]), torch.cat([mask, mask]))
            here, there = each.chunk(2)
            return Encoded((here + there) / 2)
        return Encoded(self._read(lifted, mask))

    def _read(self, lifted: Tensor, mask: Tensor) -> Tensor:
        found = self.trunk(lifted.transpose(1, 2), None if bool(mask.all()) else mask)
        vectors: Tensor = F.gelu(self.dense(self.dropout(found)))
        return vectors


class Trunk(nn.Module):
    """From lifted letters (B, letters, L) to a vector (B, `width`): mean and maximum of each channel, and where `positions` matter
    the letters themselves in `bins` parts of the sequence and fewer channels in half as many.

    Of promoters aligned to their start a linear model of the letters alone has an AUROC above .94: nothing may blur them (docs/lab.md).
    """

    def __init__(self, *, plan: Mapping[str, Any], letters: int) -> None:
        super().__init__()
        channels = int(plan["width"])
        self.scan = Scan(letters, channels, kernel=int(plan["motif"]), pool=int(plan["pool"]))
        self.layers = nn.ModuleList(layers(plan, channels=channels))
        self.norm = SequenceNorm(channels)
        self.bins = int(plan["bins"]) if plan["positions"] else 0
        narrow = max(8, channels // 4)
        self.narrow = nn.Conv1d(channels, narrow, 1) if self.bins else None
        self.halves = max(1, self.bins // 2)
        self.width = 2 * channels + (self.bins * letters + self.halves * narrow if self.bins else 0)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return (B, width)."""
        placed = [binned(x, mask, bins=self.bins).flatten(1)] if self.bins else []
        x, mask = self.scan(x, mask)
        for layer in self.layers:
            x = layer(x, mask)
        x = masked(F.gelu(self.norm(x, mask)), mask)
        if self.narrow is not None:
            placed.append(binned(self.narrow(x), mask, bins=self.halves).flatten(1))
        return torch.cat([pooled(x, mask), *placed], dim=1)


def layers(plan: Mapping[str, Any], *, channels: int) -> list[nn.Module]:
    """Return what looks further than the filters, by the plan's `architecture`."""
    blocks: list[nn.Module] = [
        DilatedBlock(channels, kernel=int(plan["kernel"]), dilation=2**turn, dropout=float(plan["drop_inside"]))
        for turn in range(int(plan["depth"]))
    ]
    return [BothWays(channels)] if plan["architecture"] == "lstm" else blocks
