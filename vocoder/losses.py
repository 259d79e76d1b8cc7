"""What a vocoder is taught by: least-squares adversaries, their features, and distances of spectrograms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F

from speech.mel import MelConfig, log_mel

Judgments = list[tuple[torch.Tensor, list[torch.Tensor]]]
"""For each discriminator its scores (B, ...) and the features it came to them by."""


def halves(judgments: Judgments) -> tuple[Judgments, Judgments]:
    """Judgments of a batch as those of its first and of its second half."""
    pairs = [(scores.chunk(2), [feature.chunk(2) for feature in features]) for scores, features in judgments]
    first, second = ([(scores[i], [feature[i] for feature in features]) for scores, features in pairs] for i in (0, 1))
    return first, second


def discriminator_loss(real: Judgments, fake: Judgments) -> torch.Tensor:
    """Scores of real sound shall be 1, of made sound 0 (LSGAN, arXiv 1611.04076)."""
    pairs = zip(real, fake)
    return sum((1 - r.float()).square().mean() + f.float().square().mean() for (r, _), (f, _) in pairs)


def generator_loss(fake: Judgments) -> torch.Tensor:
    """Made sound shall be scored 1."""
    return sum((1 - scores.float()).square().mean() for scores, _ in fake)


def feature_loss(real: Judgments, fake: Judgments) -> torch.Tensor:
    """L1 distance of the discriminators' features (arXiv 1910.06711, equation 3)."""
    return sum(F.l1_loss(f.float(), r.float()) for (_, rs), (_, fs) in zip(real, fake) for r, f in zip(rs, fs))


def against_fakes(judge: Callable, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """What the discriminators lose by taking real (B, ...) and made (B, ...) for one another."""
    return discriminator_loss(*halves(judge(torch.cat([real, fake.detach()]))))


def for_fakes(judge: Callable, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the generator loses by not being taken for real, and by the features in which that shows."""
    with torch.no_grad():
        judged_real = judge(real)
    judged_fake = judge(fake)
    return generator_loss(judged_fake), feature_loss(judged_real, judged_fake)


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
