"""What the decoder says made sharp: a network that sees, at every frame, what is being said before, now and after.

The decoder says a group of frames from the one before and a glance at the text; the postnet sees frames alone. This one
sees the frames, and what the decoder made them from: its state, the text it read and the voice.
B batch, T frames, S = T / r decoder steps, C channels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from synthesizer.models.tacotron2.config import Config


class Refiner(nn.Module):
    """Residual blocks (ConvNeXt, arXiv 2201.03545, section 2) over frames; a new one changes nothing."""

    def __init__(self, config: Config, n_mels: int):
        super().__init__()
        width, said = config.refiner_dim, config.lstm_dim + config.token_dim + config.voice_dim
        self.said, self.frames = nn.Linear(said, width), nn.Linear(n_mels, width)
        self.place = nn.Parameter(torch.zeros(config.most_reduction, width))
        """Which of its step's frames each is."""
        self.blocks = nn.ModuleList(Block(width, config.refiner_kernel) for _ in range(config.refiner_layers))
        self.correction = nn.Linear(width, n_mels)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)

    def forward(self, frames: torch.Tensor, outputs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """frames: (B, T, n_mels) normalized, outputs: (B, S, said) what the decoder made them from, mask: (B, T).
        Returns their correction (B, T, n_mels)."""
        reduction = frames.shape[1] // outputs.shape[1]
        said = self.said(outputs)[:, :, None] + self.place[:reduction]
        x, keep = self.frames(frames) + said.flatten(1, 2), mask[..., None]
        for block in self.blocks:
            x = block(x, keep)
        return self.correction(x)


class Block(nn.Module):
    """A convolution of each channel by itself, then a small network at each frame."""

    def __init__(self, width: int, kernel: int):
        super().__init__()
        self.around = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """x: (B, T, C), keep: (B, T, 1), zero in the padding."""
        around = self.around((x * keep).mT).mT
        return x + self.scale * self.narrow(F.gelu(self.wide(self.norm(around))))
