"""Sound as the bytes of a file, in memory."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from cloning import Waveform
from cloning.streaming import pcm16, wav_header
from speech.waveform import UNKNOWN_LENGTH, WRITE_AT_ONCE


@dataclass(frozen=True)
class Format:
    media_type: str
    file: tuple[str, str] | None
    """libsndfile's names of the container and the coding; None for samples alone."""


FORMATS = {
    "wav": Format("audio/wav", ("WAV", "PCM_16")),
    "flac": Format("audio/flac", ("FLAC", "PCM_16")),
    "mp3": Format("audio/mpeg", ("MP3", "MPEG_LAYER_III")),
    "opus": Format("audio/ogg", ("OGG", "OPUS")),
    "pcm": Format("audio/pcm", None),
}
STREAMED = ("wav", "pcm")
"""Those that can be sent before the end is known."""
PCM_RATE = 24_000
"""Hz: what OpenAI's clients expect of samples that say nothing about themselves."""
OPUS_RATE = 48_000


def encode(wave: Waveform, name: str) -> bytes:
    """A whole file of one of FORMATS; pcm is 16-bit little-endian mono at 24 kHz."""
    import soundfile

    if FORMATS[name].file is None:
        return pcm16(wave.at(PCM_RATE))
    container, coding = FORMATS[name].file
    sound = wave.at(OPUS_RATE) if name == "opus" else wave
    samples, content = np.clip(sound.samples, -1, 1), io.BytesIO()
    with soundfile.SoundFile(content, "w", sound.sample_rate, 1, coding, format=container) as file:
        for start in range(0, len(samples), WRITE_AT_ONCE):
            file.write(samples[start : start + WRITE_AT_ONCE])
    return content.getvalue()


def beginning(name: str, sample_rate: int) -> bytes:
    """What a stream of one of STREAMED begins with: of wav, a header that promises more than will ever come."""
    if name == "pcm":
        return b""
    return wav_header(sample_rate, UNKNOWN_LENGTH)


def piece(wave: Waveform, name: str) -> bytes:
    """One sentence of a stream of one of STREAMED."""
    return pcm16(wave.at(PCM_RATE) if name == "pcm" else wave)
