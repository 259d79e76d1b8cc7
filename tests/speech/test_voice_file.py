import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from speech.errors import InputError
from speech.voice import Voice
from tests.voices import voice


def make() -> Voice:
    embedding = np.random.default_rng(0).standard_normal(256).astype(np.float32)
    return Voice("Zoë", embedding / np.linalg.norm(embedding), voice(1, 0.5), "Hello.", "abc123")


def test_round_trip(tmp_path):
    one = make()
    other = Voice.read(one.write(tmp_path / "new/zoe.voice"))
    assert (other.name, other.text, other.encoder) == ("Zoë", "Hello.", "abc123")
    np.testing.assert_array_equal(other.embedding, one.embedding)
    np.testing.assert_array_equal(other.reference.samples, one.reference.samples)
    assert other.reference.sample_rate == 16000
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["zoe.voice"]


def test_a_text_need_not_be_known(tmp_path):
    one = make()
    assert Voice.read(Voice("a", one.embedding, one.reference).write(tmp_path / "a.voice")).text is None


def foreign(path):
    """A safetensors file of someone else's, whose metadata is not JSON."""
    save_file({"weight": np.zeros(3)}, path, metadata={"format": "pt"})


def listed(path):
    header = json.dumps([]).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


BAD = {
    "missing": lambda path: None,
    "folder": lambda path: path.mkdir(),
    "empty": lambda path: path.touch(),
    "text": lambda path: path.write_text("not a voice " * 20),
    "cut": lambda path: (make().write(path), path.write_bytes(path.read_bytes()[:-100])),
    "cut header": lambda path: (make().write(path), path.write_bytes(path.read_bytes()[:100])),
    "sound": lambda path: (make().reference.write(path.with_suffix(".wav")), path.with_suffix(".wav").rename(path)),
    "no metadata": lambda path: save_file({"embedding": np.zeros(256)}, path),
    "someone else's": foreign,
    "a list": listed,
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files(tmp_path, kind):
    path = tmp_path / "a.voice"
    BAD[kind](path)
    with pytest.raises(InputError, match=r"a\.voice"):
        Voice.read(path)
