"""Pocketsphinx with its own American English sounds and dictionary, and a language model of what might be said.

It is small, offline and old: it mishears real speech too, so its figures mean something only beside those.
"""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from evaluation.language_model import arpa, with_distractors
from evaluation.optional import need
from evaluation.words import words_of
from speech.errors import InputError
from speech.waveform import Waveform

RATE = 16000


def load(model: str | None) -> Pocketsphinx:
    if model:
        raise InputError(f"pocketsphinx takes no model; found {model!r}")
    return Pocketsphinx(need("pocketsphinx", "the word error rate", "pip install pocketsphinx"))


class Pocketsphinx:
    def __init__(self, package):
        self.package = package
        self.name = f"pocketsphinx {version('pocketsphinx')}, bigrams of the texts and ten shuffles of their words"
        lines = Path(package.get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8").splitlines()
        self.spelled: dict[str, list[str]] = {}
        """Lines of the dictionary by word; a second pronunciation is written word(2)."""
        for line in filter(None, lines):
            self.spelled.setdefault(line.split(maxsplit=1)[0].partition("(")[0], []).append(line)
        self._told: tuple[str, ...] = ()
        self._decoder = None

    def knows(self, word: str) -> bool:
        return word in self.spelled

    def transcribe(self, wave: Waveform, texts: list[str]) -> str:
        decoder = self._decoder_of(tuple(texts))
        samples = np.clip(wave.at(RATE).samples, -1, 1)
        decoder.start_utt()
        decoder.process_raw((samples * 32767).astype(np.int16).tobytes(), full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        return heard.hypstr if heard else ""

    def _decoder_of(self, texts: tuple[str, ...]):
        """A decoder told these texts; kept, for the next sound is likely of the same."""
        if self._told != texts:
            sentences = [[word for word in words_of(text) if self.knows(word)] for text in texts]
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "texts.lm"
                path.write_text(arpa(with_distractors([each for each in sentences if each])), encoding="utf-8")
                # Of the dictionary only these words: all of it takes seven seconds to load.
                spelled = Path(folder) / "texts.dict"
                words = sorted({word for sentence in sentences for word in sentence})
                spelled.write_text("\n".join(line for word in words for line in self.spelled[word]), encoding="utf-8")
                # Cepstral means over the whole sound: what was heard before must not matter.
                options = {"lm": str(path), "dict": str(spelled), "cmn": "batch", "loglevel": "FATAL", "samprate": RATE}
                self._decoder = self.package.Decoder(**options)
            self._told = texts
        return self._decoder
