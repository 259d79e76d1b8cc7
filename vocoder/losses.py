"""Distances of spectrograms, by which a vocoder is taught."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F

from speech.mel import MelConfig, log_mel


def mel_distance(fake: torch.Tensor, real: torch.Tensor, configs: list[MelConfig]) -> torch.Tensor:
    """Mean L1 distance of log-mel spectrograms of (..., N) samples, over all `configs`; always in float32."""
    with torch.autocast(fake.device.type, enabled=False):
        distances = [F.l1_loss(log_mel(fake.float(), config), log_mel(real.float(), config)) for config in configs]
    return sum(distances) / len(distances)


def loss_mels(mel: MelConfig, scales: tuple[float, ...]) -> list[MelConfig]:
    """The model's mel over the full band, its windows and bands `scales` times as long and many.

    Full band, as in the published HiFi-GAN: nothing else would tell the generator of what lies above mel.fmax.
    """
    return [
        replace(
            mel,
            n_fft=round(mel.n_fft * scale),
            win_length=round(mel.win_length * scale),
            hop_length=round(mel.hop_length * scale),
            n_mels=max(1, round(mel.n_mels * scale)),
            fmax=mel.sample_rate / 2,
        )
        for scale in scales
    ]
