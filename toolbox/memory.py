"""What the window remembers from one start to the next. Folders are remembered in files.py."""

from __future__ import annotations

from PyQt5.QtCore import QSettings
from PyQt5.QtWidgets import QApplication

SPLITTERS = ("left", "middle", "columns")


def restore(window, settings: QSettings, seed: int | None) -> None:
    """Geometry, chosen checkpoints and seed. `seed`, if given, counts more than the remembered one."""
    screen = QApplication.primaryScreen().availableGeometry()
    window.resize(min(screen.width() - 20, 2400), min(screen.height() - 50, 1380))
    if settings.contains("geometry"):
        window.restoreGeometry(settings.value("geometry"))
    for name in SPLITTERS:
        if settings.contains(f"splitter/{name}"):
            getattr(window, name).restoreState(settings.value(f"splitter/{name}"))
    for stage, box in window.speak.models.items():
        box.setCurrentIndex(max(box.findData(settings.value(f"models/{stage}", "")), 0))
    if seed is not None or settings.contains("seed"):
        window.speak.fixed.setChecked(True)
        window.speak.seed.setValue(seed if seed is not None else int(settings.value("seed")))


def remember(window, settings: QSettings) -> None:
    settings.setValue("geometry", window.saveGeometry())
    for name in SPLITTERS:
        settings.setValue(f"splitter/{name}", getattr(window, name).saveState())
    for stage, box in window.speak.models.items():
        settings.setValue(f"models/{stage}", box.currentData())
    for key, box in (("microphone", window.finder.record.inputs), ("speaker", window.finder.record.outputs)):
        if box.isEnabled():  # where there is none now, the last one stays in mind
            settings.setValue(key, box.currentText())
    if window.speak.fixed.isChecked():
        settings.setValue("seed", window.speak.seed.value())
    else:
        settings.remove("seed")
    settings.sync()
