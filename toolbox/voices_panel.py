"""The voices: a list, and the chosen one's waveform, mel and fitness."""

from __future__ import annotations

from PyQt5.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from toolbox.actions import button
from toolbox.items import VoiceItem
from toolbox.look import EDGE, FAINT, GRADES
from toolbox.plots import ImageView, WaveView
from toolbox.rows import Rows

MEL_RANGE = (-11.5, 2.0)
"""Log mels, darkest to brightest."""


class VoicesPanel(QGroupBox):
    def __init__(self, actions: dict):
        super().__init__("Voices")
        self.list = Rows(
            "No voice yet. Open a sound file, record one, or drop files here; the example will do to begin with.",
            several=True,
            editable=True,
        )
        self.list.setAccessibleName("voices")
        self.wave = WaveView(
            "recording", "The chosen voice's recording: drag to choose a stretch, click to hear it.", 64
        )
        self.mel = ImageView("mel", "Its mel spectrogram.", 54)
        self.quality = QLabel(wordWrap=True, objectName="faint")
        self.quality.setMinimumHeight(self.quality.fontMetrics().height() * 2 + 4)
        column = QVBoxLayout(self)
        column.setSpacing(5)
        column.addWidget(self.list, 5)
        column.addWidget(self.wave, 2)
        column.addWidget(self.mel, 2)
        column.addWidget(self.quality)
        rows = (("play", None), ("trim", None), ("untrim", None)), (
            ("combine", None), ("rename", None), ("save", "Save…"), ("remove", None),
        )  # fmt: skip
        for names in rows:
            row = QHBoxLayout()
            row.setSpacing(5)
            for name, text in names:
                made = button(actions[name], text)
                made.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
                row.addWidget(made)
            column.addLayout(row)

    def describe(self, item: VoiceItem) -> tuple[str, str, str]:
        if item.problem:
            state = "cannot be used"
        elif item.voice is None:
            state = "being listened to …"
        else:
            state = item.quality.sentence.partition(":")[0].lower()
        several = f"{len(item.parts)} recordings, " if len(item.parts) > 1 else ""
        trimmed = ", trimmed" if item.span else ""
        color = GRADES.get("bad" if item.problem else item.quality.grade, EDGE)
        return item.name, f"{several}{item.wave.seconds:.1f} s{trimmed} · {state}", color

    def show_voice(self, item: VoiceItem | None) -> None:
        """The chosen voice, or none."""
        shown = item.wave if item else None
        if shown is None or self.wave.wave is None or shown.samples is not self.wave.wave.samples:
            self.wave.show_wave(shown)
        self.mel.show_matrix(item.mel if item else None, *MEL_RANGE)
        if item is None:
            text, color = "", FAINT
        elif item.problem:
            text, color = f"It cannot be used: {item.problem}.", GRADES["bad"]
        else:
            text, color = item.quality.sentence, GRADES.get(item.quality.grade, FAINT)
        self.quality.setText(text)
        self.quality.setStyleSheet(f"color: {color};")
