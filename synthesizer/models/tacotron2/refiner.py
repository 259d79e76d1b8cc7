"""What the decoder says in one plain voice made sharp, and in the voice that was asked for.

Flow matching (Lipman et al. 2022, arXiv 2210.02747; for speech Matcha-TTS, arXiv 2309.03199): the decoder's frames,
disturbed by noise, flow to true ones along lines whose direction a network learns. So it says one of all the mels that
could be meant, where the decoder can only say their mean. It sees the frames before and after, what the decoder made
each from, its state and the text it read, and the voice.
B batch, T frames, S = T / r decoder steps, C channels.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from synthesizer.losses import masked_mean
from synthesizer.models.tacotron2.config import GROUP, Config

NOISE_FRAMES = 64
"""Noise is drawn for so many frames at a time, so that it does not depend on how long the longest item is."""

TIMES = 128
"""Width of the place on the way, as the blocks are told it."""


class Refiner(nn.Module):
    """Residual blocks (ConvNeXt, arXiv 2201.03545, section 2) over groups of refiner_frames."""

    def __init__(self, config: Config, n_mels: int):
        super().__init__()
        self.config = config
        width, group = config.refiner_dim, config.refiner_frames * n_mels
        self.said = nn.Linear(config.lstm_dim + config.token_dim, width)
        self.voice = nn.Linear(config.voice_dim, width)
        self.place = nn.Parameter(torch.zeros(config.most_reduction, width))
        """Where in its decoder step the middle of each group is."""
        self.frames, self.moving = nn.Linear(group, width), nn.Linear(group, width)
        self.time = nn.Sequential(nn.Linear(TIMES, TIMES), nn.SiLU(), nn.Linear(TIMES, TIMES), nn.SiLU())
        self.blocks = nn.ModuleList(Block(width, config.refiner_kernel) for _ in range(config.refiner_layers))
        self.norm, self.velocity = nn.LayerNorm(width), nn.Linear(width, group)
        nn.init.zeros_(self.velocity.weight)
        nn.init.zeros_(self.velocity.bias)
        self.register_buffer("plain_voice", torch.zeros(config.voice_dim))
        """The voice that the decoder speaks in, whoever is asked for."""

    def forward(
        self, frames: torch.Tensor, outputs: torch.Tensor, voices: torch.Tensor, mask: torch.Tensor, seed: int
    ) -> torch.Tensor:
        """frames: (B, T, n_mels) normalized, outputs: (B, S, lstm_dim + token_dim) what the decoder made them from,
        voices: (B, voice_dim) those to be heard, mask: (B, T).
        Returns sharp ones (B, T, n_mels), for each seed others; one item's noise is every item's."""
        (longest, n_mels), keep = frames.shape[1:], mask[..., None]
        frames = frames.float() * keep
        told, steps = self._told(frames, outputs, voices), self.config.refiner_steps
        generator = torch.Generator(frames.device).manual_seed(seed)
        blocks = range(-(-longest // NOISE_FRAMES))
        noise = [torch.randn(NOISE_FRAMES, n_mels, generator=generator, device=frames.device) for _ in blocks]
        strength = self.config.refiner_noise * self.config.refiner_warmth
        x = frames + strength * torch.cat(noise)[:longest]
        # Short steps first, while it is still open which mel it will be. From the second on each is taken in the
        # direction of its middle, if that goes on turning as it did (Adams and Bashforth, of second order).
        places = [(step / steps) ** 2 for step in range(steps + 1)]
        before, stride = None, 1.0
        for place, following in pairwise(places):
            x = x * keep
            velocity = self._velocity(x, told, x.new_full((len(x),), place), keep)
            turned = 0.0 if before is None else (velocity - before) / stride
            before, stride = velocity, following - place
            x = x + stride * (velocity + stride / 2 * turned)
        return x

    def loss(
        self,
        target: torch.Tensor,
        frames: torch.Tensor,
        outputs: torch.Tensor,
        voices: torch.Tensor,
        mask: torch.Tensor,
    ) -> torch.Tensor:
        """Squared error of the direction at a random place on the way; target: (B, T, n_mels) normalized."""
        keep, batch = mask[..., None], len(frames)
        frames = frames.float() * keep
        noisy = frames + self.config.refiner_noise * torch.randn_like(frames)
        times = (torch.arange(batch, device=frames.device) + torch.rand(batch, device=frames.device)) / batch
        times = times[torch.randperm(batch, device=frames.device)]
        x = torch.lerp(noisy, target, times[:, None, None]) * keep
        velocity = self._velocity(x, self._told(frames, outputs, voices), times, keep)
        return masked_mean((velocity - (target - noisy)).square(), mask)

    def _grouped(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, C) with neighbours side by side (B, T / refiner_frames, refiner_frames * C), zeros behind the last."""
        side = self.config.refiner_frames
        return F.pad(x, (0, 0, 0, -x.shape[1] % side)).unflatten(1, (-1, side)).flatten(2)

    def _told(self, frames: torch.Tensor, outputs: torch.Tensor, voices: torch.Tensor) -> torch.Tensor:
        """(B, T / refiner_frames, C) what stays the same along the way."""
        reduction, side = frames.shape[1] // outputs.shape[1], self.config.refiner_frames
        middle = torch.arange(side // 2, frames.shape[1] + side // 2, side, device=frames.device)
        middle = middle.clamp_max(frames.shape[1] - 1)
        said = self.said(outputs) + self.voice(voices * self.config.voice_scale)[:, None]
        return said[:, middle // reduction] + self.place[middle % reduction] + self.frames(self._grouped(frames))

    def _velocity(self, x: torch.Tensor, told: torch.Tensor, times: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """x: (B, T, n_mels) at times (B,), 0 noisy, 1 true; keep: (B, T, 1), zero in the padding. Returns x's shape."""
        (longest, n_mels), keep = x.shape[1:], self._grouped(keep)[..., :1]
        x, time = self.moving(self._grouped(x)) + told, self.time(waves(times, TIMES))
        for block in self.blocks:
            x = block(x, time, keep)
        return self.velocity(self.norm(x)).float().unflatten(2, (-1, n_mels)).flatten(1, 2)[:, :longest]


class Block(nn.Module):
    """A convolution of few channels each, then a small network at each place."""

    def __init__(self, width: int, kernel: int):
        super().__init__()
        self.around = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), groups=width // GROUP)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.time = nn.Linear(TIMES, 2 * width)
        self.wide, self.narrow = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: torch.Tensor, time: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """x: (B, T, C), time: (B, TIMES), keep: (B, T, 1), zero in the padding."""
        stretch, shift = self.time(time)[:, None].chunk(2, dim=-1)
        # In two dimensions, for channels that lie side by side: several times faster on processors.
        around = self.around((x * keep).mT[:, :, None])[:, :, 0].mT
        return x + self.scale * self.narrow(F.gelu(self.wide(self.norm(around) * (1 + stretch) + shift)))


def waves(times: torch.Tensor, width: int) -> torch.Tensor:
    """(B,) from 0 to 1 as sines and cosines (B, width) of many periods (arXiv 1706.03762, section 3.5)."""
    rates = torch.exp(torch.linspace(0, math.log(1000), width // 2, device=times.device))
    angles = times[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
