"""HiFi-GAN's two kinds of discriminators (arXiv 2010.05646, section 2.3), of any width.

Both take samples (B, 1, N) and return, for each of their parts, scores and the features before them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from training.adversary import Judgments
from vocoder.layers import SLOPE, Conv, SpectralConv


class MultiPeriod(nn.Module):
    """Each part folds the signal at one prime period and looks along equal phases."""

    def __init__(self, channels: int, periods: tuple[int, ...] = (2, 3, 5, 7, 11)):
        """channels: of the first layer; the paper's is 32."""
        super().__init__()
        self.periods = periods
        widths = (1, channels, channels * 4, channels * 16, channels * 32, channels * 32)
        strides = (3, 3, 3, 3, 1)
        self.parts = nn.ModuleList(
            nn.ModuleList(
                [Conv(i, o, 5, stride) for i, o, stride in zip(widths, widths[1:], strides)] + [Conv(widths[-1], 1, 3)]
            )
            for _ in periods
        )

    def forward(self, samples: torch.Tensor) -> Judgments:
        judgments = []
        for period, layers in zip(self.periods, self.parts):
            padded = F.pad(samples, (0, -samples.shape[-1] % period), mode="reflect")
            # (B, 1, N) -> (B, 1, period, N / period)
            judgments.append(judge(padded.unflatten(-1, (-1, period)).mT, layers))
        return judgments


class MultiScale(nn.Module):
    """Each part looks at the signal as it is, or averaged to a half or a quarter of its rate."""

    def __init__(self, channels: int, scales: int = 3):
        """channels: of the first layer; the paper's is 128. Groups keep the paper's width, so that fewer channels
        make fewer groups."""
        super().__init__()
        self.parts = nn.ModuleList(
            nn.ModuleList(self._layers(channels, SpectralConv if index == 0 else Conv)) for index in range(scales)
        )

    @staticmethod
    def _layers(channels: int, conv: type[Conv]) -> list[Conv]:
        # (width in units of `channels`, kernel, stride, the paper's groups)
        plan = [
            (1, 15, 1, 1),
            (1, 41, 2, 4),
            (2, 41, 2, 16),
            (4, 41, 4, 16),
            (8, 41, 4, 16),
            (8, 41, 1, 16),
            (8, 5, 1, 1),
        ]
        layers, width = [], 1
        for times, kernel, stride, groups in plan:
            fewer = max(1, groups * channels // 128)
            layers.append(conv(width, channels * times, kernel, stride, groups=fewer))
            width = channels * times
        return [*layers, conv(width, 1, 3)]

    def forward(self, samples: torch.Tensor) -> Judgments:
        judgments = []
        for index, layers in enumerate(self.parts):
            if index:
                samples = F.avg_pool1d(samples, 4, 2, padding=2)
            judgments.append(judge(samples.unsqueeze(2), layers))
        return judgments


def judge(x: torch.Tensor, layers: nn.ModuleList) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """x: (B, 1, H, T). Returns scores (B, 1, H, T') and the features of all layers, the scores among them."""
    features = []
    for layer in layers[:-1]:
        x = F.leaky_relu(layer(x), SLOPE, inplace=True)
        features.append(x)
    scores = layers[-1](x)
    return scores, [*features, scores]
