"""Recordings to measure with: a corpus on disk, else speech-like tones. Nothing is downloaded."""

from __future__ import annotations

import itertools
from pathlib import Path

RATE = 16000
SUFFIXES = {".flac", ".opus", ".wav", ".ogg", ".mp3"}


def recordings(folder: Path | None) -> list[Path]:
    """Every sound file below a folder, one of each speaker's folder before any second one."""
    if folder is None:
        return []
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    folders = itertools.groupby(files, lambda path: path.parent)
    places = {path: place for _, folder_files in folders for place, path in enumerate(folder_files)}
    return sorted(files, key=lambda path: (places[path], path))


def read(path: Path):
    """Mono float32 samples at RATE."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(axis=1), rate, RATE)


def tones(seconds: float, seed: int):
    """Something that a voice detector takes for speech: harmonics of a wandering pitch under syllables, and noise."""
    import numpy as np

    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.3, 0.8) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = rng.uniform((400, 1000, 2200), (800, 1800, 3000))
    voice = np.zeros(len(time))
    for harmonic in range(1, 25):
        weight = sum(np.exp(-(((harmonic * pitch - f) / 150) ** 2)) for f in formants) + 0.05
        voice += weight * np.sin(harmonic * phase)
    syllables = 0.1 + np.sin(np.pi * rng.uniform(2, 4) * time) ** 2
    return (0.08 * syllables * (voice + 0.2 * rng.standard_normal(len(time)))).astype(np.float32)


def write_corpus(folder: Path, count: int, source: Path | None, seconds: float = 12.0) -> float:
    """`count` recordings as LibriSpeech lies on disk, two of a speaker where they are made; returns their seconds."""
    found = recordings(source)[:count]
    total = 0.0
    for number in range(count):
        samples = read(found[number]) if number < len(found) else tones(seconds, number)
        speaker = found[number].parents[1].name if number < len(found) else str(90000 + number // 2)
        total += len(samples) / RATE
        _write(folder / speaker / "1" / f"{speaker}-1-{number:04d}.flac", samples)
    return total


def write_clips(folder: Path, count: int, seconds: float, source: Path | None) -> list[str]:
    """`count` recordings of exactly `seconds`."""
    import numpy as np

    found = recordings(source)[:count]
    paths = []
    for number in range(count):
        samples = read(found[number % len(found)]) if found else tones(seconds, number)
        path = folder / f"{number:03d}.wav"
        _write(path, np.resize(samples, int(seconds * RATE)))
        paths.append(str(path))
    return paths


def _write(path: Path, samples) -> None:
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)
