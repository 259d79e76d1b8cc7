"""What every vocoder's Model has in common, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch

from speech.errors import InputError
from speech.mel_config import MelConfig
from speech.waveform import Waveform

Progress = Callable[[int, int], None]
"""Told how much of the work is done, and of how much, in units of the vocoder's own. What it raises ends the work."""


class Vocoder(Protocol):
    """Log mels to sound. tests/vocoder/test_models.py holds every vocoder to this."""

    mel: MelConfig

    def vocode(self, mel: torch.Tensor, seed: int = 0, progress: Progress | None = None) -> Waveform:
        """(n_mels, T >= 1) -> T * hop_length samples in [-1, 1].

        The same mel and seed give the same sound: random numbers, if there are any, come from the seed and never from
        torch's global state. `progress` is told (done, total) at least once, at the end.
        Raises InputError if it is not a mel of the vocoder's kind.
        """

    def vocode_many(self, mels: list[torch.Tensor], seed: int = 0, progress: Progress | None = None) -> list[Waveform]:
        """Several mels (n_mels, T_i) of any lengths at once: for each what `vocode` makes of it alone with this seed,
        but for rounding. None at all give an empty list."""


def check_mels(mels: list[torch.Tensor], config: MelConfig) -> None:
    for mel in mels:
        if mel.ndim != 2 or mel.shape[0] != config.n_mels or not mel.shape[1]:
            raise InputError(f"this vocoder takes a mel of ({config.n_mels}, frames); found {tuple(mel.shape)}")
