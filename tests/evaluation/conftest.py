"""A corpus of made voices with transcripts, tiny untrained models, and one whole evaluation of them."""

import importlib.util
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from encoder.models import ge2e
from evaluation import hard_texts, run, speed
from evaluation.loading import Settings
from evaluation.run import evaluate
from synthesizer.models import tacotron2
from tests.cloning.conftest import SYNTHESIZER, VOCODER, write_checkpoint
from tests.voices import STAND_INS
from vocoder.models import hifigan

TEXTS = ("Good day.", "Come in.", "Not now.")


@pytest.fixture(scope="session")
def stages(tmp_path_factory) -> Path:
    """encoder/, synthesizer/, vocoder/ and a judge/ that is another encoder."""
    root = tmp_path_factory.mktemp("stages")
    encoder = write_checkpoint(root / "encoder", "encoder", "ge2e", ge2e, ge2e.Config(hidden=16, layers=1))
    extra = {"encoder": encoder.fingerprint}
    write_checkpoint(root / "synthesizer", "synthesizer", "tacotron2", tacotron2, SYNTHESIZER, extra)
    write_checkpoint(root / "vocoder", "vocoder", "hifigan", hifigan, VOCODER)
    write_checkpoint(root / "judge", "encoder", "ge2e", ge2e, ge2e.Config(hidden=20, layers=1))
    return root


@pytest.fixture(scope="session")
def transcribed(voices_corpus, tmp_path_factory) -> Path:
    """Four of the made speakers, with something they might have said."""
    root = tmp_path_factory.mktemp("transcribed") / "voices"
    for speaker in sorted(voices_corpus.iterdir())[:4]:
        shutil.copytree(speaker, root / speaker.name)
        for clip, text in zip(sorted((root / speaker.name).glob("*.wav")), TEXTS):
            clip.with_suffix(".txt").write_text(text)
    return root


class Parrot:
    """A recognizer that is done at once: whatever it hears, it says the first text it was told."""

    name = "parrot"

    def knows(self, word: str) -> bool:
        return True

    def transcribe(self, wave, texts: list[str]) -> str:
        return texts[0]


@pytest.fixture(scope="module")
def patched(module_monkeypatch) -> None:
    """What takes long, in short: hard texts, UMAP, a process to time, a recognizer."""
    load = run.load_recognizer
    spec = importlib.util.spec_from_file_location("umap", STAND_INS / "umap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module_monkeypatch.setitem(sys.modules, "umap", module)
    module_monkeypatch.setattr(
        hard_texts, "hard_texts", lambda: [("one word", "Yes."), ("three words", "Not this time.")]
    )
    module_monkeypatch.setattr(run, "load_recognizer", lambda choice: Parrot() if choice == "parrot" else load(choice))
    module_monkeypatch.setattr(speed, "TEXTS", ("Yes.",))
    module_monkeypatch.setattr(speed, "measure", lambda *paths: speed.clone_and_time(*map(str, paths)))


@pytest.fixture(scope="module")
def module_monkeypatch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def settings(stages, transcribed) -> Settings:
    folders = {stage: str(stages / stage) for stage in ("encoder", "synthesizer", "judge")}
    return Settings(
        (str(transcribed),),
        **folders,
        vocoders=(str(stages / "vocoder"),),
        recognizer="parrot",
        speakers=2,
        sentences=1,
        seed=0,
    )


@pytest.fixture(scope="module")
def evaluated(settings, patched, tmp_path_factory) -> tuple[dict, Path]:
    """(facts, folder) of a whole evaluation."""
    out = tmp_path_factory.mktemp("report")
    return evaluate(settings, out), out


@pytest.fixture
def quick(settings, patched, monkeypatch):
    """An evaluation of other settings, without what has nothing to do with them: call it with them and a folder."""
    monkeypatch.setattr(hard_texts, "hard_texts", lambda: [("one word", "Yes.")])

    return lambda out, **changes: evaluate(replace(settings, **changes), out)
