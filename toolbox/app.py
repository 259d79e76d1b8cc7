"""Opens the window, or says in one line why there is none."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from functools import partial
from pathlib import Path

from speech.errors import InputError

INSTEAD = "demo_cli.py does the same from the shell"
FATAL = 3
"""QtFatalMsg; after it Qt aborts the process."""


def run(datasets_root: Path, models_dir: Path, device: str = "auto", seed: int | None = None) -> int:
    """Show the window until it is closed. Raises InputError where there is no display or no Qt."""
    application = open_application()
    from PyQt5.QtCore import QTimer

    from toolbox.window import Window

    window = Window(datasets_root, models_dir, device, seed)
    window.show()
    sys.excepthook = partial(_report, window)  # Qt aborts after an exception that no one reports
    signal.signal(signal.SIGINT, lambda *_: window.close())
    awake = QTimer(interval=250, timeout=lambda: None)  # Python sees Ctrl-C only when it runs
    awake.start()
    return application.exec_()


def _report(window, kind, error, trace) -> None:
    traceback.print_exception(kind, error, trace)
    window.tell(f"That went wrong unexpectedly ({kind.__name__}: {error}).", "error")


def open_application():
    """The QApplication. Where Qt would abort, one sentence is said and the process ends with status 2."""
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise InputError(f"there is no display (DISPLAY and WAYLAND_DISPLAY are not set); {INSTEAD}")
    try:
        from PyQt5.QtCore import QCoreApplication, Qt, qInstallMessageHandler
        from PyQt5.QtWidgets import QApplication
    except ImportError as error:
        raise InputError(
            f"PyQt5 cannot be loaded ({error}); install requirements.txt and run ./install_system_packages.sh, or "
            f"{INSTEAD}"
        ) from error
    from toolbox.look import STYLE, palette

    sys.setswitchinterval(0.0005)  # threads that read files give way to the window sooner than after 5 ms

    for attribute in (Qt.AA_EnableHighDpiScaling, Qt.AA_UseHighDpiPixmaps):
        QCoreApplication.setAttribute(attribute)
    qInstallMessageHandler(_instead_of_aborting)
    application = QApplication(sys.argv[:1])
    qInstallMessageHandler(None)
    application.setOrganizationName("Timbre")
    application.setApplicationName("Timbre")
    application.setStyle("Fusion")
    application.setPalette(palette())
    application.setStyleSheet(STYLE)
    return application


def _instead_of_aborting(kind: int, context, message: str) -> None:
    """While Qt starts: it aborts after a fatal message, so the sentence is said and the end made here."""
    if kind == FATAL:
        where = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("QT_QPA_PLATFORM")
        print(
            f"error: the display {where} cannot be opened, or libraries that Qt needs are missing "
            f"(./install_system_packages.sh installs them); {INSTEAD}",
            file=sys.stderr,
            flush=True,
        )
        os._exit(2)
