"""How the toolbox starts, and what it says where it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolbox.conftest import WAIT

ROOT = Path(__file__).parents[2]


def start(*arguments, code=None, **environment):
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    command = ["-c", code] if code else [str(ROOT / "demo_toolbox.py"), *arguments]
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "there is no display"),
        ({"DISPLAY": ":987"}, "the display :987 cannot be opened"),
        ({"QT_QPA_PLATFORM": "nonsense"}, "the display nonsense cannot be opened"),
    ],
)
def test_without_a_display_one_line_says_what_to_use_instead(environment, says):
    done = start(**environment)
    assert done.returncode == 2
    assert says in done.stderr
    assert "demo_cli.py" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_needs_neither_qt_nor_torch():
    code = """
import sys, demo_toolbox
sys.argv = ["demo_toolbox.py", "--help"]
try:
    demo_toolbox.main()
except SystemExit:
    sys.exit(any(name in sys.modules for name in ("PyQt5", "torch", "numpy")))
"""
    done = start(code=code)
    assert done.returncode == 0
    for option in ("--datasets-root", "--models-dir", "--device", "--seed"):
        assert option in done.stdout


def test_the_window_shows_before_anything_heavy_is_loaded(tmp_path):
    code = """
import sys
from pathlib import Path
from toolbox.app import open_application
application = open_application()
from toolbox.window import Window
window = Window(Path("nowhere"), Path("saved_models"))
window.show()
application.processEvents()
heavy = [name for name in ("torch", "umap", "numba", "librosa", "matplotlib") if name in sys.modules]
window.close()
sys.exit(", ".join(heavy) or 0)
"""
    done = start(code=code, QT_QPA_PLATFORM="offscreen", XDG_CONFIG_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_without_portaudio_the_window_opens_and_says_why(open_window, monkeypatch, qtbot):
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # importing it raises
    window = open_window(portaudio=None)
    qtbot.waitUntil(lambda: bool(window.finder.record.reason.text()), timeout=WAIT)
    assert "libportaudio2" in window.finder.record.reason.text()
    assert not window.actions_["record"].isEnabled()
