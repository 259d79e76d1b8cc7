"""The text, the models, the button; and the results with their pictures."""

from __future__ import annotations

import secrets
from pathlib import Path

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QSizePolicy,
    QSpinBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from toolbox import library
from toolbox.actions import button
from toolbox.engine import Models
from toolbox.finder_panel import combo
from toolbox.items import ResultItem
from toolbox.look import ACCENT, FAINT
from toolbox.plots import ImageView, WaveView
from toolbox.rows import Rows
from toolbox.voices_panel import MEL_RANGE

FIRST_TEXT = "Hello there. This voice was made by a computer, from a few seconds of sound."


class SpeakPanel(QGroupBox):
    def __init__(self, actions: dict, checkpoints: dict[str, list[Path]], models_dir: Path, device: str):
        super().__init__("Speak")
        self._device = device
        self.text = QPlainTextEdit(FIRST_TEXT, placeholderText="What is to be said, as long as you like.")
        self.text.setTabChangesFocus(True)
        self.text.setAcceptDrops(False)  # files are the window's
        self.text.setMinimumHeight(self.text.fontMetrics().lineSpacing() * 3 + 14)
        self.voice = QLabel(objectName="faint")
        self.models = {stage: combo(f"{stage} checkpoint", 8) for stage in library.STAGES}
        for stage, box in self.models.items():
            for folder in checkpoints[stage]:
                box.addItem(_short(folder, models_dir, stage), str(folder))
        self.models["vocoder"].addItem("Griffin-Lim", library.NO_CHECKPOINT)
        self.fixed = QCheckBox("Seed")
        self.fixed.setToolTip("The same seed gives the same sound; without it each one differs")
        self.seed = QSpinBox(maximum=2**31 - 1, enabled=False, buttonSymbols=QSpinBox.NoButtons)
        self.seed.setAccessibleName("seed")
        self.fixed.toggled.connect(self.seed.setEnabled)
        self.progress = QProgressBar(maximum=1, textVisible=True)
        self.progress.setAlignment(Qt.AlignCenter)
        self.cancel = button(actions["cancel"])
        self._lay_out(actions)

    def _lay_out(self, actions: dict) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(6)
        column.addWidget(self.text, 1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        for place, (stage, box) in enumerate(self.models.items()):
            label = QLabel(stage.capitalize(), objectName="faint")
            label.setBuddy(box)
            grid.addWidget(label, 0, place)
            grid.addWidget(box, 1, place)
            grid.setColumnStretch(place, 2)
        grid.addWidget(self.fixed, 0, len(self.models))
        grid.addWidget(self.seed, 1, len(self.models))
        grid.setColumnStretch(len(self.models), 1)
        column.addLayout(grid)
        for widgets in (
            (button(actions["say"], name="primary"), button(actions["synthesize"]), button(actions["vocode"])),
            (self.progress, self.cancel),
        ):
            row = QHBoxLayout()
            for place, widget in enumerate(widgets):
                widget.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Fixed)
                row.addWidget(widget, 2 if place == 0 else 1)
            column.addLayout(row)
        self.cancel.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)

    def chosen_models(self) -> Models | None:
        """None where a stage has no checkpoint."""
        folders = {stage: box.currentData() for stage, box in self.models.items()}
        return Models(**folders, device=self._device) if all(folders.values()) else None

    def next_seed(self) -> int:
        """The fixed one, or a new one, which is shown."""
        if not self.fixed.isChecked():
            self.seed.setValue(secrets.randbelow(2**31))
        return self.seed.value()

    def show_progress(self, stage: str, done: int, total: int, factor: float) -> None:
        self.progress.setMaximum(total)
        self.progress.setValue(done)
        counted = f" {done} of {total}" if total else " …"
        self.progress.setFormat(stage.capitalize() + counted + (f", real-time factor {factor:.2f}" if factor else ""))

    def show_idle(self) -> None:
        self.progress.setMaximum(1)
        self.progress.reset()
        self.progress.setFormat("")


class ResultsPanel(QGroupBox):
    def __init__(self, actions: dict):
        super().__init__("Results")
        self.list = Rows("What was said appears here, to be heard again, exported, or dragged into a folder.")
        self.list.setAccessibleName("results")
        self.wave = WaveView("said", "The waveform of the chosen result, with a cursor as it plays.", 70)
        self.mel = ImageView("mel", "Its mel spectrogram.", 90)
        self.alignment = ImageView("alignment", "How the attention went through the text.", 90)
        pictures = QSplitter(Qt.Horizontal)
        pictures.addWidget(self.mel)
        pictures.addWidget(self.alignment)
        pictures.setSizes([200, 100])
        pictures.setChildrenCollapsible(False)
        side = QVBoxLayout()
        side.setSpacing(5)
        for name, text in (("replay", "Play"), ("stop", "Stop"), ("export", None), ("discard", "Remove")):
            made = button(actions[name], text)
            made.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
            side.addWidget(made)
        side.addStretch()
        top, row = QWidget(), QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.list, 1)
        row.addLayout(side)
        top.setLayout(row)
        column = QVBoxLayout(self)
        column.setSpacing(6)
        column.addWidget(top, 3)
        column.addWidget(self.wave, 2)
        column.addWidget(pictures, 4)

    def describe(self, item: ResultItem) -> tuple[str, str, str]:
        told = "mel only"
        if item.wave:
            told = f"{item.wave.seconds:.1f} s, real-time factor {item.real_time_factor:.2f}"
        color = ACCENT if item.wave else FAINT
        return item.title, f"{item.name} · {told} · seed {item.seed}", color

    def show_result(self, item: ResultItem | None) -> None:
        self.wave.show_wave(item.wave if item else None)
        if item is None:
            self.mel.show_matrix(None)
            return self.alignment.show_matrix(None)
        self.mel.show_matrix(item.said.mel, *MEL_RANGE)
        self.alignment.show_matrix(item.said.alignment.T)


def _short(folder: Path, root: Path, stage: str) -> str:
    """A checkpoint as its run calls it: `default`, or `default/hifigan` where the folder is not named by its stage."""
    parts = folder.relative_to(root).parts or (folder.name,)
    return "/".join(parts[:-1] if parts[-1] == stage and len(parts) > 1 else parts)
