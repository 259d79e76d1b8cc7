"""Between the sound device and the widgets: recording with its level, playing with its cursor."""

from __future__ import annotations

from PyQt5.QtCore import QObject

from toolbox.finder_panel import RecordTab
from toolbox.plots import ImageView, WaveView
from toolbox.sound import Sound


class Player(QObject):
    def __init__(self, sound: Sound, tab: RecordTab, action, parent: QObject):
        """tab: shows the devices and the level. action: the one that starts and stops recording."""
        super().__init__(parent)
        self._sound, self._tab, self._action = sound, tab, action
        self._views: tuple[WaveView, ImageView | None] | None = None
        sound.level.connect(self._show_level)
        sound.recorded.connect(self._recorded)
        sound.position.connect(self._show_position)
        sound.ended.connect(self._ended)
        sound.failed.connect(self._recorded)

    def record(self) -> None:
        """Begin to record, or end it."""
        if self._sound.recording:
            return self._sound.stop()
        self._sound.record(self._tab.inputs.currentText())
        self._tab.show_recording(True, 0.0)
        self._action.setText("Stop")

    def play(self, view: WaveView, start: float = 0.0, mel: ImageView | None = None) -> None:
        """Play what a view shows: the stretch chosen in it, or from `start` seconds on. `mel` gets the cursor too."""
        if view.wave is None:
            return
        self._hide_cursors()
        begin, end = view.span or (start, view.wave.seconds)
        self._sound.play(view.wave, self._tab.outputs.currentText(), begin, end)
        self._views = view, mel

    def _show_level(self, level: float) -> None:
        self._tab.show_recording(True, self._sound.recorded_seconds, level)

    def _recorded(self, _) -> None:
        self._tab.show_recording(False, 0.0)
        self._action.setText("Record")

    def _show_position(self, seconds: float) -> None:
        if self._views and self._views[0].wave:
            view, mel = self._views
            view.show_cursor(seconds)
            if mel:
                mel.show_cursor(seconds / max(view.wave.seconds, 1e-9))

    def _ended(self) -> None:
        if not self._sound.playing:
            self._hide_cursors()

    def _hide_cursors(self) -> None:
        for view in self._views or ():
            if view is not None:
                view.show_cursor(None)
        self._views = None
