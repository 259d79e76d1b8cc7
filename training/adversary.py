"""Learning against a discriminator: least-squares adversaries, their features, and a judge of spectrograms."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

Judgments = list[tuple[torch.Tensor, list[torch.Tensor]]]
"""For each discriminator its scores (B, ...) and the features it came to them by."""


def halves(judgments: Judgments) -> tuple[Judgments, Judgments]:
    """Judgments of a batch as those of its first and of its second half."""
    pairs = [(scores.chunk(2), [feature.chunk(2) for feature in features]) for scores, features in judgments]
    first, second = ([(scores[i], [feature[i] for feature in features]) for scores, features in pairs] for i in (0, 1))
    return first, second


def discriminator_loss(real: Judgments, fake: Judgments) -> torch.Tensor:
    """Scores of what is real shall be 1, of what is made 0 (LSGAN, arXiv 1611.04076)."""
    pairs = zip(real, fake)
    return sum((1 - r.float()).square().mean() + f.float().square().mean() for (r, _), (f, _) in pairs)


def generator_loss(fake: Judgments) -> torch.Tensor:
    """What is made shall be scored 1."""
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


class SpectrogramJudge(nn.Module):
    """A spectrogram of speech, or a made one? Looks at patches (as arXiv 1611.07004, section 3.2.2)."""

    def __init__(self, channels: int):
        super().__init__()
        widths = [1, channels, 2 * channels, 4 * channels, 4 * channels]
        strides = [(2, 1), (2, 2), (2, 2), (2, 1)]
        layers = [nn.Conv2d(a, b, (5, 3), s, (2, 1)) for a, b, s in zip(widths, widths[1:], strides)]
        self.layers = nn.ModuleList(weight_norm(layer) for layer in [*layers, nn.Conv2d(widths[-1], 1, 3, padding=1)])

    def forward(self, spectrum: torch.Tensor) -> Judgments:
        """Log magnitudes (B, bins, T), in units of their spread."""
        x, features = spectrum[:, None], []
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return [(self.layers[-1](x), features)]
