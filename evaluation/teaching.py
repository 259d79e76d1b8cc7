"""The synthesizer as in training: each frame from the true ones before it, on transcribed recordings it never heard."""

from __future__ import annotations

import torch

from evaluation.sounds import Row
from speech.mel import log_mel
from speech.trim import trim_ends
from synthesizer.text import encode, pronounce
from training.registry import model_module

LOUDNESS = -24.0
"""Decibels of full scale: what `synthesizer.preprocess` brings recordings to."""
AT_ONCE = 16
MEASURES = ("mel_mse", "mel_mae", "diagonality", "coverage", "stop_error")


def teacher_forced(row: Row, people, cloner, checkpoint) -> dict[str, float]:
    """MEASURES, as far as the model's own task finds them when it validates."""
    task = model_module("synthesizer", checkpoint.name).Task(checkpoint.settings.model, checkpoint.settings.mel)
    network = task.networks["model"].eval()
    network.load_state_dict(cloner.synthesizer.state_dict())
    voices = {
        person.name: torch.from_numpy(cloner.voice([each.audio for each in person.reference]).embedding)
        for person in people
    }
    sounds = sorted((sound for sound in row.sounds if sound.text), key=lambda sound: len(sound.text))
    batches = [
        _batch(sounds[start : start + AT_ONCE], voices, checkpoint.settings) for start in range(0, len(sounds), AT_ONCE)
    ]
    with torch.inference_mode():
        figures = task.validate(batches)
    return {name: figures[name] for name in MEASURES if name in figures} | {"recordings": len(sounds)}


def _batch(sounds, voices: dict[str, torch.Tensor], settings) -> dict[str, torch.Tensor]:
    mel = settings.mel
    texts = [pronounce(sound.text) if settings.model.lexicon else sound.text for sound in sounds]
    tokens = [torch.tensor(encode(text)) for text in texts]
    mels = []
    for sound in sounds:
        wave = trim_ends(sound.wave.at(mel.sample_rate)).at_loudness(LOUDNESS).peak_limited()
        mels.append(log_mel(torch.from_numpy(wave.samples), mel).T)
    return {
        "tokens": torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True),
        "token_lengths": torch.tensor([len(each) for each in tokens]),
        "voices": torch.stack([voices[sound.speaker] for sound in sounds]),
        "mels": torch.nn.utils.rnn.pad_sequence(mels, batch_first=True, padding_value=-11.5),
        "mel_lengths": torch.tensor([len(each) for each in mels]),
    }
