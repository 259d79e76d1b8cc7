"""Sentences made one by one, joined as one would say them."""

from __future__ import annotations

import numpy as np

from speech.trim import trim_ends
from speech.waveform import Waveform

FADE_SECONDS = 0.005
LOUDNESS, PEAK = -22.0, 0.97
"""Decibels of full scale every piece is brought to, and the highest sample allowed."""


def join_pieces(waves: list[Waveform], pauses: list[float]) -> Waveform:
    """The pieces, finished, with `pauses` seconds of silence after each but the last."""
    return Waveform.join([finished(wave, pause) for wave, pause in zip(waves, [*pauses[:-1], 0.0])])


def finished(wave: Waveform, pause: float) -> Waveform:
    """One piece as it is heard: trimmed, of an even loudness, its ends faded, `pause` seconds of silence after it."""
    trimmed = trim_ends(wave, margin=0.04)
    piece = faded(trimmed if len(trimmed.samples) else wave).at_loudness(LOUDNESS).peak_limited(PEAK)
    return Waveform.join([piece, Waveform.silence(pause, wave.sample_rate)]) if pause else piece


def faded(wave: Waveform) -> Waveform:
    """With a few milliseconds of rise and fall, so that no piece begins or ends with a click."""
    length = min(round(FADE_SECONDS * wave.sample_rate), len(wave.samples) // 2)
    ramp = np.ones(len(wave.samples), np.float32)
    if length:
        ramp[:length] = np.linspace(0, 1, length, dtype=np.float32)
        ramp[-length:] = ramp[:length][::-1]
    return Waveform(wave.samples * ramp, wave.sample_rate)
