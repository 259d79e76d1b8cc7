"""`python -m web` as people start and stop it."""

import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from speech import command
from tests.voices import start_python
from tests.web.conftest import ROOT
from web.__main__ import main


@pytest.fixture
def refused(monkeypatch, capsys):
    """Call `python -m web` with words it must refuse; returns its one sentence."""

    def call(*words) -> str:
        monkeypatch.setattr(sys, "argv", ["web", "--port", "0", "--device", "cpu", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            command.main(main)
        said = capsys.readouterr().err
        assert stopped.value.code == 2
        assert said.startswith("error: ")
        assert len(said.splitlines()) == 1
        return said

    return call


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_let_in_only_with_a_key(refused, host):
    assert "--api-key-file" in refused("--host", host)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot read"), (b"short", "at least 16"), (b"two words " * 5, "spaces"), (b"\xe9" * 20, "ASCII")],
)
def test_a_useless_key_file_is_refused(refused, tmp_path, content, says):
    path = tmp_path / "key.txt"
    if content is not None:
        path.write_bytes(content)
    assert says in refused("--api-key-file", path)


def test_what_cannot_be_had_is_told_in_a_sentence(refused, tmp_path):
    assert "cannot listen" in refused("--host", "192.0.2.1", "--api-key-file", key_file(tmp_path))
    assert "no port" in refused("--port", "70000")
    assert "no encoder checkpoint" in refused("--models", tmp_path)
    (tmp_path / "file").touch()
    assert "cannot write" in refused("--voices", tmp_path / "file")


def key_file(folder):
    path = folder / "key.txt"
    path.write_text("a-key-of-enough-letters\n")
    return path


def test_help_is_instant():
    code = "import sys, web.__main__ as w; sys.argv[1:] = ['--help']\ntry: w.parse()\nexcept SystemExit: pass\n"
    code += "sys.exit(any(name in sys.modules for name in ('torch', 'fastapi', 'numpy')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "--api-key-file" in done.stdout


def test_it_serves_with_a_key_and_finishes_what_has_begun_when_told_to_stop(models, tmp_path):
    words = ["--port", "0", "--device", "cpu", "--models", models, "--voices", tmp_path / "voices"]
    process = start_python("-m", "web", *map(str, words), "--api-key-file", str(key_file(tmp_path)))
    try:
        url = re.search(r"ready at (http://\S+)", process.stderr.readline())[1]
        headers = {"Authorization": "Bearer a-key-of-enough-letters"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            assert client.get("/readyz").status_code == 200
            answers = []
            form = {"text": "One. Two. Three. Four. Five. Six. Seven.", "voice": "default"}
            asking = threading.Thread(target=lambda: answers.append(client.post("/api/clone", data=form)))
            asking.start()
            deadline = time.monotonic() + 20
            while (
                "timbre_places_taken 1.0" not in httpx.get(f"{url}/metrics", headers=headers).text and asking.is_alive()
            ):
                assert time.monotonic() < deadline
            process.send_signal(signal.SIGTERM)
            asking.join()
        assert answers[0].status_code == 200
        process.wait(20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode in (0, -signal.SIGTERM)
