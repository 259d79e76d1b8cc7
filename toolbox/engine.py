"""What runs in the worker processes: the models of one Cloner, and UMAP.

Answers are plain numpy, for the window never imports torch.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from speech.errors import InputError
from speech.mel_config import MelConfig
from speech.voice import Voice
from speech.waveform import Waveform

MOST_COLUMNS = 1600
"""Of a picture: no screen shows more."""


@dataclass(frozen=True)
class Models:
    """Which checkpoints to use: folders, and for the vocoder also the name of one that needs none."""

    encoder: str
    synthesizer: str
    vocoder: str
    device: str = "auto"


@dataclass(frozen=True, eq=False)
class Heard:
    """What the encoder made of a recording, and the picture of it."""

    voice: Voice
    mel: np.ndarray
    """(n_mels, T) log mel, thinned out to what can be seen."""


@dataclass(frozen=True, eq=False)
class Sentence:
    """A `synthesizer.Synthesis` and the pause after it, without torch."""

    text: str
    mel: np.ndarray
    alignment: np.ndarray
    words: list[tuple[int, int]]
    finished: bool
    pause: float


@dataclass(frozen=True, eq=False)
class Said:
    """A text as mels, and when it was vocoded, as sound."""

    sentences: tuple[Sentence, ...]
    config: MelConfig
    left_out: list[tuple[str, str]]
    mel: np.ndarray
    """(n_mels, T) of all sentences, thinned out to what can be seen."""
    alignment: np.ndarray
    """(steps, tokens) of all sentences, 0 to 255, thinned out."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What each stage took."""
    wave: Waveform | None = None
    embedding: np.ndarray | None = None
    """What the encoder hears in the sound; None where there is too little of it."""
    encoder: str = ""
    """The fingerprint of that encoder."""


class Engine:
    """One Cloner, loaded when first needed and again when other models are chosen."""

    def __init__(self):
        self._cloner = None
        self._models: Models | None = None

    def load(self, models: Models, report) -> str:
        """Load and check the models. Returns the encoder's fingerprint."""
        return self._load(models, report).fingerprint

    def hear(self, models: Models, name: str, waves: list[Waveform], voice: Voice | None, report) -> Heard:
        """A voice from recordings of one speaker; or `voice`, if this encoder made it."""
        cloner = self._load(models, report)
        report("listening", 0, 0)
        if voice is None or voice.encoder != cloner.fingerprint:
            voice = cloner.voice(waves, name)
        return Heard(voice, _picture(voice.reference, cloner.synthesizer.mel))

    def say(self, models: Models, text: str, voice: Voice, seed: int, report) -> Said:
        """Synthesize and vocode."""
        return self.vocode(models, self.synthesize(models, text, voice, seed, report), report)

    def synthesize(self, models: Models, text: str, voice: Voice, seed: int, report) -> Said:
        cloner = self._load(models, report)
        if voice.encoder != cloner.fingerprint:  # another encoder's; the recording is there to be heard again
            voice = cloner.voice(voice.reference, voice.name)
        report("synthesizing", 0, 0)

        def tell(stage: str, done: int, total: int) -> None:
            report("synthesizing", done, total)

        (mels,) = cloner.synthesize([text], [voice], seed, tell)
        from cloning.pictures import side_by_side

        sentences = tuple(
            Sentence(piece.text, piece.mel.numpy(), piece.alignment, piece.words, piece.finished, pause)
            for piece, pause in zip(mels.pieces, mels.pauses)
        )
        alignment = side_by_side([sentence.alignment for sentence in sentences])
        return Said(
            sentences,
            mels.mel,
            mels.left_out,
            thinned(np.concatenate([sentence.mel for sentence in sentences], axis=1)),
            (thinned(thinned(alignment).T).T * 255).astype(np.uint8),
            {"synthesizer": mels.seconds},
        )

    def vocode(self, models: Models, said: Said, report) -> Said:
        """The same text with sound, by the vocoder of `models`."""
        cloner = self._load(models, report)
        frames = np.cumsum([sentence.mel.shape[1] for sentence in said.sentences]) / said.config.frames_per_second
        began = time.perf_counter()
        report("vocoding", 0, len(frames))

        def tell(stage: str, done: int, total: int) -> None:
            report("vocoding", done, total, (time.perf_counter() - began) / frames[done - 1] if done else 0.0)

        clone = cloner.vocode(_mels(said), tell)
        try:
            embedding = cloner.voice(clone.wave).embedding
        except InputError:
            embedding = None
        return replace(said, wave=clone.wave, seconds=clone.seconds, embedding=embedding, encoder=cloner.fingerprint)

    def _load(self, models: Models, report):
        if self._models != models:
            report("loading the models", 0, 0)
            from cloning import Cloner

            chosen = [models.encoder, models.synthesizer, models.vocoder]
            self._cloner = Cloner.load(Path(), *chosen, device=models.device)
            self._models = models
        return self._cloner


class Mapper:
    """UMAP, which takes seconds to start and to compile."""

    def project(self, embeddings: np.ndarray, report) -> np.ndarray:
        """(N, C) embeddings as (N, 2) points."""
        report("drawing the map", 0, 0)
        from tqdm import tqdm

        from encoder.projection import project

        tqdm.set_lock(threading.RLock())  # instead of one among processes, which would outlive this one

        return np.asarray(project(embeddings), float)


def thinned(picture: np.ndarray) -> np.ndarray:
    """No more than MOST_COLUMNS columns: of neighbors, the brightest."""
    step = -(-picture.shape[1] // MOST_COLUMNS)
    return picture if step == 1 else np.maximum.reduceat(picture, np.arange(0, picture.shape[1], step), axis=1)


def _picture(wave: Waveform, config: MelConfig) -> np.ndarray:
    import torch

    from speech.mel import log_mel

    return thinned(log_mel(torch.from_numpy(wave.at(config.sample_rate).samples), config).numpy())


def _mels(said: Said):
    import torch

    from cloning import Mels
    from synthesizer.synthesis import Synthesis

    pieces = [
        Synthesis(each.text, torch.from_numpy(each.mel), each.alignment, each.words, each.finished)
        for each in said.sentences
    ]
    return Mels(
        pieces, [each.pause for each in said.sentences], said.left_out, said.config, said.seconds["synthesizer"]
    )
