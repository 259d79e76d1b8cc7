"""What the window's actions do: the voices, the results and the map, and the jobs that make them. No widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from speech.waveform import Waveform
from toolbox import library
from toolbox.engine import Engine, Heard, Mapper, Models
from toolbox.items import ResultItem, VoiceItem, graded, read_item
from toolbox.worker import CANCELLED, Background, Worker

FEWEST_ON_THE_MAP = 4
MOST_FILES = 200
"""Opened at once from one folder."""


class Session(QObject):
    said = pyqtSignal(str, str)
    """A sentence for the user and its kind: "", "good" or "error"."""
    voices_changed = pyqtSignal(object)
    """The item that came, or None when some went."""
    results_changed = pyqtSignal(object)
    updated = pyqtSignal(object)
    """Something about this item has changed."""
    progressed = pyqtSignal(str, int, int, float)
    """Stage, pieces done, of how many (0 if unknown), real-time factor so far (0 if unknown)."""
    map_changed = pyqtSignal(object, object)
    """Items and their points (N, 2)."""

    def __init__(self, models: Models | None, engine: Worker | None = None, mapper: Worker | None = None):
        """models: what to speak with; None where there are none yet. Workers are started when first needed."""
        super().__init__()
        self.models = models
        self.engine, self.mapper = engine or Worker(Engine, self), mapper or Worker(Mapper, self)
        self.files = Background(self)
        self._own = [self.files, *([] if engine else [self.engine]), *([] if mapper else [self.mapper])]
        self.voices: list[VoiceItem] = []
        self.results: list[ResultItem] = []
        self._on_map: list[VoiceItem | ResultItem] = []
        self._points: dict[object, np.ndarray] = {}
        self._redraw = QTimer(self, singleShot=True, interval=200, timeout=self.project)

    # ---- voices

    def open(self, paths: list[str | Path]) -> None:
        """Sound files, .voice files and folders of them become voices."""
        for path in map(Path, paths):
            if path.is_dir():
                self.files.do(library.sounds, path, done=self._open_all, failed=self.error)
            else:
                self.files.do(read_item, path, done=self.add, failed=self.error)

    def _open_all(self, paths: list[Path]) -> None:
        if not paths:
            self.error("there are no sound files in that folder")
        if len(paths) > MOST_FILES:
            self.said.emit(f"The folder holds {len(paths)} sounds; the first {MOST_FILES} are opened.", "")
        self.open(paths[:MOST_FILES])

    def load(self, utterance, corpus: str) -> None:
        """An utterance of a corpus becomes a voice."""
        own = utterance.id.startswith(utterance.speaker)
        name = utterance.id if own else f"{utterance.speaker} · {utterance.id}"
        self.files.do(
            read_item, utterance.audio, name, f"{corpus}/{utterance.speaker}", done=self.add, failed=self.error
        )

    def add_recording(self, wave: Waveform) -> None:
        number = 1 + sum(item.source == "microphone" for item in self.voices)
        item = VoiceItem(f"Recording {number}", [wave], source="microphone")
        self.files.do(graded, item, done=self.add, failed=self.error)

    def combine(self, items: list[VoiceItem]) -> None:
        """Several recordings of one speaker make one voice."""
        if len(items) < 2:
            return self.error("choose two or more voices in the list, with Ctrl or Shift, to combine them")
        speakers = {item.speaker for item in items}
        name = " + ".join(item.name for item in items[:3]) + (f" + {len(items) - 3} more" if len(items) > 3 else "")
        parts = [part for item in items for part in item.references]
        item = VoiceItem(name, parts, speakers.pop() if len(speakers) == 1 else "", "combined")
        self.files.do(graded, item, done=self.add, failed=self.error)

    def add(self, item: VoiceItem) -> None:
        self.voices.append(item)
        self.voices_changed.emit(item)
        self.hear(item)

    def hear(self, item: VoiceItem) -> None:
        """Have the encoder hear a voice."""

        def done(heard: Heard) -> None:
            if item in self.voices:
                if item.voice and item.voice.encoder != heard.voice.encoder:
                    self.said.emit(f"{item.name} was made by another encoder; it was heard again.", "")
                item.voice, item.mel, item.problem = heard.voice, heard.mel, ""
                self._put_on_map(item)
                self.updated.emit(item)
                afterwards, item.afterwards = item.afterwards, []
                for call in afterwards:
                    call()

        def failed(sentence: str) -> None:
            if item in self.voices:
                item.problem, item.afterwards = sentence, []
                self.updated.emit(item)
            self.error(sentence)

        self._engine("hear", item.name, item.references, item.voice, done=done, failed=failed)

    def trim(self, item: VoiceItem, span: tuple[float, float] | None) -> None:
        """Keep only `span` (seconds of what is heard now), or with None, all again."""
        if span is None:
            item.span = None
        else:
            offset = item.span[0] if item.span else 0.0
            item.span = (offset + span[0], offset + span[1])
        item.voice, item.mel, item.problem = None, None, ""
        self._forget(item)
        self.updated.emit(item)
        self.files.do(graded, item, done=lambda item: (self.updated.emit(item), self.hear(item)), failed=self.error)

    def rename(self, item: VoiceItem, name: str) -> None:
        name = name.strip()
        if not name or name == item.name:
            return self.updated.emit(item)
        if item.speaker == item.name:
            for result in self.results:
                result.speaker = name if result.speaker == item.name else result.speaker
            item.speaker = name
        item.name = name
        item.voice = item.voice and replace(item.voice, name=name)
        self.updated.emit(item)
        self._tell_map()

    def remove(self, items: list[VoiceItem | ResultItem]) -> None:
        for item in items:
            (self.voices if isinstance(item, VoiceItem) else self.results).remove(item)
            self._forget(item)
        self.voices_changed.emit(None)
        self.results_changed.emit(None)

    def save(self, item: VoiceItem, path: str) -> None:
        if item.voice is None:
            return self.error(f"{item.name} cannot be saved yet: {item.problem or 'it is still being listened to'}")
        path = str(Path(path).with_suffix(".voice"))
        self.files.do(item.voice.write, path, done=self._written, failed=self.error)

    # ---- speaking

    def choose(self, models: Models) -> None:
        """Load other models now, to learn at once whether they fit; voices are heard again by another encoder."""
        if models == self.models:
            return
        self.models = models
        self._engine("load", done=self._chosen)

    def _chosen(self, fingerprint: str) -> None:
        self.said.emit("The models are loaded and fit one another.", "good")
        for item in [item for item in self.voices if item.voice is None or item.voice.encoder != fingerprint]:
            item.voice = None
            self._forget(item)
            self.hear(item)
        for result in [item for item in self.results if item.said.encoder != fingerprint]:
            result.said = replace(result.said, embedding=None)  # another encoder's has no place on the map
            self._forget(result)

    def say(self, text: str, item: VoiceItem | None, seed: int, vocode: bool = True) -> None:
        """Say a text in a voice: as sound, or as a mel only."""
        if item is None:
            return self.error("choose a voice first: open a sound file, record one, or load one from a corpus")
        if not text.strip():
            return self.error("the text is empty; write what is to be said")
        if item.voice is None:
            item.afterwards.append(lambda: self.say(text, item, seed, vocode))
            self.said.emit(f"{item.name} is still being listened to; it speaks right afterwards.", "")
            if item.problem:  # which may be mended meanwhile: other models, say
                self.hear(item)
            return
        name, speaker, function = item.name, item.speaker, "say" if vocode else "synthesize"
        self._engine(
            function,
            text,
            item.voice,
            seed,
            done=lambda said: self._result(ResultItem(text, name, speaker, seed, said)),
        )

    def vocode(self, result: ResultItem | None) -> None:
        """Make the sound of a result, anew if it has one, with the vocoder that is chosen now."""
        if result is None:
            return self.error("choose a result whose mel is to be vocoded")
        self._engine("vocode", result.said, done=lambda said: self._result(replace(result, said=said)))

    def _result(self, result: ResultItem) -> None:
        self.results.append(result)
        self._put_on_map(result)
        self.results_changed.emit(result)
        if result.caveats:
            self.said.emit(f"Said, but {result.caveats}.", "")
        elif result.wave:
            parts = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result.said.seconds.items())
            factor = result.real_time_factor
            self.said.emit(f"{result.wave.seconds:.1f} s of speech; real-time factor {factor:.2f} ({parts}).", "good")
        else:
            self.said.emit("The mel is made; Vocode only makes it sound.", "good")

    def export(self, result: ResultItem | None, path: str) -> None:
        if result is None or result.wave is None:
            return self.error("there is no sound to export; choose a result that was vocoded")
        self.files.do(result.wave.write, path, done=self._written, failed=self.error)

    def cancel(self) -> None:
        """End what the models do; if they do nothing, the map."""
        (self.engine if self.engine.is_busy else self.mapper).cancel()

    # ---- the map

    def project(self) -> None:
        """Lay out all embeddings anew, unless that is being done; then afterwards."""
        if len(self._on_map) < FEWEST_ON_THE_MAP:
            return self._tell_map()
        if self.mapper.is_busy:
            return self._redraw.start()
        items = list(self._on_map)

        def done(points: np.ndarray) -> None:
            self._points = dict(zip(items, points))
            self._tell_map()

        self.mapper.do("project", np.stack([item.embedding for item in items]), done=done, failed=self.error)

    def redraw_map(self) -> None:
        """All sounds there are, also those cleared away before."""
        self._on_map = [item for item in (*self.voices, *self.results) if item.embedding is not None]
        if len(self._on_map) < FEWEST_ON_THE_MAP:
            self.said.emit(f"The map needs {FEWEST_ON_THE_MAP} sounds; {len(self._on_map)} were heard so far.", "")
        self.project()

    def clear_map(self) -> None:
        """Begin a new map with the sounds to come."""
        self._on_map, self._points = [], {}
        self._tell_map()

    def _put_on_map(self, item: VoiceItem | ResultItem) -> None:
        if item.embedding is not None and item not in self._on_map:
            self._on_map.append(item)
            self._redraw.start()

    def _forget(self, item: VoiceItem | ResultItem) -> None:
        if item in self._on_map:
            self._on_map.remove(item)
            self._points.pop(item, None)
            self._tell_map()

    def _tell_map(self) -> None:
        items = [item for item in self._on_map if item in self._points]
        self.map_changed.emit(items, np.array([self._points[item] for item in items]).reshape(-1, 2))

    # ---- in general

    def error(self, sentence: str) -> None:
        if sentence == CANCELLED:
            return self.said.emit("Cancelled.", "")
        self.said.emit(sentence[0].upper() + sentence[1:].rstrip(".") + ".", "error")

    def close(self) -> None:
        """Whatever is being worked at ends; workers that were given live on."""
        self._redraw.stop()
        for desk in self._own:
            desk.close()

    def _written(self, path: Path) -> None:
        self.said.emit(f"Written: {path}", "good")

    def _engine(self, function: str, *arguments, done: Callable, failed: Callable | None = None) -> None:
        failed = failed or self.error
        if self.models is None:
            return failed("there are no models; train some, or choose a folder of them with --models-dir")

        def progress(stage: str, pieces: int, total: int, factor: float = 0.0) -> None:
            self.progressed.emit(stage, pieces, total, factor)

        self.engine.do(function, self.models, *arguments, done=done, failed=failed, progress=progress)
