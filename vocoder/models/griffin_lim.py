"""Griffin-Lim: sound from a mel without any training, by finding phases that agree with the magnitudes.

The fast variant with momentum: Perraudin, Balazs and Sondergaard, "A fast Griffin-Lim algorithm", WASPAA 2013. It
sounds hollow, but it never fails: good for hearing a synthesizer before there is a vocoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
import torch.nn.functional as F
from torch import nn

from speech.errors import InputError
from speech.mel import MelConfig, mel_filters, window
from speech.waveform import Waveform


@dataclass(frozen=True)
class Config:
    iterations: int = 60
    """Of phases; each is one Fourier transform there and back."""
    momentum: float = 0.99
    """How far a step goes on in the direction of the last one; 0 is the algorithm of 1984."""
    mel_iterations: int = 40
    """Of turning mel magnitudes into those of all frequencies."""

    def __post_init__(self):
        if self.iterations < 1 or self.mel_iterations < 0 or not 0 <= self.momentum < 2:
            raise InputError(f"griffin_lim needs iterations >= 1, mel_iterations >= 0, 0 <= momentum < 2; found {self}")


PRESETS = {"usual": Config(), "quick": Config(iterations=16)}
MEL = MelConfig()

LOUDEST = 4.0
"""A log-mel is not taken above this: a sine of full scale stays below 2, and exp must not overflow."""


class Model(nn.Module):
    """Nothing to learn; a module, so that all vocoders are handled alike."""

    def __init__(self, config: Config, mel: MelConfig):
        super().__init__()
        self.config, self.mel = config, mel

    @torch.inference_mode()
    def vocode(self, mel: torch.Tensor) -> Waveform:
        """(n_mels, T) -> T * hop_length samples."""
        if mel.ndim != 2 or mel.shape[0] != self.mel.n_mels or not mel.shape[1]:
            raise InputError(f"this vocoder takes a mel of ({self.mel.n_mels}, frames); found {tuple(mel.shape)}")
        magnitude = spectrum_of_mel(mel.float(), self.mel, self.config.mel_iterations)
        samples = self._samples(magnitude.mT)
        pad = (self.mel.n_fft - self.mel.hop_length) // 2
        samples = samples[pad : pad + mel.shape[1] * self.mel.hop_length]
        return Waveform(samples.cpu().numpy(), self.mel.sample_rate).peak_limited(1.0)

    def _samples(self, magnitude: torch.Tensor) -> torch.Tensor:
        """(T, n_fft // 2 + 1) -> samples of all T windows, the paddings at both ends among them."""
        generator = torch.Generator().manual_seed(0)
        phase = torch.rand(magnitude.shape, generator=generator).to(magnitude.device) * 2 * pi
        spectrum = torch.polar(magnitude, phase)
        before = torch.zeros_like(spectrum)
        carried = self.config.momentum / (1 + self.config.momentum)
        shape = window(self.mel, magnitude.device)
        weight = self._added(shape.square().expand(len(magnitude), -1)).clamp_min(1e-3)
        for _ in range(self.config.iterations):
            found = self._frames(self._overlap(spectrum) / weight)
            spectrum = found - carried * before
            spectrum *= magnitude / spectrum.abs().clamp_min(1e-12)
            before = found
        return self._overlap(spectrum) / weight

    def _frames(self, samples: torch.Tensor) -> torch.Tensor:
        """(N,) -> spectrum (T, n_fft // 2 + 1)"""
        frames = samples.unfold(0, self.mel.n_fft, self.mel.hop_length)
        return torch.fft.rfft(frames * window(self.mel, samples.device))

    def _overlap(self, spectrum: torch.Tensor) -> torch.Tensor:
        """The frames of a spectrum (T, n_fft // 2 + 1), windowed and added; divided by the added squares of the
        windows, these are the samples whose spectrum is nearest."""
        return self._added(torch.fft.irfft(spectrum, self.mel.n_fft) * window(self.mel, spectrum.device))

    def _added(self, frames: torch.Tensor) -> torch.Tensor:
        """(T, n_fft), hop_length apart -> ((T - 1) * hop_length + n_fft,)"""
        hop = self.mel.hop_length
        total = (len(frames) - 1) * hop + self.mel.n_fft
        return F.fold(frames.mT[None], (1, total), (1, self.mel.n_fft), stride=(1, hop)).flatten()


def spectrum_of_mel(mel: torch.Tensor, config: MelConfig, iterations: int) -> torch.Tensor:
    """Magnitudes (n_fft // 2 + 1, T) whose mel is nearest to a log-mel (n_mels, T): non-negative least squares.

    Multiplicative steps (Lee and Seung, "Algorithms for non-negative matrix factorization", NIPS 2000) never leave
    the positive, and begin at the pseudo-inverse.
    """
    filters = mel_filters(config, mel.device)
    wanted = mel.clamp_max(LOUDEST).exp()
    found = (torch.linalg.pinv(filters) @ wanted).clamp_min(1e-4) * (filters.sum(0) > 0)[:, None]
    towards = filters.mT @ wanted
    for _ in range(iterations):
        found = found * towards / (filters.mT @ (filters @ found)).clamp_min(1e-12)
    return found
