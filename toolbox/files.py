"""Which files: dialogs that remember their folders, and sounds as files to be dragged out."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from PyQt5.QtCore import QMimeData, QSettings, QUrl
from PyQt5.QtWidgets import QFileDialog, QWidget

from speech.corpora.files import AUDIO_SUFFIXES


class Files:
    def __init__(self, window: QWidget, settings: QSettings):
        self._window, self._settings = window, settings
        self._dragged = tempfile.TemporaryDirectory(prefix="timbre-")

    def to_open(self) -> list[str]:
        """Sounds and voices to open; none if the user thought better of it."""
        sounds = " ".join(f"*{suffix}" for suffix in sorted(AUDIO_SUFFIXES))
        kinds = f"Sounds and voices (*.voice {sounds});;All files (*)"
        paths, _ = QFileDialog.getOpenFileNames(self._window, "Open sounds or voices", self._folder("open"), kinds)
        if paths:
            self._settings.setValue("folder/open", str(Path(paths[0]).parent))
        return paths

    def corpus(self) -> Path | None:
        folder = QFileDialog.getExistingDirectory(self._window, "Choose a corpus", self._folder("corpus"))
        if folder:
            self._settings.setValue("folder/corpus", str(Path(folder).parent))
        return Path(folder) if folder else None

    def to_save(self, title: str, name: str, suffixes: list[str]) -> str:
        """A path to write to, with a suffix; "" if the user thought better of it. `name` is proposed."""
        proposed = str(Path(self._folder("save")) / f"{file_name(name)}.{suffixes[0]}")
        kinds = ";;".join(f"{suffix} (*.{suffix})" for suffix in suffixes)
        path, kind = QFileDialog.getSaveFileName(self._window, title, proposed, kinds)
        if path:
            self._settings.setValue("folder/save", str(Path(path).parent))
            if not Path(path).suffix:
                path += f".{kind.partition(' ')[0] or suffixes[0]}"
        return path

    def drag_out(self, items: list, data: QMimeData) -> None:
        """The sounds of voices or results as wav files. Raises InputError if they cannot be written."""
        paths = [
            item.wave.write(Path(self._dragged.name) / f"{file_name(item.title)}{number or ''}.wav")
            for number, item in enumerate(items)
            if item.wave
        ]
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])

    def close(self) -> None:
        self._dragged.cleanup()

    def _folder(self, use: str) -> str:
        return self._settings.value(f"folder/{use}", "")


def file_name(text: str) -> str:
    """A short name for a file, of what was said."""
    return "_".join(re.findall(r"\w+", text)[:6])[:50] or "sound"
