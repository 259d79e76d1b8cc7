"""A sound from a mel without any training, by finding phases that agree with the magnitudes.

The fast variant with momentum: Perraudin, Balazs and Sondergaard, "A fast Griffin-Lim algorithm", WASPAA 2013.
"""

from __future__ import annotations

from math import pi

import torch
import torch.nn.functional as F

from speech.mel import MelConfig, mel_filters, window
from speech.waveform import Waveform

LOUDEST = 4.0
"""A log-mel is not taken above this: a sine of full scale stays below 2, and exp must not overflow."""


def griffin_lim(
    mel: torch.Tensor, config: MelConfig, iterations: int = 60, momentum: float = 0.99, mel_iterations: int = 40
) -> Waveform:
    """Log mel (n_mels, T >= 1) -> T * hop_length samples. See `sound_of_magnitudes` and `spectrum_of_mel`."""
    return sound_of_magnitudes(spectrum_of_mel(mel.float(), config, mel_iterations), config, iterations, momentum)


@torch.inference_mode()
def sound_of_magnitudes(
    magnitude: torch.Tensor, config: MelConfig, iterations: int = 60, momentum: float = 0.99
) -> Waveform:
    """Magnitudes (n_fft // 2 + 1, T >= 1) -> T * hop_length samples.

    iterations: of phases; each is one Fourier transform there and back. momentum: how far a step goes on in the
    direction of the last one; 0 is the algorithm of 1984.
    """
    magnitude = magnitude.mT
    generator = torch.Generator().manual_seed(0)
    phase = torch.rand(magnitude.shape, generator=generator).to(magnitude.device) * 2 * pi
    spectrum = torch.polar(magnitude, phase)
    before = torch.zeros_like(spectrum)
    carried = momentum / (1 + momentum)
    weight = _added(window(config, magnitude.device).square().expand(len(magnitude), -1), config).clamp_min(1e-3)
    for _ in range(iterations):
        found = _frames(_overlap(spectrum, config) / weight, config)
        spectrum = found - carried * before
        spectrum *= magnitude / spectrum.abs().clamp_min(1e-12)
        before = found
    samples = _overlap(spectrum, config) / weight
    pad = (config.n_fft - config.hop_length) // 2
    samples = samples[pad : pad + len(magnitude) * config.hop_length]
    return Waveform(samples.cpu().numpy(), config.sample_rate).peak_limited(1.0)


@torch.inference_mode()
def spectrum_of_mel(mel: torch.Tensor, config: MelConfig, iterations: int) -> torch.Tensor:
    """Magnitudes (n_fft // 2 + 1, T) whose mel is nearest to a log-mel (n_mels, T): begun at the pseudo-inverse."""
    filters = mel_filters(config, mel.device)
    guess = torch.linalg.pinv(filters) @ mel.clamp_max(LOUDEST).exp()
    return fit_to_mel(guess.clamp_min(1e-4) * (filters.sum(0) > 0)[:, None], mel, config, iterations)


def fit_to_mel(magnitude: torch.Tensor, mel: torch.Tensor, config: MelConfig, iterations: int) -> torch.Tensor:
    """Positive magnitudes (n_fft // 2 + 1, T), changed so that their mel nears a log-mel (n_mels, T): non-negative
    least squares.

    Multiplicative steps (Lee and Seung, "Algorithms for non-negative matrix factorization", NIPS 2000) never leave
    the positive, and keep the fine structure that they begin with.
    """
    filters, wanted = mel_filters(config, mel.device), mel.clamp_max(LOUDEST).exp()
    towards = filters.mT @ wanted
    for _ in range(iterations):
        magnitude = magnitude * towards / (filters.mT @ (filters @ magnitude)).clamp_min(1e-12)
    return magnitude


def _frames(samples: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """(N,) -> spectrum (T, n_fft // 2 + 1)"""
    return torch.fft.rfft(samples.unfold(0, config.n_fft, config.hop_length) * window(config, samples.device))


def _overlap(spectrum: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """The frames of a spectrum (T, n_fft // 2 + 1), windowed and added; divided by the added squares of the
    windows, these are the samples whose spectrum is nearest."""
    return _added(torch.fft.irfft(spectrum, config.n_fft) * window(config, spectrum.device), config)


def _added(frames: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """(T, n_fft), hop_length apart -> ((T - 1) * hop_length + n_fft,)"""
    total = (len(frames) - 1) * config.hop_length + config.n_fft
    return F.fold(frames.mT[None], (1, total), (1, config.n_fft), stride=(1, config.hop_length)).flatten()
