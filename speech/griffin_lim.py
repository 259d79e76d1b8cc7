"""A sound from a mel without any training, by finding phases that agree with the magnitudes.

The fast variant with momentum: Perraudin, Balazs and Sondergaard, "A fast Griffin-Lim algorithm", WASPAA 2013.

Several sounds are made at once by laying their frames one after another, so many silent frames between that no window
reaches from one sound into the next: nothing is padded to a common length, and none hears the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import pi

import torch
import torch.nn.functional as F

from speech.mel import MelConfig, mel_filters, window
from speech.waveform import Waveform

LOUDEST = 4.0
"""A log-mel is not taken above this: a sine of full scale stays below 2, and exp must not overflow."""
FRAMES_AT_ONCE = {"cpu": 512, "cuda": 65536}
"""Frames laid one after another: as many as a core's cache holds, or as keep a GPU busy."""


def griffin_lim(
    mel: torch.Tensor, config: MelConfig, iterations: int = 60, momentum: float = 0.99, mel_iterations: int = 40
) -> Waveform:
    """Log mel (n_mels, T >= 1) -> T * hop_length samples. See `sounds_of_magnitudes` and `spectrum_of_mel`."""
    magnitude = spectrum_of_mel(mel.float(), config, mel_iterations)
    return sounds_of_magnitudes([magnitude], config, iterations, momentum)[0]


@torch.inference_mode()
def sounds_of_magnitudes(
    magnitudes: list[torch.Tensor],
    config: MelConfig,
    iterations: int = 60,
    momentum: float = 0.99,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Waveform]:
    """Magnitudes (n_fft // 2 + 1, T_i >= 1) -> T_i * hop_length samples each.

    iterations: of phases; each is one Fourier transform there and back. momentum: how far a step goes on in the
    direction of the last one; 0 is the algorithm of 1984. seed: of each sound's first phases. progress: told the
    sounds done, and of how many.
    """
    waves: list[Waveform] = []
    for group in groups_of(magnitudes):
        waves += _sounds(group, config, iterations, momentum, seed)
        if progress:
            progress(len(waves), len(magnitudes))
    return waves


def _sounds(
    magnitudes: list[torch.Tensor], config: MelConfig, iterations: int, momentum: float, seed: int
) -> list[Waveform]:
    gap = _steps(config) - 1
    magnitude, starts = laid_out(magnitudes, gap)
    magnitude = magnitude.mT.contiguous()
    phase = laid_out([_phases(each, seed) for each in magnitudes], gap)[0].mT
    spectrum = torch.complex(phase.cos() * magnitude, phase.sin() * magnitude)
    spoken = laid_out([torch.ones_like(each[:1]) for each in magnitudes], gap)[0].mT
    once = window(config, magnitude.device)
    weight = _added((spoken * once).contiguous(), once, config).clamp_min(1e-3).reciprocal()
    before, carried = torch.zeros_like(weight), momentum / (1 + momentum)
    for _ in range(iterations):
        samples = _overlap(spectrum, config).mul_(weight)
        # A transform is linear: a step of the spectrum is the spectrum of a step, and samples are fewer.
        spectrum = _frames(torch.sub(samples, before, alpha=carried), config)
        before = samples
        # In pairs of real numbers: torch's absolute value of complex ones is several times slower.
        real, imaginary = torch.view_as_real(spectrum).unbind(-1)
        power = real.square().addcmul_(imaginary, imaginary)
        spectrum.mul_(power.clamp_min_(1e-24).rsqrt_().mul_(magnitude))
    samples = _overlap(spectrum, config).mul_(weight).cpu().numpy()
    pad, hop = (config.n_fft - config.hop_length) // 2, config.hop_length
    cut = [samples[pad + start * hop :][: each.shape[1] * hop] for start, each in zip(starts, magnitudes)]
    return [Waveform(each, config.sample_rate).peak_limited(1.0) for each in cut]


def _phases(magnitude: torch.Tensor, seed: int) -> torch.Tensor:
    """(bins, T) random phases; what they are does not depend on the device."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(magnitude.mT.shape, generator=generator) * 2 * pi).mT.to(magnitude.device)


def groups_of(items: list[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Items (C, T_i) in order, in groups of as many frames as are best worked on at once; at least one a group."""
    group, frames = [], 0
    for item in items:
        if group and frames + item.shape[1] > FRAMES_AT_ONCE.get(item.device.type, 512):
            yield group
            group, frames = [], 0
        group.append(item)
        frames += item.shape[1]
    if group:
        yield group


def laid_out(items: list[torch.Tensor], gap: int) -> tuple[torch.Tensor, list[int]]:
    """Items (C, T_i) one after another, `gap` frames of zeros after each: (C, total), and where each begins."""
    starts, at = [], 0
    for item in items:
        starts.append(at)
        at += item.shape[1] + gap
    return torch.cat([F.pad(item, (0, gap)) for item in items], dim=1), starts


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


def _steps(config: MelConfig) -> int:
    """Frames that a sample may lie in."""
    return -(-config.n_fft // config.hop_length)


def _frames(samples: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """(N,) -> spectrum (T, n_fft // 2 + 1)"""
    return torch.fft.rfft(samples.unfold(0, config.n_fft, config.hop_length) * window(config, samples.device))


def _overlap(spectrum: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """The frames of a spectrum (T, n_fft // 2 + 1), windowed and added; divided by the added squares of the
    windows, these are the samples whose spectrum is nearest."""
    return _added(torch.fft.irfft(spectrum, config.n_fft), window(config, spectrum.device), config)


def _added(frames: torch.Tensor, shape: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """Frames (T, n_fft) shaped by (n_fft,), hop_length apart -> ((T - 1) * hop_length + n_fft,). F.fold adds the same,
    30 times slower."""
    steps, hop = _steps(config), config.hop_length
    total, rest = (len(frames) - 1) * hop + config.n_fft, steps * hop - config.n_fft
    if rest:
        frames, shape = F.pad(frames, (0, rest)), F.pad(shape, (0, rest))
    added = frames.new_zeros(len(frames) + steps - 1, hop)
    for step, (piece, part) in enumerate(zip(frames.unflatten(1, (steps, hop)).unbind(1), shape.split(hop))):
        added[step : step + len(frames)].addcmul_(piece, part)
    return added.flatten()[:total]
