"""What the synthesizer's tests share: a tiny network, and a corpus of tones that spell."""

from pathlib import Path

import numpy as np
import torch

from speech.mel import MelConfig
from speech.shards import Record, Shard, write_shard
from speech.voice import Voice
from speech.waveform import Waveform
from synthesizer.models.tacotron2 import Config, Model
from training.command import parser, run

RATE = 22050
TINY = Config(
    token_dim=16, encoder_layers=1, prenet_dim=16, lstm_dim=24, attention_dim=12, location_channels=4,
    location_kernel=7, postnet_dim=16, postnet_layers=2, reduction=((0, 2),),
)  # fmt: skip
SETTINGS = [
    "model.token_dim=16", "model.encoder_layers=1", "model.prenet_dim=16", "model.lstm_dim=24",
    "model.attention_dim=12", "model.location_channels=4", "model.location_kernel=7", "model.postnet_dim=16",
    "model.postnet_layers=2", "model.align_by=100000", "schedule.batch=4", "schedule.warmup=0",
    "schedule.learning_rate=0.01", "schedule.final_learning_rate=0.01", "schedule.log_every=1",
]  # fmt: skip
"""TINY, and a run that learns in seconds."""
TEXTS = ("One boat.", "Two old boats.", "A red house.", "Who was there?", "No one at all.", "Rain, rain.")


def tiny(seed: int = 0, config: Config = TINY) -> Model:
    """An untrained network, in evaluation mode; its batch norms have seen something, as if trained."""
    torch.manual_seed(seed)
    model = Model(config, MelConfig())
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
    return model.eval()


def made_voice(seed: int) -> Voice:
    embedding = np.random.default_rng(seed).normal(size=256).astype(np.float32)
    return Voice("made", embedding / np.linalg.norm(embedding), Waveform.silence(0.1, RATE))


def spell(text: str, pitch: float) -> np.ndarray:
    """(samples,) int16: 60 ms of a tone for each character, of a height that the character says."""
    time = np.arange(round(0.06 * RATE)) / RATE
    tones = [np.sin(2 * np.pi * (pitch + 40 * (ord(character) % 32)) * time) for character in text]
    return np.round(8000 * np.concatenate(tones)).astype(np.int16)


def write_spelled(folder: Path, clips: int = 12, encoder: str = "e1", rate: int = RATE) -> Path:
    """A prepared folder of two shards as `synthesizer.preprocess` and `encoder.embed` leave it; two speakers."""
    for number in range(2):
        records, sounds, start = [], [], 0
        for clip in range(number, clips, 2):
            text, speaker = TEXTS[clip % len(TEXTS)], f"s{clip % 4 // 2}"
            sounds.append(spell(text, 200 if speaker == "s0" else 320))
            seconds = len(sounds[-1]) / rate
            records.append(Record(f"{speaker}-{clip}", speaker, start, len(sounds[-1]), seconds, text))
            start += len(sounds[-1])
        metadata = {"settings": {"sample_rate": rate}, "left_out": [], "source": []}
        write_shard(folder / "synthesizer" / f"shard-{number:05d}.safetensors", sounds, records, metadata)
        write_embeddings(folder, number, encoder)
    return folder


def write_embeddings(folder: Path, number: int, encoder: str, ids: list[str] | None = None) -> Path:
    """What `encoder.embed` writes beside one shard."""
    path = folder / "synthesizer" / f"shard-{number:05d}.safetensors"
    records = Shard(path).records
    rows = np.stack([made_voice(int(record.speaker[1:])).embedding for record in records])
    out = path.with_name(path.name.replace("shard", "embeddings"))
    write_shard(out, [rows], [], {"ids": ids or [record.id for record in records], "encoder": encoder})
    return out


def train_tiny(name: str, prepared: Path, models: Path, *settings: str, more: tuple[str, ...] = ()) -> Path:
    """What synthesizer_train.py does, in this process. Returns the run's folder."""
    changes = [word for setting in [*SETTINGS, *settings] for word in ("--set", setting)]
    words = [name, str(prepared), "--models-dir", str(models), "--device", "cpu", *changes, *more]
    assert run(parser("synthesizer", "tacotron2", "").parse_args(words), "synthesizer") == 0
    return models / name / "synthesizer"
