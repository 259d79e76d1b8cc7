"""Where voices come from: files and the microphone on one tab, corpora on the other."""

from __future__ import annotations

import random
from pathlib import Path

from PyQt5.QtCore import QSortFilterProxyModel, QStringListModel, Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QProgressBar,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from speech.utterance import Utterance
from toolbox import library
from toolbox.actions import button
from toolbox.sound import DEFAULT
from toolbox.worker import Background


def combo(tip: str, wide: int = 10) -> QComboBox:
    """A combo box that does not grow with its longest entry."""
    box = QComboBox()
    box.setToolTip(tip)
    box.setAccessibleName(tip)
    box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(wide)
    box.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
    return box


class RecordTab(QWidget):
    def __init__(self, actions: dict):
        super().__init__()
        self.inputs, self.outputs = combo("Microphone"), combo("Speaker")
        self.level = QProgressBar(maximum=100, textVisible=False, objectName="level")
        self.level.setToolTip("Level of the microphone")
        self.time = QLabel("0.0 s")
        self.time.setMinimumWidth(self.time.fontMetrics().horizontalAdvance("000.0 s"))
        self.reason = QLabel(wordWrap=True, objectName="faint")
        self.reason.hide()
        self.record = button(actions["record"])
        row = QHBoxLayout()
        for widget in (button(actions["open"]), button(actions["example"]), self.record):
            widget.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
            row.addWidget(widget)
        grid = QGridLayout(self)
        grid.setContentsMargins(4, 8, 4, 4)
        grid.addLayout(row, 0, 0, 1, 3)
        grid.addWidget(QLabel("Microphone"), 1, 0)
        grid.addWidget(self.inputs, 1, 1, 1, 2)
        grid.addWidget(QLabel("Speaker"), 2, 0)
        grid.addWidget(self.outputs, 2, 1, 1, 2)
        grid.addWidget(QLabel("Level"), 3, 0)
        grid.addWidget(self.level, 3, 1)
        grid.addWidget(self.time, 3, 2)
        grid.addWidget(self.reason, 4, 0, 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(5, 1)

    def show_devices(self, sound) -> None:
        for box, names in ((self.inputs, sound.inputs), (self.outputs, sound.outputs)):
            kept = box.currentText()
            box.clear()
            box.addItems(names or ["none"])
            box.setEnabled(bool(names))
            box.setCurrentText(kept if kept in names else DEFAULT)
        told = []
        if sound.no_microphone:
            told.append(f"Recording is off: {sound.no_microphone}.")
        if sound.no_speaker and sound.no_speaker != sound.no_microphone:
            told.append(f"Playing is off: {sound.no_speaker}.")
        elif sound.no_speaker:
            told = [f"Recording and playing are off: {sound.no_speaker}."]
        self.reason.setText(" ".join(told))
        self.reason.setVisible(bool(told))

    def show_recording(self, on: bool, seconds: float, level: float = 0.0) -> None:
        """level: 0 to 1."""
        self.time.setText(f"{seconds:.1f} s")
        self.level.setValue(round(level * 100))
        name = "recording" if on else ""
        if self.record.objectName() != name:  # which the style colors
            self.record.setObjectName(name)
            self.record.style().unpolish(self.record)
            self.record.style().polish(self.record)


class CorpusTab(QWidget):
    """Corpus, speaker, utterance: choose, search, or leave it to chance."""

    loaded = pyqtSignal(object, str)
    """An Utterance and its corpus's name."""
    failed = pyqtSignal(str)

    def __init__(self, actions: dict):
        super().__init__()
        self._background = Background(self)
        self._folders: list[Path] = []
        self._reading: Path | None = None
        self._speakers: dict[str, list[Utterance]] = {}
        self._shown: list[Utterance] = []
        self.corpus, self.speaker = combo("Corpus"), combo("Speaker: type to search")
        self.speaker.setEditable(True)
        self.speaker.setInsertPolicy(QComboBox.NoInsert)
        self.speaker.completer().setFilterMode(Qt.MatchContains)
        self.speaker.completer().setCompletionMode(QCompleter.PopupCompletion)
        self.search = QLineEdit(placeholderText="Search utterances", clearButtonEnabled=True)
        self.list = QListView(uniformItemSizes=True, editTriggers=QListView.NoEditTriggers)
        self.list.setTabKeyNavigation(False)
        self.list.setMinimumHeight(self.fontMetrics().height() * 3)
        self._model, self._filter = QStringListModel(self), QSortFilterProxyModel(self)
        self._filter.setSourceModel(self._model)
        self._filter.setFilterCaseSensitivity(Qt.CaseInsensitive)
        self.list.setModel(self._filter)
        self.next = QCheckBox("then the next", checked=True)
        self.next.setToolTip("After loading, choose the next utterance")
        self._lay_out(actions)
        self.corpus.currentIndexChanged.connect(self._read)
        self.speaker.currentIndexChanged.connect(self._show_utterances)
        self.search.textChanged.connect(self._search)
        self.list.activated.connect(lambda _: self.load())
        actions["load"].triggered.connect(self.load)
        actions["any_corpus"].triggered.connect(lambda: self._any(self.corpus))
        actions["any_speaker"].triggered.connect(lambda: self._any(self.speaker))
        actions["any_utterance"].triggered.connect(self._any_utterance)

    def _lay_out(self, actions: dict) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(4, 8, 4, 4)
        grid.setSpacing(5)
        rows = [("Corpus", self.corpus, "any_corpus"), ("Speaker", self.speaker, "any_speaker")]
        for row, (label, box, action) in enumerate([*rows, ("Utterance", self.search, "any_utterance")]):
            grid.addWidget(QLabel(label), row, 0)
            grid.addWidget(box, row, 1)
            grid.addWidget(button(actions[action], "Random"), row, 2)
        grid.addWidget(self.list, 3, 0, 1, 3)
        last = QHBoxLayout()
        last.addWidget(button(actions["load"]))
        last.addWidget(self.next)
        last.addStretch()
        last.addWidget(button(actions["corpus"], "Add…"))
        grid.addLayout(last, 4, 0, 1, 3)
        grid.setRowStretch(3, 1)
        self.search.setPlaceholderText("Search utterances")

    def show_corpora(self, folders: list[Path]) -> None:
        self._folders = list(dict.fromkeys(folders))
        self.corpus.blockSignals(True)
        self.corpus.clear()
        self.corpus.addItems([folder.name for folder in self._folders] or ["none yet: add a folder"])
        self.corpus.setEnabled(bool(self._folders))
        self.corpus.setCurrentIndex(0 if self._folders else -1)
        self.corpus.blockSignals(False)
        if not self._folders:
            self.corpus.setCurrentIndex(0)

    def add(self, folder: Path) -> None:
        self.show_corpora([*self._folders, folder])
        self.corpus.setCurrentIndex(-1)
        self.corpus.setCurrentIndex(self._folders.index(folder))

    def read_first(self) -> None:
        """Read the corpus shown, when it is looked at for the first time."""
        if not self._speakers and self._folders and not self._background.is_busy:
            self._read(self.corpus.currentIndex())

    def load(self) -> None:
        """Give out the chosen utterance, and choose the next one."""
        index = self.list.currentIndex()
        if not index.isValid():
            return self.failed.emit(
                "choose an utterance first; corpora are folders under --datasets-root, or added here"
            )
        utterance = self._shown[self._filter.mapToSource(index).row()]
        self.loaded.emit(utterance, self.corpus.currentText())
        following = self._filter.index(index.row() + 1, 0)
        if self.next.isChecked() and following.isValid():
            self.list.setCurrentIndex(following)

    def close_down(self) -> None:
        self._background.close()

    def _read(self, index: int) -> None:
        if not 0 <= index < len(self._folders):
            return
        self._speakers = {}
        self.speaker.clear()
        self._model.setStringList([])
        self.speaker.lineEdit().setPlaceholderText("reading …")
        folder = self._reading = self._folders[index]
        self._background.do(
            library.speakers,
            folder,
            done=lambda speakers: self._show_speakers(speakers) if folder == self._reading else None,
            failed=self._failed,
        )

    def _failed(self, sentence: str) -> None:
        self.speaker.lineEdit().setPlaceholderText("")
        self.failed.emit(sentence)

    def _show_speakers(self, speakers: dict[str, list[Utterance]]) -> None:
        self._speakers = speakers
        self.speaker.lineEdit().setPlaceholderText("")
        self.speaker.addItems(list(speakers))

    def _show_utterances(self) -> None:
        self._shown = self._speakers.get(self.speaker.currentText(), [])
        lines = [f"{each.id}   {each.text or ''}".rstrip() for each in self._shown]
        self._model.setStringList(lines)
        self.list.setCurrentIndex(self._filter.index(0, 0))

    def _search(self, text: str) -> None:
        self._filter.setFilterFixedString(text)
        self.list.setCurrentIndex(self._filter.index(0, 0))

    def _any(self, box: QComboBox) -> None:
        if box.count() > 1:
            others = [index for index in range(box.count()) if index != box.currentIndex()]
            box.setCurrentIndex(random.choice(others))

    def _any_utterance(self) -> None:
        if self._filter.rowCount():
            self.list.setCurrentIndex(self._filter.index(random.randrange(self._filter.rowCount()), 0))


class FinderPanel(QFrame):
    def __init__(self, actions: dict):
        super().__init__(objectName="card")
        self.record, self.corpora = RecordTab(actions), CorpusTab(actions)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.addTab(self.record, "Open or record")
        self.tabs.addTab(self.corpora, "Corpora")
        self.tabs.currentChanged.connect(lambda index: self.corpora.read_first() if index == 1 else None)
        column = QVBoxLayout(self)
        column.setContentsMargins(7, 4, 7, 4)
        column.addWidget(self.tabs)

    def show_tab(self, tab: QWidget) -> None:
        self.tabs.setCurrentWidget(tab)
