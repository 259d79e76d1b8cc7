"""Who listens to the words. One file here is one recognizer, and the folder is the registry: nothing else lists them.

A recognizer is a module with

    load(model: str | None) -> Recognizer       raises Missing where its package is absent, InputError for a bad model

and a Recognizer is any object with the three of `Recognizer` below; `transcribe` is all that hears.
"""

import importlib
import pkgutil
from typing import Protocol

from speech.errors import InputError
from speech.waveform import Waveform


class Recognizer(Protocol):
    name: str
    """With its version and model: figures of two names are not compared."""

    def knows(self, word: str) -> bool:
        """Could it ever answer with this word?"""

    def transcribe(self, wave: Waveform, texts: list[str]) -> str:
        """What is said, in any spelling; `texts` is all that might be, for recognizers that want to be told."""


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_recognizer(choice: str) -> Recognizer:
    """By `name` or `name:model`. Raises InputError, listing the known ones, for another name; Missing for a package."""
    name, _, model = choice.partition(":")
    if name not in names():
        raise InputError(f"there is no recognizer {name!r}; known are: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}").load(model or None)
