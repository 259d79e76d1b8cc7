"""Griffin-Lim: the vocoder that needs no training.

It sounds hollow, but it never fails: good for hearing a synthesizer before there is a vocoder. `speech.griffin_lim`
is the algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from speech.errors import InputError
from speech.griffin_lim import sounds_of_magnitudes, spectrum_of_mel
from speech.mel import MelConfig
from speech.waveform import Waveform
from vocoder.contract import Progress, check_mels


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


class Model(nn.Module):
    """Nothing to learn; a module, so that all vocoders are handled alike."""

    def __init__(self, config: Config, mel: MelConfig):
        super().__init__()
        self.config, self.mel = config, mel

    def vocode(self, mel: torch.Tensor, seed: int = 0, progress: Progress | None = None) -> Waveform:
        """(n_mels, T) -> T * hop_length samples. The seed is that of the first phases."""
        return self.vocode_many([mel], seed, progress)[0]

    def vocode_many(self, mels: list[torch.Tensor], seed: int = 0, progress: Progress | None = None) -> list[Waveform]:
        """See `vocoder.contract`."""
        check_mels(mels, self.mel)
        config = self.config
        magnitudes = [spectrum_of_mel(mel.float(), self.mel, config.mel_iterations) for mel in mels]
        return sounds_of_magnitudes(magnitudes, self.mel, config.iterations, config.momentum, seed, progress)
