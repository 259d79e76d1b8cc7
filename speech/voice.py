"""A voice: what the speaker encoder made of someone's recordings, and the recording itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speech.errors import InputError
from speech.files import whole_file
from speech.shards import read_header
from speech.waveform import Waveform


@dataclass(frozen=True, eq=False)
class Voice:
    name: str
    embedding: np.ndarray
    """(256,) float32, unit length."""
    reference: Waveform
    """The recording it was made from; of several, joined."""
    text: str | None = None
    """What is said in the reference, if known."""
    encoder: str = ""
    """Fingerprint of the encoder that made the embedding: to a synthesizer, another encoder's mean nothing."""

    def write(self, path: str | Path) -> Path:
        """Write to one .voice file (safetensors), whole or not at all."""
        from safetensors.numpy import save_file

        path = Path(path)
        tensors = {"embedding": self.embedding.astype(np.float32), "reference": self.reference.samples}
        facts = {"kind": "voice", "name": self.name, "text": self.text, "encoder": self.encoder}
        facts["sample_rate"] = self.reference.sample_rate
        with whole_file(path) as beside:
            save_file(tensors, beside, metadata={key: json.dumps(value) for key, value in facts.items()})
        return path

    @classmethod
    def read(cls, path: str | Path) -> Voice:
        """Raises InputError if the file is not a whole .voice file."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(path)
        header = read_header(path)
        try:
            facts = {k: json.loads(v) for k, v in header.get("__metadata__", {}).items()}
            tensors = load_file(path)
            reference = Waveform(tensors["reference"], facts["sample_rate"])
            return cls(facts["name"], tensors["embedding"], reference, facts["text"], facts["encoder"])
        except (SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path} is not a voice that Timbre wrote, or is truncated ({error})") from error
