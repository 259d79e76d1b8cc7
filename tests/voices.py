"""Made voices: a buzz through formants, swelling like syllables. WebRTC's detector takes them for speech."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from speech.shards import Record, write_shard
from speech.waveform import Waveform
from training.command import parser, run

ROOT = Path(__file__).parents[1]
STAND_INS = Path(__file__).parent / "stand_ins"

TINY_ENCODER = [
    "model.hidden=24", "model.layers=1", "model.embedding=16", "model.partial_frames=40", "model.utterances=3",
    "schedule.batch=8", "schedule.log_every=1", "schedule.validate_every=60", "schedule.warmup=0",
    "schedule.learning_rate=0.01", "schedule.final_learning_rate=0.01", "schedule.bf16=false",
]  # fmt: skip
"""Learns to tell made voices apart in a second."""


def voice(seed: int, seconds: float = 3.0, rate: int = 16000, take: int = 0) -> Waveform:
    """Speaker `seed`, of a pitch and formants of its own, in take `take`."""
    own, rng = np.random.default_rng(seed), np.random.default_rng((seed, take))
    pitch, formants = own.uniform(90, 280), [own.uniform(300, 900), own.uniform(1000, 2200), own.uniform(2400, 3200)]
    time = np.arange(round(seconds * rate)) / rate
    turns = np.cumsum(pitch * (1 + 0.03 * np.sin(2 * np.pi * 4.5 * time + rng.uniform(0, 6)))) / rate
    sound = np.zeros_like(time)
    for harmonic in range(1, int(3600 / pitch)):
        gain = 0.02 / harmonic + sum(1 / (1 + ((harmonic * pitch - formant) / 80) ** 2) for formant in formants)
        sound += gain * np.sin(2 * np.pi * harmonic * turns + rng.uniform(0, 6))
    sound *= 0.55 + 0.45 * np.sin(2 * np.pi * 3.5 * time + rng.uniform(0, 6))
    return Waveform((0.5 * sound / np.abs(sound).max()).astype(np.float32), rate)


def write_sound_corpus(folder: Path, sounds: dict[str, list[Waveform]], name: str = "shard-00000.safetensors") -> Path:
    """A prepared folder as `python -m synthesizer.preprocess` leaves it: int16 samples of {speaker: recordings}."""
    arrays, records, start = [], [], 0
    for speaker, waves in sounds.items():
        for index, wave in enumerate(waves):
            arrays.append(np.round(wave.samples * 32767).astype(np.int16))
            records.append(Record(f"{speaker}-{index}", speaker, start, len(wave.samples), wave.seconds, "Text."))
            start += len(wave.samples)
    metadata = {"settings": {"sample_rate": waves[0].sample_rate}, "left_out": [], "source": []}
    write_shard(folder / "synthesizer" / name, arrays, records, metadata)
    return folder


def words(run_name: str, prepared: Path, models: Path, *settings: str, more=()) -> list[str]:
    """Arguments of encoder_train.py for a tiny encoder."""
    changes = [word for setting in [*TINY_ENCODER, *settings] for word in ("--set", setting)]
    return [run_name, str(prepared), "--models-dir", str(models), "--device", "cpu", *changes, *more]


def train_encoder(run_name: str, prepared: Path, models: Path, *settings: str, more=()) -> Path:
    """What encoder_train.py does, in this process. Returns the run's folder."""
    arguments = parser("encoder", "ge2e", "").parse_args(words(run_name, prepared, models, *settings, more=more))
    assert run(arguments, "encoder") == 0
    return models / run_name / "encoder"


def start_python(*arguments: str, **options) -> subprocess.Popen:
    """A Python of its own in the checkout, one thread, UMAP stood in for."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{STAND_INS}{os.pathsep}{ROOT}"}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, **options)
