"""What tests of several floors share."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.voices import STAND_INS, voice

SPEAKERS, CLIPS = 12, 3


@pytest.fixture(scope="session", autouse=True)
def memory_is_given_back():
    """Trainings that run within the tests leave this process' memory as the others would have it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.memory.keep_freed_memory", lambda: False)
        yield


@pytest.fixture(scope="session")
def voices_corpus(tmp_path_factory) -> Path:
    """A folder of recordings as a user has it: twelve made speakers, three clips each."""
    folder = tmp_path_factory.mktemp("corpora") / "voices"
    for speaker in range(SPEAKERS):
        for clip in range(CLIPS):
            voice(speaker, 2.4 + 0.2 * clip, take=clip).write(folder / f"s{speaker:02d}" / f"{clip}.wav")
    return folder


@pytest.fixture(scope="session")
def prepared_voices(voices_corpus, tmp_path_factory) -> Path:
    """That corpus prepared for the encoder."""
    from dataclasses import asdict

    from encoder.preprocess import features
    from speech.corpora import read_corpus
    from speech.mel import ENCODER_MEL
    from speech.preparation import prepare

    folder = tmp_path_factory.mktemp("prepared") / "voices"
    work = partial(features, mel=ENCODER_MEL)
    report = prepare(read_corpus(voices_corpus), folder / "encoder", work, {"mel": asdict(ENCODER_MEL)}, jobs=1)
    assert report["left_out"] == {}  # or the made voices do not pass for speech
    return folder


@pytest.fixture
def no_umap(monkeypatch):
    """Pictures at once: UMAP compiles for a quarter of a minute."""
    spec = importlib.util.spec_from_file_location("umap", STAND_INS / "umap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "umap", module)
