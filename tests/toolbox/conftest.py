"""The real window without a screen, tiny models in a real worker process, a stand-in for PortAudio and UMAP."""

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before any QApplication is made

from PyQt5.QtCore import QSettings

from tests.cloning.conftest import models, reference, speechlike  # noqa: F401  (fixtures)
from tests.voices import STAND_INS
from toolbox.engine import Engine, Mapper
from toolbox.window import Window
from toolbox.worker import Worker

WAIT = 30_000
"""Milliseconds; a busy machine is slow."""


class FakePortAudio:
    """A microphone that hears `heard`, again and again, and a speaker that remembers what it `played`."""

    def __init__(self, heard: np.ndarray | None = None, rate: int = 16000, microphone=True, speaker=True):
        self.heard, self.rate = heard, rate
        self.played: list[np.ndarray] = []
        names = [("Fake microphone", 1, 0)] * microphone + [("Fake speaker", 0, 2)] * speaker
        self.devices = [
            {"name": name, "index": index, "default_samplerate": float(rate)}
            | {"max_input_channels": inputs, "max_output_channels": outputs}
            for index, (name, inputs, outputs) in enumerate(names)
        ]

    def query_devices(self, device=None, kind=None):
        if kind is None:
            return self.devices
        return next(each for each in self.devices if each[f"max_{kind}_channels"] and device in (None, each["name"]))

    def InputStream(self, samplerate, channels, dtype, device, callback):
        blocks = [self.heard[i : i + 800, None] for i in range(0, len(self.heard) - 799, 800)]
        return FakeStream(lambda turn: callback(blocks[turn % len(blocks)], 800, None, None))

    def OutputStream(self, samplerate, channels, dtype, device, callback):
        def turn(_):
            block = np.zeros((800, channels), np.float32)
            callback(block, 800, None, None)
            self.played.append(block[:, 0])

        return FakeStream(turn)


class FakeStream:
    """Turns a hundred times faster than sound."""

    def __init__(self, turn):
        self._turn, self._over = turn, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        count = 0
        while not self._over.wait(0.0005):
            self._turn(count)
            count += 1

    def start(self):
        self._thread.start()

    def stop(self):
        self._over.set()
        self._thread.join()

    def close(self):
        pass


@pytest.fixture(scope="session")
def workers(qapp):
    """The two processes, shared by all windows: to start one takes seconds. UMAP is stood in for."""
    sys.path.insert(0, str(STAND_INS))  # spawned processes get it
    engine, mapper = Worker(Engine), Worker(Mapper)
    yield engine, mapper
    engine.close()
    mapper.close()
    sys.path.remove(str(STAND_INS))


@pytest.fixture
def portaudio() -> FakePortAudio:
    return FakePortAudio(speechlike(3.0).samples)


@pytest.fixture
def corpora(tmp_path) -> Path:
    """A datasets root with one corpus: two speakers, two clips each."""
    root = tmp_path / "datasets"
    for speaker in ("anna", "ben"):
        for clip in range(2):
            path = root / "mine" / speaker / f"{clip}.wav"
            speechlike(2.0, 110 + 90 * (speaker == "anna"), seed=clip).write(path)
            path.with_suffix(".txt").write_text(f"clip {clip} of {speaker}")
    return root


@pytest.fixture
def open_window(qtbot, workers, models, corpora, portaudio, tmp_path):  # noqa: F811
    """Opens a window; its settings lie in tmp_path, so that a second one finds those of the first."""
    QSettings.setPath(QSettings.IniFormat, QSettings.UserScope, str(tmp_path / "settings"))
    opened = []

    def call(**options) -> Window:
        engine, mapper = workers
        given = {"engine": engine, "mapper": mapper, "portaudio": portaudio, "device": "cpu"} | options
        made = Window(given.pop("datasets_root", corpora), given.pop("models_dir", models), **given)
        qtbot.addWidget(made)
        made.show()
        qtbot.waitUntil(
            lambda: not made.sound.no_microphone or "looked for" not in made.sound.no_microphone, timeout=WAIT
        )
        opened.append(made)
        return made

    yield call
    for made in opened:
        made.close()
    for worker in workers:
        worker.cancel()
        qtbot.waitUntil(lambda worker=worker: not worker.is_busy, timeout=WAIT)


@pytest.fixture
def window(open_window) -> Window:
    return open_window()
