"""A voice and a result, as the two lists of the window hold them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from speech.voice import Voice
from speech.waveform import Waveform
from toolbox.engine import Said
from toolbox.quality import UNGRADED, Quality


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
    whole: Waveform = field(init=False)
    """All recordings, joined."""

    def __post_init__(self):
        rate = max(part.sample_rate for part in self.parts)
        self.whole = Waveform.join([part.at(rate) for part in self.parts])
        self.speaker = self.speaker or self.name

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
