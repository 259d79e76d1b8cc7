"""The window: panels side by side, actions connected, what is remembered, files dropped in and dragged out."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from PyQt5.QtCore import QMimeData, QSettings, Qt, QTimer
from PyQt5.QtWidgets import QApplication, QLabel, QMainWindow, QSplitter, QVBoxLayout, QWidget

from speech.errors import InputError
from toolbox import library, memory
from toolbox.actions import build
from toolbox.files import Files
from toolbox.finder_panel import FinderPanel
from toolbox.items import ResultItem, VoiceItem
from toolbox.map_panel import MapPanel
from toolbox.player import Player
from toolbox.session import Session
from toolbox.sound import DEFAULT, Sound
from toolbox.speak_panel import ResultsPanel, SpeakPanel
from toolbox.tab_order import order_tabs
from toolbox.voice_map import Dot, save_picture
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
        self.files = Files(self, self._settings)
        self._told: deque[str] = deque(maxlen=12)
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
        self.finder.corpora.show_corpora(library.corpora(datasets_root))
        memory.restore(self, self._settings, seed)
        self.session = Session(self.speak.chosen_models(), engine, mapper)
        self.sound = Sound(portaudio, self)
        self.player = Player(self.sound, self.finder.record, self.actions_["record"], self)
        self._connect()
        order_tabs(self.finder, self.voices, self.speak, self.results, self.map)
        self.speak.text.setFocus()
        self._refresh()
        QTimer.singleShot(0, self.sound.look)

    # ---- laid out

    def _lay_out(self) -> None:
        line = self.fontMetrics().height()
        self.left = splitter(Qt.Vertical, (self.finder, 0, line * 14), (self.voices, 1, line * 40))
        self.middle = splitter(Qt.Vertical, (self.speak, 1, line * 16), (self.results, 2, line * 30))
        self.columns = splitter(Qt.Horizontal, (self.left, 2, 340), (self.middle, 4, 600), (self.map, 3, 400))
        self.columns.setContentsMargins(8, 4, 8, 4)
        whole = QWidget()
        rows = QVBoxLayout(whole)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.columns, 1)
        rows.addWidget(self.message)
        self.setCentralWidget(whole)

    def _scale_text(self, by: int = 0) -> None:
        """Larger by some points, within reason; on a high-resolution screen it is larger to begin with."""
        usual = 9 if QApplication.primaryScreen().availableGeometry().height() < 1300 else 12
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
        session.mapper.busy.connect(self._map_busy)
        sound.ready.connect(self._devices_found)
        sound.recorded.connect(session.add_recording)
        sound.failed.connect(lambda sentence: self.tell(sentence, "error"))
        corpora = self.finder.corpora
        corpora.loaded.connect(session.load)
        corpora.failed.connect(session.error)
        self.voices.list.itemSelectionChanged.connect(self._voice_chosen)
        self.voices.list.renamed.connect(session.rename)
        self.voices.list.dragged.connect(self._drag_out)
        self.voices.list.itemActivated.connect(lambda _: self._play_voice())
        self.voices.wave.clicked.connect(self._play_voice)
        self.voices.wave.chosen.connect(lambda _: self._refresh())
        self.results.list.itemSelectionChanged.connect(self._result_chosen)
        self.results.list.dragged.connect(self._drag_out)
        self.results.list.itemActivated.connect(lambda _: self._play_result())
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
            "export": sound, "discard": bool(result), "save_map": bool(self.map.map.dots),
            "cancel": self.session.engine.is_busy or self.session.mapper.is_busy,
        }  # fmt: skip
        for name, can in enabled.items():
            self.actions_[name].setEnabled(can)

    def _busy(self, busy: bool) -> None:
        if not busy:
            self.speak.show_idle()
        self._refresh()

    def _map_busy(self, busy: bool) -> None:
        self.map.map.show_busy(busy)
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

    def _show_map(self, items: list, points) -> None:
        dots = [Dot(item, item.speaker, item.hint, isinstance(item, ResultItem)) for item in items]
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
        tab = self.finder.record
        tab.show_devices(self.sound)
        for box, key in ((tab.inputs, "microphone"), (tab.outputs, "speaker")):
            box.setCurrentText(self._settings.value(key, DEFAULT))
        self._refresh()

    def _record(self) -> None:
        self.finder.show_tab(self.finder.record)
        self.player.record()

    def _play_voice(self, start: float = 0.0) -> None:
        self.player.play(self.voices.wave, start, self.voices.mel)

    def _play_result(self, start: float = 0.0) -> None:
        self.player.play(self.results.wave, start)

    # ---- files

    def _open(self) -> None:
        self.session.open(self.files.to_open())

    def _add_corpus(self) -> None:
        folder = self.files.corpus()
        if folder:
            self.finder.show_tab(self.finder.corpora)
            self.finder.corpora.add(folder)

    def _save_voice(self) -> None:
        voice = self.voices.list.current
        path = self.files.to_save("Save voice", voice.title, ["voice"])
        if path:
            self.session.save(voice, path)

    def _export(self) -> None:
        result = self.results.list.current
        path = self.files.to_save("Export sound", result.title, ["wav", "flac", "ogg"])
        if path:
            self.session.export(result, path)

    def _save_map(self) -> None:
        path = self.files.to_save("Save map", "voices", ["png", "svg"])
        if path and save_picture(self.map.map, path):
            self.tell(f"Written: {path}", "good")
        elif path:
            self.session.error(f"cannot write {path}; choose another folder")

    def _drag_out(self, items: list, data: QMimeData) -> None:
        try:
            self.files.drag_out(items, data)
        except InputError as error:
            self.session.error(str(error))

    def dragEnterEvent(self, event) -> None:
        if event.mimeData().hasUrls() and event.source() is None:
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        self.session.open([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    def closeEvent(self, event) -> None:
        """Whatever is being worked at ends with the window."""
        memory.remember(self, self._settings)
        self.session.close()
        self.sound.close()
        self.finder.corpora.close_down()
        self.files.close()
        event.accept()


def splitter(way: Qt.Orientation, *parts: tuple[QWidget, int, int]) -> QSplitter:
    """Widgets side by side, each with how much it stretches and its size to begin with."""
    made = QSplitter(way)
    for index, (widget, stretch, _) in enumerate(parts):
        made.addWidget(widget)
        made.setStretchFactor(index, stretch)
    made.setSizes([size for *_, size in parts])
    made.setChildrenCollapsible(False)
    made.setHandleWidth(8)
    return made
