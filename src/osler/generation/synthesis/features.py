"""What is measured of pictures while a generator trains, by a network that nobody trained.

Convolutions with random weights keep enough of a picture that distances between distributions order generators well, and
carry no habit of photographs into medicine (Naeem et al. 2020 compare with random VGG16). A trained encoder judges in the end.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

WIDTHS = (16, 32, 64)
WIDTH = 64  # numbers per picture


class RandomFeatures:
    """64 numbers of a picture (B, channels, i, j) from -1 to 1, always by the same weights, on any device."""

    def __init__(self, *, channels: int) -> None:
        generator = torch.Generator().manual_seed(0x05E12)
        inputs, self.kernels = channels, []
        for outputs in WIDTHS:
            scale = (2 / (9 * inputs)) ** 0.5
            self.kernels.append(scale * torch.randn(outputs, inputs, 3, 3, generator=generator))
            inputs = outputs
        given = 5 * inputs + WIDTHS[1]
        self.mix = torch.randn(given, WIDTH, generator=generator) / given**0.5

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> np.ndarray:
        """Return (B, 64) float64."""
        x, told = pictures.float(), []
        for turn, kernel in enumerate(self.kernels):
            x = F.leaky_relu(F.conv2d(x, kernel.to(x.device), padding=1), 0.2)
            if turn == 1:
                told.append(x.std((2, 3)))
            if min(x.shape[2:]) >= 4:
                x = F.avg_pool2d(x, 2)
        told += [F.adaptive_avg_pool2d(x, 2).flatten(1), x.std((2, 3))]
        return (torch.cat(told, dim=1).cpu() @ self.mix).double().numpy()
