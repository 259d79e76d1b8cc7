"""The one mel front-end: every stage's spectrograms are made here, in torch, on any device, differentiably.

Framing, padding and log compression are those of the published HiFi-GAN (arXiv 2010.05646), so that its vocoders
and ours may be exchanged. Filters are Slaney's, as librosa's defaults.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

from speech.errors import InputError
from speech.mel_config import ENCODER_MEL, MelConfig

__all__ = ["ENCODER_MEL", "FLOOR", "MelConfig", "log_mel", "magnitudes", "mel_filters", "window"]

FLOOR = 1e-5
"""Magnitudes are not taken below this before the logarithm; log(FLOOR) = -11.5 is digital silence."""


def log_mel(samples: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """Natural-log mel magnitudes.

    samples: (..., N) float in [-1, 1], at least n_fft samples.
    Returns (..., n_mels, N // hop_length).
    """
    return torch.log(F.linear(magnitudes(samples, config).mT, mel_filters(config, samples.device)).mT.clamp_min(FLOOR))


def magnitudes(samples: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """Short-time Fourier magnitudes (..., n_fft // 2 + 1, N // hop_length) of samples (..., N)."""
    pad = (config.n_fft - config.hop_length) // 2
    if samples.shape[-1] < max(config.hop_length, pad + 1):
        raise InputError(f"a mel needs at least {max(config.hop_length, pad + 1)} samples; found {samples.shape[-1]}")
    flat = samples.reshape(-1, 1, samples.shape[-1])
    flat = F.pad(flat, (pad, pad), mode="reflect").squeeze(1)
    frames = flat.unfold(-1, config.n_fft, config.hop_length)
    spectrum = torch.fft.rfft(frames * window(config, samples.device))
    # The small number keeps the gradient of the root finite at digital silence.
    power = spectrum.real.square() + spectrum.imag.square() + 1e-9
    return power.sqrt().mT.reshape(*samples.shape[:-1], config.n_fft // 2 + 1, -1)


@lru_cache(maxsize=32)
def window(config: MelConfig, device: torch.device) -> torch.Tensor:
    """A periodic Hann window of win_length, centered in n_fft."""
    left = (config.n_fft - config.win_length) // 2
    with torch.inference_mode(False):  # kept for all, so it must not be one that gradients refuse
        hann = torch.hann_window(config.win_length)
        return F.pad(hann, (left, config.n_fft - config.win_length - left)).to(device)


@lru_cache(maxsize=32)
def mel_filters(config: MelConfig, device: torch.device) -> torch.Tensor:
    """Triangular filters of equal area on Slaney's mel scale, (n_mels, n_fft // 2 + 1)."""
    edges = _mel_to_hz(np.linspace(_hz_to_mel(config.fmin), _hz_to_mel(config.fmax), config.n_mels + 2))
    bins = np.linspace(0, config.sample_rate / 2, config.n_fft // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    with torch.inference_mode(False):
        return torch.from_numpy(filters.astype(np.float32)).to(device)


# Slaney's scale: linear below 1 kHz (3 mels each 200 Hz), then 27 logarithmic steps for each factor of 6.4.
def _hz_to_mel(hz: float) -> float:
    return 3 * hz / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
