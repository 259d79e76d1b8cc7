"""Whisper (arXiv 2212.04356) from a local folder, by the package transformers: `--recognizer whisper:FOLDER`.

The folder is one as transformers saves it (config.json, model.safetensors, ...). Nothing is fetched.
"""

from __future__ import annotations

from pathlib import Path

from evaluation.optional import need
from speech.errors import InputError
from speech.waveform import Waveform

RATE = 16000


def load(model: str | None) -> Whisper:
    if model is None or not (Path(model) / "config.json").is_file():
        raise InputError(
            f"whisper needs a model's folder with its config.json, as in --recognizer whisper:FOLDER; found {model}"
        )
    package = need("transformers", "Whisper", "pip install transformers")
    return Whisper(package, model)


class Whisper:
    def __init__(self, package, model: str):
        self.name = f"whisper ({Path(model).name})"
        options = {"local_files_only": True}
        try:
            self.processor = package.AutoProcessor.from_pretrained(model, **options)
            network = package.AutoModelForSpeechSeq2Seq.from_pretrained(model, use_safetensors=True, **options)
        except (OSError, ValueError) as error:
            raise InputError(f"{model} is no Whisper model that can be read: {str(error).splitlines()[0]}") from error
        self.network = network.eval()

    def knows(self, word: str) -> bool:
        return True

    def transcribe(self, wave: Waveform, texts: list[str]) -> str:
        samples = wave.at(RATE).samples
        features = self.processor(samples, sampling_rate=RATE, return_tensors="pt").input_features
        tokens = self.network.generate(features, max_new_tokens=200)
        return self.processor.batch_decode(tokens, skip_special_tokens=True)[0]
