"""What a sample is drawn from: mu-law levels, or a mixture of logistics; and how likely the true one was."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

NARROWEST = -14.0
"""Log scales of logistics are not taken below this."""
STEP = 2 / 65535
"""Between two 16-bit samples, where the range is -1 to 1."""


def compress(samples: torch.Tensor, bits: int) -> torch.Tensor:
    """Samples in [-1, 1] on a mu-law scale, in [-1, 1] too, rounded to one of 2 ** bits levels."""
    return levels_of(samples, bits) * (2 / (2**bits - 1)) - 1


def levels_of(samples: torch.Tensor, bits: int) -> torch.Tensor:
    """Samples in [-1, 1] -> mu-law levels, 0 to 2 ** bits - 1, as integers."""
    most = 2**bits - 1
    samples = samples.clamp(-1, 1)
    curved = samples.sign() * torch.log1p(most * samples.abs()) / math.log1p(most)
    return ((curved + 1) / 2 * most).round().long()


def expand(curved: torch.Tensor, bits: int) -> torch.Tensor:
    """Back from the mu-law scale."""
    most = 2**bits - 1
    return curved.sign() * torch.expm1(curved.abs() * math.log1p(most)) / most


def mixture_loss(outputs: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    """Mean negative log likelihood (nats a sample) of 16-bit samples (...) under outputs (..., 3 * mixtures): logits,
    means and log scales (arXiv 1701.05517, section 2.1)."""
    logits, means, scales = outputs.float().chunk(3, dim=-1)
    scales = scales.clamp_min(NARROWEST)
    distance = samples[..., None] - means
    narrow = torch.exp(-scales)
    above, below = narrow * (distance + STEP / 2), narrow * (distance - STEP / 2)
    share = torch.sigmoid(above) - torch.sigmoid(below)
    middle = narrow * distance
    density = middle - scales - 2 * F.softplus(middle) + math.log(STEP)  # where the share is too small to tell
    inside = torch.where(share > 1e-5, share.clamp_min(1e-12).log(), density)
    at_most = above - F.softplus(above)
    at_least = -F.softplus(below)
    here, edge = samples[..., None], 1 - STEP / 2
    each = torch.where(here < -edge, at_most, torch.where(here > edge, at_least, inside))
    return -torch.logsumexp(F.log_softmax(logits, dim=-1) + each, dim=-1).mean()


def draw_level(logits: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """One level of each (B, levels) by its probability, chance (B,) in [0, 1): on the mu-law scale, in [-1, 1]."""
    shares = torch.softmax(logits.float(), dim=-1).cumsum(dim=-1)
    levels = (shares < chance[:, None] * shares[:, -1:]).sum(dim=-1).clamp_max(logits.shape[1] - 1)
    return levels * (2 / (logits.shape[1] - 1)) - 1


def draw_mixture(outputs: torch.Tensor, chances: torch.Tensor) -> torch.Tensor:
    """One sample in [-1, 1] of each mixture (B, 3 * mixtures); chances (B, 2) in [0, 1)."""
    logits, means, scales = outputs.float().chunk(3, dim=-1)
    shares = torch.softmax(logits, dim=-1).cumsum(dim=-1)
    chosen = (shares < chances[:, :1] * shares[:, -1:]).sum(dim=-1, keepdim=True).clamp_max(logits.shape[1] - 1)
    mean, scale = means.gather(1, chosen)[:, 0], scales.gather(1, chosen)[:, 0].clamp(NARROWEST, 3.0)
    even = chances[:, 1].clamp(1e-5, 1 - 1e-5)
    return (mean + scale.exp() * (even.log() - (1 - even).log())).clamp(-1, 1)
