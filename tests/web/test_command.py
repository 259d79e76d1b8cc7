"""`python -m web` as people start and stop it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.web.conftest import ROOT


def start(*words, models=None) -> subprocess.Popen:
    command = [sys.executable, "-m", "web", "--port", "0", "--device", "cpu", *map(str, words)]
    command += ["--models", str(models)] if models else []
    return subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def refused(*words, models=None) -> str:
    with start(*words, models=models) as process:
        said = process.stderr.read()
    assert process.returncode == 2
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_let_in_only_with_a_key(host):
    assert "--api-key-file" in refused("--host", host)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot read"), (b"short", "at least 16"), (b"two words " * 5, "spaces"), (b"\xe9" * 20, "ASCII")],
)
def test_a_useless_key_file_is_refused(tmp_path, content, says):
    path = tmp_path / "key.txt"
    if content is not None:
        path.write_bytes(content)
    assert says in refused("--api-key-file", path)


def test_what_cannot_be_had_is_told_in_a_sentence(tmp_path):
    assert "cannot listen" in refused("--host", "192.0.2.1", "--api-key-file", key_file(tmp_path))
    assert "cannot listen" in refused("--port", "70000")
    assert "no encoder checkpoint" in refused(models=tmp_path)
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
    with start("--api-key-file", key_file(tmp_path), "--voices", tmp_path / "voices", models=models) as process:
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
    assert process.returncode in (0, -signal.SIGTERM)
