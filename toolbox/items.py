"""A voice and a result, as the two lists of the window hold them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from speech.errors import InputError
from speech.voice import Voice
from speech.waveform import Waveform
from toolbox.engine import Said
from toolbox.quality import UNGRADED, Quality, judge

LONGEST_REFERENCE = 600.0
"""Seconds; as cloning has it."""


@dataclass(eq=False)
class VoiceItem:
    """Somebody who can be imitated."""

    name: str
    parts: list[Waveform]
    """The recordings it is made of."""
    speaker: str = ""
    """Whose dots on the map have one color; the name unless a corpus says otherwise."""
    source: str = ""
    """Where it comes from, to be shown."""
    span: tuple[float, float] | None = None
    """Seconds of `whole` that are kept, once trimmed."""
    quality: Quality = UNGRADED
    voice: Voice | None = None
    """None until the encoder has heard it."""
    mel: np.ndarray | None = None
    problem: str = ""
    """Why the encoder cannot hear it."""
    afterwards: list[Callable] = field(default_factory=list)
    """What is to be done once the encoder has heard it."""
    whole: Waveform = field(init=False)
    """All recordings, joined."""

    def __post_init__(self):
        rate = max(part.sample_rate for part in self.parts)
        self.whole = Waveform.join([part.at(rate) for part in self.parts])
        self.speaker = self.speaker or self.name

    @property
    def title(self) -> str:
        return self.name

    @property
    def hint(self) -> str:
        """For a dot on the map."""
        return f"{self.name}\n{self.speaker}, recorded"

    @property
    def wave(self) -> Waveform:
        """What is heard: all, or what trimming kept."""
        if self.span is None:
            return self.whole
        rate = self.whole.sample_rate
        start, stop = (round(seconds * rate) for seconds in self.span)
        return Waveform(self.whole.samples[start:stop], rate)

    @property
    def references(self) -> list[Waveform]:
        """What the encoder is to hear."""
        return self.parts if self.span is None else [self.wave]

    @property
    def embedding(self) -> np.ndarray | None:
        return self.voice.embedding if self.voice else None


@dataclass(eq=False)
class ResultItem:
    """Something said in a voice."""

    text: str
    name: str
    """Of the voice."""
    speaker: str
    seed: int
    said: Said

    @property
    def title(self) -> str:
        return " ".join(self.text.split())

    @property
    def hint(self) -> str:
        return f"{self.title[:60]}\nmade in the voice of {self.name}"

    @property
    def wave(self) -> Waveform | None:
        return self.said.wave

    @property
    def embedding(self) -> np.ndarray | None:
        return self.said.embedding

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work for a second of sound; None before there is sound."""
        return sum(self.said.seconds.values()) / max(self.wave.seconds, 1e-9) if self.wave else None

    @property
    def caveats(self) -> str:
        """What the listener should know, or nothing."""
        told = []
        if self.said.left_out:
            named = ", ".join(f"{character!r} ({name.lower()})" for character, name in self.said.left_out[:4])
            told.append(f"left out {named}")
        cut = sum(not sentence.finished for sentence in self.said.sentences)
        if cut:
            told.append(f"{cut} of {len(self.said.sentences)} sentences did not end by themselves and were cut off")
        return "; ".join(told)


def read_item(path: Path, name: str = "", speaker: str = "") -> VoiceItem:
    """A voice from a sound file or a .voice file, graded. Raises InputError if it cannot be read."""
    if path.suffix.lower() == ".voice":
        voice = Voice.read(path)
        if not isinstance(voice.name, str) or not len(voice.reference.samples):
            raise InputError(f"{path} holds no recording of its voice; make it again")
        return graded(VoiceItem(voice.name or path.stem, [voice.reference], speaker, str(path), voice=voice))
    return graded(VoiceItem(name or path.stem, [Waveform.read(path, LONGEST_REFERENCE)], speaker, str(path)))


def graded(item: VoiceItem) -> VoiceItem:
    item.quality = judge(item.wave)
    return item
