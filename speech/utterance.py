"""One recording and what is known of it: what corpus readers yield and manifests hold."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Utterance:
    id: str
    """Unique within its corpus."""
    audio: Path
    speaker: str
    text: str | None = None
    """What is said, as the corpus writes it; None where there is no transcript."""
    language: str = "en"
    emotion: str | None = None
    split: str = "train"
    """The part of the corpus it belongs to, as the corpus names it (`train-clean-100`, `dev`, ...)."""
    seconds: float | None = None
    """Length where the corpus states it; no audio is opened to find out."""
