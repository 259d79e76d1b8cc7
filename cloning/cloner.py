"""From a recording and a text to the text in that voice.

cloner = Cloner.load("saved_models/default")
voice = cloner.voice("me.wav")
cloner.clone("Hello.", voice, seed=1).write("hello.wav")
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cloning.joining import finished, join_pieces
from speech.errors import InputError
from speech.mel_config import MelConfig
from speech.voice import Voice
from speech.waveform import Waveform
from synthesizer.synthesis import Synthesis
from synthesizer.text import Piece, split_sentences, unknown_characters
from synthesizer.text.sentences import COMMA
from training.checkpoint import load_model
from training.distributed import pick_device
from training.registry import model_module, model_names, preset

LONGEST_REFERENCE = 600.0
"""Seconds: more tells the encoder nothing new."""
SHORTEST_REFERENCE = 0.5
PIECES_AT_ONCE = 16
"""Sentences synthesized together."""

LONGEST_BEGINNING = 80
"""Characters of a text's first piece, where a mark allows it: the first sound is heard when that piece is made."""

Progress = Callable[[str, int, int], None]
"""Told the stage, how many sentences are done, and of how many, of all texts together. What it raises ends the work."""


@dataclass(frozen=True, eq=False)
class Mels:
    """One text in one voice before the vocoder."""

    pieces: list[Synthesis]
    """The sentences, in order."""
    pauses: list[float]
    """Seconds of silence after each."""
    left_out: list[tuple[str, str]]
    """Characters of the text that could not be spoken, with their names."""
    mel: MelConfig
    """Of the synthesizer: a vocoder must have the same."""
    seconds: float
    """What the synthesizer took, shared evenly among texts made together."""
    seed: int = 0
    """Of the synthesizer's random numbers; the vocoder takes the same."""


