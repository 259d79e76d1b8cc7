"""The map of voices, and the embeddings of the chosen voice and result side by side."""

from __future__ import annotations

from PyQt5.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from toolbox.actions import button
from toolbox.plots import HeatMap
from toolbox.voice_map import MapView


class MapPanel(QGroupBox):
    def __init__(self, actions: dict):
        super().__init__("Map of voices")
        self.map = MapView()
        self.voice = HeatMap("voice", "the voice's embedding")
        self.result = HeatMap("result", "the result's embedding")
        self.likeness = QLabel(objectName="faint")
        column = QVBoxLayout(self)
        column.setSpacing(6)
        column.addWidget(self.map, 3)
        row = QHBoxLayout()
        for name, text in (("redraw", "Redraw"), ("clear", "Clear"), ("save_map", None)):
            made = button(actions[name], text)
            made.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
            row.addWidget(made)
        column.addLayout(row)
        row = QHBoxLayout()
        row.addWidget(self.voice)
        row.addWidget(self.result)
        column.addLayout(row, 1)
        column.addWidget(self.likeness)

    def show_embeddings(self, voice, result) -> None:
        """Either may be None. Both together give the cosine of their angle."""
        self.voice.show_embedding(voice)
        self.result.show_embedding(result)
        both = voice is not None and result is not None
        self.likeness.setText(f"Voice and result: cosine similarity {float(voice @ result):.2f}" if both else " ")
