"""The layers of WaveRNN.

B batch, T frames, N = T * hop_length samples.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from speech.errors import InputError
from speech.mel import MelConfig
from speech.waveform import Waveform
from vocoder.contract import Progress, check_mels
from vocoder.models.wavernn.config import Config
from vocoder.models.wavernn.generation import generate, normalized


class ResBlock(nn.Module):
    """Two convolutions of one frame: (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv1d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv1d(channels, channels, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))


class MelResNet(nn.Module):
    """What each frame is about: (B, n_mels, T + 2 * pad) -> (B, T, res_dims)."""

    def __init__(self, config: Config, n_mels: int):
        super().__init__()
        self.first = nn.Conv1d(n_mels, config.compute_dims, 2 * config.pad + 1, bias=False)
        self.norm = nn.BatchNorm1d(config.compute_dims)
        self.blocks = nn.Sequential(*(ResBlock(config.compute_dims) for _ in range(config.res_blocks)))
        self.last = nn.Conv1d(config.compute_dims, config.res_dims, 1)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return self.last(self.blocks(F.relu(self.norm(self.first(mel))))).mT


class Upsample(nn.Module):
    """Frames to samples: repeated, then smoothed by a learned filter, rate by rate.

    All that together is one linear map from a frame and its neighbors to its samples: `taps`.
    """

    def __init__(self, rates: tuple[int, ...], pad: int):
        super().__init__()
        self.rates, self.pad = rates, pad
        self.filters = nn.ParameterList(torch.full((1, 1, 2 * rate + 1), 1 / (2 * rate + 1)) for rate in rates)

    def taps(self) -> torch.Tensor:
        """(hop_length, 2 * pad + 1): what each sample of a frame takes from the frames around it."""
        width = 2 * self.pad + 1
        x = torch.eye(width, device=self.filters[0].device)[:, None]
        for rate, smooth in zip(self.rates, self.filters):
            x = F.conv1d(x.repeat_interleave(rate, dim=-1), smooth, padding=rate)
        hop = math.prod(self.rates)
        return x[:, 0, self.pad * hop : (self.pad + 1) * hop].mT

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """(B, n_mels, T + 2 * pad) -> (B, N, n_mels)"""
        taps = self.taps()
        around = mel.unfold(-1, taps.shape[1], 1).permute(0, 2, 1, 3)  # B, T, n_mels, taps
        return (around @ taps.mT.to(mel)).mT.flatten(1, 2)


class Model(nn.Module):
    """(samples so far, mel) -> what the next sample is drawn from."""

    def __init__(self, config: Config, mel: MelConfig):
        super().__init__()
        if math.prod(config.upsample_rates) != mel.hop_length:
            raise InputError(
                f"the product of model.upsample_rates must be mel.hop_length = {mel.hop_length}; "
                f"found {config.upsample_rates}, which gives {math.prod(config.upsample_rates)}"
            )
        self.config, self.mel = config, mel
        part, rnn, fc = config.res_dims // 4, config.rnn_dims, config.fc_dims
        self.upsample = Upsample(config.upsample_rates, config.pad)
        self.resnet = MelResNet(config, mel.n_mels)
        self.first = nn.Linear(1 + mel.n_mels + part, rnn)
        self.rnn1, self.rnn2 = nn.GRU(rnn, rnn, batch_first=True), nn.GRU(rnn + part, rnn, batch_first=True)
        self.fc1, self.fc2 = nn.Linear(rnn + part, fc), nn.Linear(fc + part, fc)
        self.fc3 = nn.Linear(fc, config.outputs)
        self.engines: dict = {}
        """Of `generation`: these weights made ready for use."""

    def forward(self, samples: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
        """samples: (B, N) the ones before each, as the network hears them; mel: (B, n_mels, T + 2 * pad) log.

        Returns (B, N, outputs).
        """
        mel = normalized(mel)
        parts = self.resnet(mel).repeat_interleave(self.mel.hop_length, dim=1).chunk(4, dim=-1)
        mels = self.upsample(mel)
        x = self.first(torch.cat([samples[..., None].to(mels), mels, parts[0].to(mels)], dim=-1))
        x = x + self.rnn1(x)[0]
        x = x + self.rnn2(torch.cat([x, parts[1].to(x)], dim=-1))[0]
        x = F.relu(self.fc1(torch.cat([x, parts[2].to(x)], dim=-1)))
        x = F.relu(self.fc2(torch.cat([x, parts[3].to(x)], dim=-1)))
        return self.fc3(x)

    def vocode(self, mel: torch.Tensor, seed: int = 0, progress: Progress | None = None) -> Waveform:
        """(n_mels, T) -> T * hop_length samples. The same seed draws the same samples."""
        return self.vocode_many([mel], seed, progress)[0]

    def vocode_many(self, mels: list[torch.Tensor], seed: int = 0, progress: Progress | None = None) -> list[Waveform]:
        """See `vocoder.contract`. All folds of all sounds side by side; progress counts their samples."""
        check_mels(mels, self.mel)
        return generate(self, mels, seed, progress)
