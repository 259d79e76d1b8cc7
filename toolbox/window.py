"""The window: panels side by side, actions connected, what is remembered, files dropped in and dragged out."""

from __future__ import annotations

import re
import tempfile
from collections import deque
from itertools import pairwise
from pathlib import Path

from PyQt5.QtCore import QMimeData, QSettings, Qt, QTimer
from PyQt5.QtWidgets import QApplication, QFileDialog, QLabel, QMainWindow, QSplitter, QVBoxLayout, QWidget

from speech.corpora.files import AUDIO_SUFFIXES
from speech.errors import InputError
from toolbox import library
from toolbox.actions import build
from toolbox.finder_panel import FinderPanel
from toolbox.items import ResultItem, VoiceItem
from toolbox.map_panel import MapPanel
from toolbox.plots import WaveView
from toolbox.rows import as_files
from toolbox.session import Session
from toolbox.sound import DEFAULT, Sound
from toolbox.speak_panel import ResultsPanel, SpeakPanel
from toolbox.voice_map import save_picture
from toolbox.voices_panel import VoicesPanel
from toolbox.worker import Worker

SMALLEST_TEXT, LARGEST_TEXT = 7, 24
"""Points."""
EXAMPLE = Path("default/reference.flac")
"""Under the models."""


class Window(QMainWindow):
    def __init__(
        self,
        datasets_root: Path,
        models_dir: Path,
        device: str = "auto",
        seed: int | None = None,
        engine: Worker | None = None,
        mapper: Worker | None = None,
        portaudio=None,
    ):
        """engine, mapper: workers to use instead of own ones. portaudio: what stands in for `sounddevice`."""
        super().__init__()
        self.setWindowTitle("Timbre")
        self.setAcceptDrops(True)
        self._settings = QSettings(QSettings.IniFormat, QSettings.UserScope, "Timbre", "toolbox")
        self._example = models_dir / EXAMPLE
        self._dragged = tempfile.TemporaryDirectory(prefix="timbre-")
        self._told: deque[str] = deque(maxlen=12)
        self._playing: WaveView | None = None
        self._scale_text()
        self.actions_ = build(self)
        self.finder = FinderPanel(self.actions_)
        self.voices = VoicesPanel(self.actions_)
        self.speak = SpeakPanel(self.actions_, library.checkpoints(models_dir), models_dir, device)
        self.results = ResultsPanel(self.actions_)
        self.map = MapPanel(self.actions_)
        self.message = QLabel("Open a sound file, or press Example voice, then Synthesize and vocode.", wordWrap=True)
        self.message.setObjectName("message")
        self._lay_out()
        self._restore(datasets_root, seed)
        self.session = Session(self.speak.chosen_models(), engine, mapper)
        self.sound = Sound(portaudio, self)
        self._connect()
        self._order_tabs()
        self._refresh()
        QTimer.singleShot(0, self.sound.look)

    # ---- laid out

    def _lay_out(self) -> None:
        self.left, self.middle, self.right = (QSplitter(way) for way in (Qt.Vertical, Qt.Vertical, Qt.Horizontal))
        for splitter, panels in ((self.left, (self.finder, self.voices)), (self.middle, (self.speak, self.results))):
            for panel in panels:
                splitter.addWidget(panel)
        for panel in (self.left, self.middle, self.map):
            self.right.addWidget(panel)
        for index, stretch in enumerate((2, 4, 3)):
            self.right.setStretchFactor(index, stretch)
        for splitter, second in ((self.left, 3), (self.middle, 2)):
            splitter.setStretchFactor(0, 0 if splitter is self.left else 1)
            splitter.setStretchFactor(1, second)
        for splitter in (self.left, self.middle, self.right):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(8)
        line = self.fontMetrics().height()
        self.left.setSizes([line * 14, line * 40])
        self.middle.setSizes([line * 16, line * 30])
        self.right.setSizes([340, 600, 400])
        whole, column = QWidget(), QVBoxLayout()
        column.setContentsMargins(8, 4, 8, 0)
        column.setSpacing(4)
        column.addWidget(self.right, 1)
        whole.setLayout(column)
        outer, rows = QWidget(), QVBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(whole, 1)
        rows.addWidget(self.message)
        outer.setLayout(rows)
        self.setCentralWidget(outer)

    def _order_tabs(self) -> None:
        """As one works: find a voice, choose it, write, speak, listen, look."""
        order = [self.finder.tabs, self.voices.list, self.speak.text, *self.speak.models.values(), self.results.list]
        for first, second in pairwise(order):
            self.setTabOrder(first, second)
        self.speak.text.setFocus()

    def _scale_text(self, by: int = 0) -> None:
        screen = self.screen() if hasattr(self, "screen") else None
        usual = 9 if screen is None or screen.availableGeometry().height() < 1300 else 12
        size = int(self._settings.value("text", usual)) + by
        if SMALLEST_TEXT <= size <= LARGEST_TEXT:
            font = QApplication.font()
            font.setPointSize(size)
            QApplication.setFont(font)
            if by:
                self._settings.setValue("text", size)

    # ---- connected

    def _connect(self) -> None:
        session, sound, do = self.session, self.sound, self.actions_
        does = {
            "open": self._open, "example": lambda: session.open([self._example]), "corpus": self._add_corpus,
            "save": self._save_voice, "export": self._export, "save_map": self._save_map, "quit": self.close,
            "record": self._record, "play": self._play_voice, "stop": sound.stop,
            "trim": lambda: session.trim(self.voices.list.current, self.voices.wave.span),
            "untrim": lambda: session.trim(self.voices.list.current, None),
            "combine": lambda: session.combine(self.voices.list.chosen),
            "rename": lambda: self.voices.list.editItem(self.voices.list.currentItem()),
            "remove": lambda: session.remove(self.voices.list.chosen),
            "search": self._search, "say": lambda: self._say(True), "synthesize": lambda: self._say(False),
            "vocode": lambda: session.vocode(self.results.list.current), "cancel": session.cancel,
            "replay": self._play_result, "discard": lambda: session.remove(self.results.list.chosen),
            "redraw": session.redraw_map, "clear": session.clear_map,
            "larger": lambda: self._scale_text(1), "smaller": lambda: self._scale_text(-1),
        }  # fmt: skip
        for name, slot in does.items():
            do[name].triggered.connect(lambda _, slot=slot: slot())
        session.said.connect(self.tell)
        session.voices_changed.connect(self._show_voices)
        session.results_changed.connect(self._show_results)
        session.updated.connect(self._updated)
        session.progressed.connect(self.speak.show_progress)
        session.map_changed.connect(self._show_map)
        session.engine.busy.connect(self._busy)
        session.mapper.busy.connect(self.map.map.show_busy)
        sound.ready.connect(self._devices_found)
        sound.level.connect(self._show_level)
        sound.recorded.connect(session.add_recording)
        sound.recorded.connect(lambda _: self._show_recording())
        sound.position.connect(self._show_position)
        sound.ended.connect(self._play_ended)
        sound.failed.connect(lambda sentence: (self.tell(sentence, "error"), self._show_recording()))
        corpora = self.finder.corpora
        corpora.loaded.connect(session.load)
        corpora.failed.connect(session.error)
        self.voices.list.itemSelectionChanged.connect(self._voice_chosen)
        self.voices.list.renamed.connect(session.rename)
        self.voices.list.dragged.connect(self._drag_out)
        self.voices.list.itemDoubleClicked.connect(lambda _: self._play_voice())
        self.voices.wave.clicked.connect(self._play_voice)
        self.voices.wave.chosen.connect(lambda _: self._refresh())
        self.results.list.itemSelectionChanged.connect(self._result_chosen)
        self.results.list.dragged.connect(self._drag_out)
        self.results.list.itemDoubleClicked.connect(lambda _: self._play_result())
        self.results.wave.clicked.connect(self._play_result)
        self.map.map.clicked.connect(self._dot_clicked)
        for box in self.speak.models.values():
            box.activated.connect(self._models_chosen)

    def tell(self, sentence: str, kind: str = "") -> None:
        """A sentence at the foot of the window; those before it are in its tip."""
        self._told.append(sentence)
        self.message.setText(sentence)
        self.message.setToolTip("\n".join(self._told))
        self.message.setProperty("kind", kind)
        self.message.style().unpolish(self.message)
        self.message.style().polish(self.message)

    def _refresh(self) -> None:
        """Enable what can be done now."""
        voice, result = self.voices.list.current, self.results.list.current
        sound = bool(result and result.wave)
        enabled = {
            "example": self._example.exists(), "record": not self.sound.no_microphone,
            "play": bool(voice) and not self.sound.no_speaker, "stop": True,
            "trim": bool(voice and self.voices.wave.span), "untrim": bool(voice and voice.span),
            "combine": len(self.voices.list.chosen) > 1, "rename": bool(voice), "remove": bool(voice),
            "save": bool(voice), "vocode": bool(result), "replay": sound and not self.sound.no_speaker,
            "export": sound, "discard": bool(result), "cancel": self.session.engine.is_busy,
            "save_map": bool(self.map.map.dots),
        }  # fmt: skip
        for name, can in enabled.items():
            self.actions_[name].setEnabled(can)

    def _busy(self, busy: bool) -> None:
        if not busy:
            self.speak.show_idle()
        self._refresh()

    # ---- voices and results

    def _show_voices(self, new: VoiceItem | None) -> None:
        self.voices.list.show_items(self.session.voices, self.voices.describe, new)
        self._refresh()

    def _show_results(self, new: ResultItem | None) -> None:
        self.results.list.show_items(self.session.results, self.results.describe, new)
        self._refresh()
        if new and new.wave and not self.sound.no_speaker:
            self._play_result()

    def _updated(self, item) -> None:
        self.voices.list.refresh(self.voices.describe)
        self.results.list.refresh(self.results.describe)
        if item is self.voices.list.current:
            self._voice_chosen()

    def _voice_chosen(self) -> None:
        voice = self.voices.list.current
        self.voices.show_voice(voice)
        self._chosen(voice)

    def _result_chosen(self) -> None:
        result = self.results.list.current
        self.results.show_result(result)
        self._chosen(result)

    def _chosen(self, item) -> None:
        voice, result = self.voices.list.current, self.results.list.current
        self.map.show_embeddings(voice and voice.embedding, result and result.embedding)
        self.map.map.show_chosen(item)
        self._refresh()

    def _dot_clicked(self, item) -> None:
        if isinstance(item, VoiceItem):
            self.voices.list.choose(item)
            self._play_voice()
        else:
            self.results.list.choose(item)
            self._play_result()
        self.map.map.show_chosen(item)

    def _show_map(self, dots: list, points) -> None:
        self.map.map.show_dots(dots, points)
        self._refresh()

    def _models_chosen(self) -> None:
        models = self.speak.chosen_models()
        if models:
            self.session.choose(models)

    def _say(self, vocode: bool) -> None:
        text = self.speak.text.toPlainText()
        self.session.say(text, self.voices.list.current, self.speak.next_seed(), vocode)

    def _search(self) -> None:
        self.finder.show_tab(self.finder.corpora)
        self.finder.corpora.search.setFocus()

    # ---- sound

    def _devices_found(self) -> None:
        self.finder.record.show_devices(self.sound)
        for box, key in ((self.finder.record.inputs, "microphone"), (self.finder.record.outputs, "speaker")):
            box.setCurrentText(self._settings.value(key, DEFAULT))
        self._refresh()

    def _record(self) -> None:
        if self.sound.recording:
            return self.sound.stop()
        self.finder.show_tab(self.finder.record)
        self.sound.record(self.finder.record.inputs.currentText())
        self._show_recording()

    def _show_level(self, level: float) -> None:
        self.finder.record.level.setValue(round(level * 100))
        self._show_recording()

    def _show_recording(self) -> None:
        on = self.sound.recording
        self.actions_["record"].setText("Stop" if on else "Record")
        button = self.finder.record.record
        if button.objectName() != ("recording" if on else ""):
            button.setObjectName("recording" if on else "")
            button.style().unpolish(button)
            button.style().polish(button)
        self.finder.record.time.setText(f"{self.sound.recorded_seconds:.1f} s")
        if not on:
            self.finder.record.level.setValue(0)

    def _play_voice(self, start: float = 0.0) -> None:
        voice = self.voices.list.current
        if voice:
            view = self.voices.wave
            begin, end = view.span or (start, voice.wave.seconds)
            self._play(view, voice.wave, begin, end)

    def _play_result(self, start: float = 0.0) -> None:
        result = self.results.list.current
        if result and result.wave:
            view = self.results.wave
            begin, end = view.span or (start, result.wave.seconds)
            self._play(view, result.wave, begin, end)

    def _play(self, view: WaveView, wave, start: float, stop: float) -> None:
        self._play_ended()
        self.sound.play(wave, self.finder.record.outputs.currentText(), start, stop)
        self._playing = view

    def _show_position(self, seconds: float) -> None:
        if self._playing:
            self._playing.show_cursor(seconds)
            if self._playing is self.voices.wave and self._playing.wave:
                self.voices.mel.show_cursor(seconds / max(self._playing.wave.seconds, 1e-9))

    def _play_ended(self) -> None:
        if not self.sound.playing:
            for view in (self.voices.wave, self.results.wave, self.voices.mel):
                view.show_cursor(None)
            self._playing = None
        self._show_recording()

    # ---- files

    def _open(self) -> None:
        sounds = " ".join(f"*{suffix}" for suffix in sorted(AUDIO_SUFFIXES))
        folder = self._settings.value("folder/open", "")
        paths, _ = QFileDialog.getOpenFileNames(
            self, "Open sounds or voices", folder, f"Sounds and voices (*.voice {sounds});;All files (*)"
        )
        if paths:
            self._settings.setValue("folder/open", str(Path(paths[0]).parent))
            self.session.open(paths)

    def _add_corpus(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a corpus", self._settings.value("folder/corpus", ""))
        if folder:
            self._settings.setValue("folder/corpus", str(Path(folder).parent))
            self.finder.show_tab(self.finder.corpora)
            self.finder.corpora.add(Path(folder))

    def _save_voice(self) -> None:
        voice = self.voices.list.current
        path = voice and self._ask_path("Save voice", voice.name, ".voice", "Voices (*.voice)")
        if path:
            self.session.save(voice, path)

    def _export(self) -> None:
        result = self.results.list.current
        kinds = "wav (*.wav);;flac (*.flac);;ogg (*.ogg)"
        path = result and self._ask_path("Export sound", result.text, ".wav", kinds)
        if path:
            self.session.export(result, path)

    def _save_map(self) -> None:
        path = self._ask_path("Save map", "voices", ".png", "png (*.png);;svg (*.svg)")
        if path and save_picture(self.map.map, path):
            self.tell(f"Written: {path}", "good")
        elif path:
            self.session.error(f"cannot write {path}; choose another folder")

    def _ask_path(self, title: str, name: str, suffix: str, kinds: str) -> str:
        folder = Path(self._settings.value("folder/save", ""))
        path, kind = QFileDialog.getSaveFileName(self, title, str(folder / f"{file_name(name)}{suffix}"), kinds)
        if path:
            self._settings.setValue("folder/save", str(Path(path).parent))
            if not Path(path).suffix:
                path += f".{kind.partition(' ')[0]}" if kind else suffix
        return path

    def _drag_out(self, items: list, data: QMimeData) -> None:
        paths = []
        for number, item in enumerate(items):
            if item.wave:
                name = file_name(item.text if isinstance(item, ResultItem) else item.name)
                try:
                    paths.append(item.wave.write(Path(self._dragged.name) / f"{name}{number or ''}.wav"))
                except InputError as error:
                    self.session.error(str(error))
        as_files(paths, data)

    def dragEnterEvent(self, event) -> None:
        if event.mimeData().hasUrls() and event.source() is None:
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        self.session.open([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    # ---- remembered

    def _restore(self, datasets_root: Path, seed: int | None) -> None:
        stored = self._settings
        screen = QApplication.primaryScreen().availableGeometry()
        self.resize(min(screen.width() - 20, 2400), min(screen.height() - 50, 1380))
        if stored.contains("geometry"):
            self.restoreGeometry(stored.value("geometry"))
        for name in ("left", "middle", "right"):
            if stored.contains(f"splitter/{name}"):
                getattr(self, name).restoreState(stored.value(f"splitter/{name}"))
        for stage, box in self.speak.models.items():
            index = box.findData(stored.value(f"models/{stage}", ""))
            box.setCurrentIndex(max(index, 0))
        if seed is not None or stored.contains("seed"):
            self.speak.fixed.setChecked(True)
            self.speak.seed.setValue(seed if seed is not None else int(stored.value("seed")))
        self.finder.corpora.show_corpora(library.corpora(datasets_root))

    def _remember(self) -> None:
        stored = self._settings
        stored.setValue("geometry", self.saveGeometry())
        for name in ("left", "middle", "right"):
            stored.setValue(f"splitter/{name}", getattr(self, name).saveState())
        for stage, box in self.speak.models.items():
            stored.setValue(f"models/{stage}", box.currentData())
        stored.setValue("microphone", self.finder.record.inputs.currentText())
        stored.setValue("speaker", self.finder.record.outputs.currentText())
        if self.speak.fixed.isChecked():
            stored.setValue("seed", self.speak.seed.value())
        else:
            stored.remove("seed")
        stored.sync()

    def closeEvent(self, event) -> None:
        """Whatever is being worked at ends with the window."""
        self._remember()
        self.session.close()
        self.sound.close()
        self.finder.corpora.close_down()
        self._dragged.cleanup()
        event.accept()


def file_name(text: str) -> str:
    """A short name for a file, of what was said."""
    return "_".join(re.findall(r"\w+", text)[:6])[:50] or "sound"