@dataclass(frozen=True, eq=False)
class Clone:
    """One text in one voice, and how it came about."""

    wave: Waveform
    pieces: list[Synthesis]
    """The sentences, in order: their mels and alignments."""
    left_out: list[tuple[str, str]]
    """Characters of the text that could not be spoken, with their names."""
    seconds: dict[str, float]
    """What each stage took, shared evenly among texts made together: {"synthesizer": ..., "vocoder": ...}."""

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of sound."""
        return sum(self.seconds.values()) / max(self.wave.seconds, 1e-9)


class Cloner:
    """The three models, loaded and checked against one another."""

    def __init__(self, encoder: nn.Module, synthesizer: nn.Module, vocoder: nn.Module, fingerprint: str):
        self.encoder, self.synthesizer, self.vocoder = encoder, synthesizer, vocoder
        self.fingerprint = fingerprint
        """Of the encoder: voices keep it."""

    @classmethod
    def load(
        cls,
        folder: str | Path = "saved_models/default",
        encoder: str | Path | None = None,
        synthesizer: str | Path | None = None,
        vocoder: str | Path | None = None,
        device: str = "auto",
    ) -> Cloner:
        """Load `folder`/{encoder,synthesizer,vocoder}, or other folders one by one; vocoder may be "griffin_lim".

        Raises InputError if one is missing, broken or of another stage, if the synthesizer learned from another
        encoder's embeddings, or if the mel settings of synthesizer and vocoder differ, field by field.
        """
        chosen = pick_device(device)
        encoder, synthesizer = encoder or Path(folder) / "encoder", synthesizer or Path(folder) / "synthesizer"
        vocoder = vocoder or Path(folder) / "vocoder"
        ears, ears_from = load_model(encoder, "encoder", chosen)
        mouth, mouth_from = load_model(synthesizer, "synthesizer", chosen)
        fingerprint = ears_from.fingerprint
        if mouth_from.extra.get("encoder") != fingerprint:
            raise InputError(
                f"{synthesizer} learned from another encoder's embeddings ({mouth_from.extra.get('encoder')}) "
                f"than those of {encoder} ({fingerprint}); use the encoder it was trained with"
            )
        if str(vocoder) in untrained_vocoders():
            module = model_module("vocoder", str(vocoder))
            return cls(ears, mouth, module.Model(preset(module, None), mouth.mel).to(chosen), fingerprint)
        throat, throat_from = load_model(vocoder, "vocoder", chosen)
        wrong = mouth_from.settings.mel.differences(throat_from.settings.mel)
        if wrong:
            raise InputError(f"{synthesizer} and {vocoder} do not speak of the same mels: {'; '.join(wrong)}")
        return cls(ears, mouth, throat, fingerprint)

    def voice(
        self, reference: str | Path | Waveform | Voice | Sequence, name: str | None = None, text: str | None = None
    ) -> Voice:
        """A voice from a recording, several of one speaker, or a .voice file.

        Raises InputError if a recording cannot be read or holds less than half a second of speech, or if a .voice file
        was made by another encoder.
        """
        if isinstance(reference, Voice):
            return self._own(reference, reference.name)
        if isinstance(reference, str | Path) and Path(reference).suffix == ".voice":
            return self._own(Voice.read(reference), str(reference))
        several = [reference] if isinstance(reference, str | Path | Waveform) else list(reference)
        if not several:
            raise InputError("a voice needs at least one recording; none was given")
        waves, labels = [], []
        for each in several:
            label = "the recording" if isinstance(each, Waveform) else str(each)
            wave = each if isinstance(each, Waveform) else Waveform.read(each, LONGEST_REFERENCE)
            _check_reference(wave, label)
            waves.append(wave)
            labels.append(label)
        embeddings = []
        for wave, label in zip(waves, labels):
            try:
                embeddings.append(self.encoder.embed([wave])[0])
            except InputError as error:
                raise InputError(f"{label} cannot serve as a reference: {error}") from error
        # Longer recordings say more about a voice.
        weights = torch.tensor([wave.seconds for wave in waves])
        embedding = F.normalize((torch.stack(embeddings).float() * weights[:, None]).sum(dim=0), dim=0)
        rate = max(wave.sample_rate for wave in waves)
        first = "voice" if isinstance(several[0], Waveform) else Path(several[0]).stem
        joined = Waveform.join([wave.at(rate) for wave in waves])
        return Voice(name or first, embedding.numpy(), joined, text, self.fingerprint)

    def clone(
        self, text: str | Sequence[str], voice: Voice | Sequence[Voice], seed: int | None = None
    ) -> Waveform | list[Waveform]:
        """Speak a text, or several at once, each in its voice. See `make` for errors and more about the result."""
        if isinstance(text, str):
            return self.make([text], [voice], seed)[0].wave
        voices = [voice] * len(text) if isinstance(voice, Voice) else list(voice)
        return [made.wave for made in self.make(list(text), voices, seed)]

    def make(
        self, texts: list[str], voices: list[Voice], seed: int | None = None, progress: Progress | None = None
    ) -> list[Clone]:
        """Clones with their mels, alignments and timings. Long texts are split at sentences, all made in batches.

        A text gives the same sound alone and among others, for the same seed; without a seed, each call differs.
        Raises InputError if a text has nothing that can be spoken.
        """
        return self._vocode(self.synthesize(texts, voices, seed, progress), progress or _silent)

    def synthesize(
        self, texts: list[str], voices: list[Voice], seed: int | None = None, progress: Progress | None = None
    ) -> list[Mels]:
        """The first half of `make`."""
        if len(texts) != len(voices):
            raise InputError(f"each text needs its voice: {len(texts)} texts, {len(voices)} voices")
        seed = secrets.randbelow(2**31) if seed is None else seed
        split = [self.pieces(text) for text in texts]
        jobs = [(piece.text, self._own(voice, voice.name)) for pieces, voice in zip(split, voices) for piece in pieces]
        began = time.perf_counter()
        syntheses = iter(self._synthesize(jobs, seed, progress or _silent))
        seconds = (time.perf_counter() - began) / max(len(texts), 1)
        return [
            Mels(
                [next(syntheses) for _ in pieces],
                [piece.pause for piece in pieces],
                unknown_characters(text),
                self.synthesizer.mel,
                seconds,
                seed,
            )
            for text, pieces in zip(texts, split)
        ]

    def vocode(self, mels: Mels, progress: Progress | None = None) -> Clone:
        """The second half of `make`. Raises InputError if the mels are not such as the vocoder reads."""
        return self._vocode([mels], progress or _silent)[0]

    def pieces(self, text: str) -> list[Piece]:
        """The sentences of a text as `make` and `stream` say them, and the silence that follows each.

        A long first sentence parts at one of its marks, so that a listener does not wait for all of it.
        Raises InputError if the text has nothing that can be spoken.
        """
        pieces = split_sentences(text)
        if not pieces:
            raise InputError(_nothing_to_say(text))
        return [*_begun_early(pieces[0]), *pieces[1:]]

    def stream(self, text: str, voice: Voice, seed: int | None = None) -> Iterator[Waveform]:
        """The sound of `clone`, a sentence at a time as each is made; joined, the pieces are what `clone` gives.

        Raises InputError, before the first piece, if the text has nothing that can be spoken.
        """
        seed = secrets.randbelow(2**31) if seed is None else seed
        pieces, voice = self.pieces(text), self._own(voice, voice.name)
        return self._stream(pieces, voice, seed)

    def _stream(self, pieces: list[Piece], voice: Voice, seed: int) -> Iterator[Waveform]:
        for index, piece in enumerate(pieces):
            (synthesis,) = self.synthesizer.synthesize([piece.text], [voice], seed=seed)
            yield finished(self.vocoder.vocode(synthesis.mel, seed), piece.pause if index < len(pieces) - 1 else 0.0)

    def _synthesize(self, jobs: list[tuple[str, Voice]], seed: int, progress: Progress) -> list[Synthesis]:
        """All pieces, those of similar length together, so that none waits long for another."""
        order = sorted(range(len(jobs)), key=lambda i: len(jobs[i][0]))
        made: dict[int, Synthesis] = {}
        for start in range(0, len(order), PIECES_AT_ONCE):
            chosen = order[start : start + PIECES_AT_ONCE]
            texts, voices = zip(*(jobs[i] for i in chosen))
            made |= zip(chosen, self.synthesizer.synthesize(list(texts), list(voices), seed=seed))
            progress("synthesizer", len(made), len(jobs))
        return [made[i] for i in range(len(jobs))]

    def _vocode(self, several: list[Mels], progress: Progress) -> list[Clone]:
        """All sentences of texts made together, at once."""
        for wrong in (mels.mel.differences(self.vocoder.mel) for mels in several):
            if wrong:
                raise InputError(f"these mels are not such as the vocoder reads: {'; '.join(wrong)}")
        mels = [synthesis.mel for each in several for synthesis in each.pieces]

        def tell(done: int, total: int) -> None:
            progress("vocoder", len(mels) * done // total, len(mels))

        began = time.perf_counter()
        waves = iter(self.vocoder.vocode_many(mels, several[0].seed if several else 0, tell))
        seconds = (time.perf_counter() - began) / max(len(several), 1)
        return [
            Clone(
                join_pieces([next(waves) for _ in each.pieces], each.pauses),
                each.pieces,
                each.left_out,
                {"synthesizer": each.seconds, "vocoder": seconds},
            )
            for each in several
        ]

    def _own(self, voice: Voice, label: str) -> Voice:
        if voice.encoder != self.fingerprint:
            raise InputError(
                f"{label} was made by another encoder ({voice.encoder}) than the one loaded ({self.fingerprint}); "
                f"make the voice again from its recording"
            )
        return voice


def _begun_early(piece: Piece) -> list[Piece]:
    """A piece in two if it is long and has a mark to part at, where one would pause anyway; else as it is."""
    beginning = split_sentences(piece.text, LONGEST_BEGINNING)[0]
    rest = piece.text[len(beginning.text) :].strip()
    if beginning.pause < COMMA or not piece.text.startswith(beginning.text) or not split_sentences(rest):
        return [piece]
    return [beginning, Piece(rest, piece.pause)]


def _silent(stage: str, done: int, total: int) -> None:
    del stage, done, total


def untrained_vocoders() -> list[str]:
    """Vocoders that need no checkpoint and are chosen by name."""
    return [name for name in model_names("vocoder") if not hasattr(model_module("vocoder", name), "Task")]


def _check_reference(wave: Waveform, label: str) -> None:
    if wave.seconds < SHORTEST_REFERENCE:
        raise InputError(
            f"{label} is {wave.seconds:.2f} s long; a reference needs at least {SHORTEST_REFERENCE} s, better 5 s"
        )
    if not np.isfinite(wave.samples).all():
        raise InputError(f"{label} holds samples that are not numbers; record it again")
    if wave.loudness < -70:
        raise InputError(f"{label} is silent; a reference needs someone speaking")


def _nothing_to_say(text: str) -> str:
    if not text.strip():
        return "the text is empty; give something to say"
    unknown = unknown_characters(text)
    named = ", ".join(f"{character!r} ({name})" for character, name in unknown[:4])
    return f"nothing in the text can be spoken{f': left out {named}' if named else ''}; give words in Latin letters"
