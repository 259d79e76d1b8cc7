"""Convolutions over time with normalized weights, shared by generators and discriminators.

Signals are (B, C, H, T) in channels-last memory: a 1-d convolution as a 2-d one of height 1. oneDNN and cuDNN compute
that several times faster than torch's 1-d convolutions (HiFi-GAN v1, 5 s, bfloat16, two cores: 0.22 s against 0.73 s),
and a height of `period` is what a period discriminator looks at.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

SLOPE = 0.1
"""Of the leaky rectifier, in HiFi-GAN's generator and discriminators alike."""


class Conv(nn.Module):
    """A convolution along T with weight normalization (arXiv 1602.07868), its output as long as its input / stride.

    (B, channels_in, H, T) -> (B, channels_out, H, ceil(T / stride))
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride=1, dilation=1, groups=1):
        super().__init__()
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.padding = dilation * (kernel - 1) // 2
        self._make_weights(nn.Conv1d(channels_in, channels_out, kernel, groups=groups))

    def _make_weights(self, plain: nn.Module) -> None:
        """Direction, length and bias, from torch's usual start."""
        self.weight_v = nn.Parameter(plain.weight.detach())
        self.weight_g = nn.Parameter(plain.weight.detach().norm(dim=(1, 2), keepdim=True))
        self.bias = nn.Parameter(plain.bias.detach())
        self.folded: torch.Tensor | None = None

    def weight(self) -> torch.Tensor:
        """(out, in / groups, 1, kernel)"""
        if self.folded is not None:
            return self.folded
        return self._normalized().unsqueeze(2)

    def _normalized(self) -> torch.Tensor:
        return self.weight_v * (self.weight_g / self.weight_v.norm(dim=(1, 2), keepdim=True))

    def fold(self, dtype: torch.dtype) -> None:
        """Normalize once and for all, for use without training; direction and length are given up."""
        self.folded = self.weight().detach().to(dtype).contiguous(memory_format=torch.channels_last)
        self.weight_v = self.weight_g = None
        self.bias = nn.Parameter(self.bias.detach().to(dtype), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        step, pad, spread = (1, self.stride), (0, self.padding), (1, self.dilation)
        return F.conv2d(x, self.weight(), self.bias, step, pad, spread, self.groups)


class SpectralConv(Conv):
    """The same with spectral normalization (arXiv 1802.05957): the weight divided by its largest singular value."""

    def _make_weights(self, plain: nn.Module) -> None:
        super()._make_weights(plain)
        self.weight_g = None
        self.register_buffer("direction", F.normalize(torch.randn(len(plain.weight)), dim=0))

    def _normalized(self) -> torch.Tensor:
        matrix = self.weight_v.flatten(1).float()
        with torch.no_grad(), torch.autocast(matrix.device.type, enabled=False):
            right = F.normalize(matrix.mT @ self.direction, dim=0)
            left = F.normalize(matrix @ right, dim=0)
            if self.training:
                self.direction.copy_(left)
        # The sum of products, not a matrix product: autocast would round it.
        return self.weight_v / (left[:, None] * matrix * right).sum()


class Upsample(Conv):
    """A transposed convolution along T: (B, channels_in, H, T) -> (B, channels_out, H, T * rate)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, rate: int):
        nn.Module.__init__(self)
        self.rate, self.padding = rate, (kernel - rate) // 2
        self._make_weights(nn.ConvTranspose1d(channels_in, channels_out, kernel, rate))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        return F.conv_transpose2d(x, self.weight(), self.bias, (1, self.rate), (0, self.padding))
