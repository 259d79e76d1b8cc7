"""Prepared corpora of tones: made speech enough for a vocoder to learn something of in seconds."""

from pathlib import Path

import numpy as np
import pytest

from speech.shards import Record, write_shard

RATE = 22050


def tone(hertz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """A buzzing tone (N,) int16, louder and softer three times a second."""
    time = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 12))
    return np.round(sound * (0.6 + 0.4 * np.sin(6 * np.pi * time)) * 6000).astype(np.int16)


def write_corpus(folder: Path, sounds: dict[str, list[np.ndarray]], rate: int = RATE, stage: str = "vocoder") -> Path:
    """A prepared folder with one shard; sounds: {speaker: [samples]}."""
    arrays, records, start = [], [], 0
    for speaker, clips in sounds.items():
        for index, samples in enumerate(clips):
            records.append(Record(f"{speaker}-{index}", speaker, start, len(samples), len(samples) / rate))
            arrays.append(samples)
            start += len(samples)
    metadata = {"settings": {"sample_rate": rate}, "left_out": [], "source": []}
    write_shard(folder / stage / "shard-00000.safetensors", arrays, records, metadata)
    return folder


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Path:
    """Ten speakers, each of one pitch, two clips a speaker."""
    sounds = {f"s{i}": [tone(110 + 25 * i, 1.1), tone(110 + 25 * i, 0.7)] for i in range(10)}
    return write_corpus(tmp_path_factory.mktemp("prepared") / "tones", sounds)
