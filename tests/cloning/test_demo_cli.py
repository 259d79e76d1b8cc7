"""demo_cli.py as people call it."""

import io
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

import demo_cli
from cloning import Cloner
from speech import command
from tests.cloning.conftest import speechlike

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch, capsys, models):
    """Call demo_cli with the tiny models; returns (exit status, what it printed, its errors)."""

    def call(*arguments, stages=("encoder", "synthesizer", "vocoder")):
        chosen = [word for stage in stages for word in (f"--{stage}", str(models / stage))]
        monkeypatch.setattr(sys, "argv", ["demo_cli.py", *map(str, arguments), *chosen, "--device", "cpu"])
        with pytest.raises(SystemExit) as stopped:
            command.main(demo_cli.main)
        printed = capsys.readouterr()
        return stopped.value.code, printed.out, printed.err

    return call


def test_a_sentence_is_cloned_and_drawn(run, reference, tmp_path):
    out, plot, voice = tmp_path / "out.wav", tmp_path / "out.png", tmp_path / "me.voice"
    code, printed, _ = run(
        "--reference", reference, "--text", "Hi.", "--output", out, "--plot", plot, "--save-voice", voice, "--seed", 1
    )
    assert code == 0
    assert "real-time factor" in printed
    assert str(out) in printed
    assert plot.read_bytes().startswith(b"\x89PNG")
    again = tmp_path / "again.wav"
    assert run("--reference", voice, "--text", "Hi.", "--output", again, "--seed", 1)[0] == 0
    assert again.read_bytes() == out.read_bytes()


def test_a_text_file_and_several_references(run, reference, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\ufeffOne. Two.", encoding="utf-8")
    out = tmp_path / "out.flac"
    code, *_ = run("--reference", reference, reference, "--text-file", text, "--output", out)
    assert code == 0
    assert soundfile.info(out).samplerate == 22050


def test_it_asks_when_nothing_is_given_and_end_of_file_ends_it(run, reference, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answers = iter([str(reference), "Hi.", "nowhere.wav", "Hi."])

    def answer(_):
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)
    code, printed, errors = run()
    assert code == 0
    assert "Goodbye" in printed
    assert (tmp_path / "demo_output_00.wav").exists()
    assert "nowhere.wav does not exist" in errors


def make_bad(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.wav"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("This is no sound.")
    elif kind == "silent":
        soundfile.write(path, np.zeros(32000, np.float32), 16000)
    elif kind == "noise":
        soundfile.write(path, np.full(32000, 0.2, np.float32), 16000)
    elif kind == "short":
        soundfile.write(path, speechlike(0.3).samples, 16000)
    elif kind == "nan":
        samples = speechlike().samples.copy()
        samples[100] = np.nan
        soundfile.write(path, samples, 16000, subtype="FLOAT")
    elif kind == "truncated":
        soundfile.write(path, speechlike().samples, 16000)
        path.write_bytes(path.read_bytes()[:20000])
    elif kind == "ten_hours":
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 1, 1000, 0, "NONE", ""))
            file.writeframes(bytes(36_000_000))
    return path


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "does not exist"), ("empty", "is empty"), ("text", "not a sound file"), ("silent", "silent"),
        ("noise", "speech"), ("short", "at least 0.5 s"), ("nan", "not numbers"), ("truncated", "truncated"),
        ("ten_hours", "600.0 minutes long"),
    ],
)  # fmt: skip
def test_a_bad_reference_gives_one_sentence(run, tmp_path, kind, says):
    out = tmp_path / "out" / "out.wav"
    code, _, errors = run("--reference", make_bad(kind, tmp_path), "--text", "Hi.", "--output", out)
    assert code == 2
    assert says in errors
    assert kind in errors
    assert len(errors.strip().splitlines()) == 1
    assert not out.parent.exists()


@pytest.mark.parametrize("text", ["", "😀🎉", "\n\t"])
def test_a_bad_text_gives_one_sentence(run, reference, tmp_path, text):
    code, _, errors = run("--reference", reference, "--text", text, "--output", tmp_path / "out.wav")
    assert code == 2
    assert len(errors.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["a", "word " * 1000])
def test_one_character_and_five_thousand_are_spoken(run, reference, tmp_path, text):
    code, *_ = run("--reference", reference, "--text", text, "--output", tmp_path / "out.wav")
    assert code == 0
    assert soundfile.info(tmp_path / "out.wav").duration > 0.1


@pytest.mark.parametrize("output", ["folder", "out.xyz", "file.txt/out.wav"])
def test_an_unwritable_output_is_told_before_the_work(run, reference, tmp_path, output):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").touch()
    code, _, errors = run("--reference", reference, "--text", "Hi.", "--output", tmp_path / output)
    assert code == 2
    assert "cannot write" in errors
    assert len(errors.strip().splitlines()) == 1


def test_a_pickle_is_never_opened(run, reference, tmp_path, models):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_bytes((models / "encoder/config.json").read_bytes())
    touched = tmp_path / "touched"
    (folder / "model.safetensors").write_bytes(f"cposix\nsystem\n(S'touch {touched}'\ntR.".encode())
    code, _, errors = run(
        "--reference", reference, "--text", "Hi.", "--output", tmp_path / "out.wav", "--encoder", folder,
        stages=("synthesizer", "vocoder"),
    )  # fmt: skip
    assert code == 2
    assert "not a whole safetensors file" in errors
    assert not touched.exists()


class Speaker:
    """Stands in for sounddevice: remembers what was played."""

    class PortAudioError(Exception):
        pass

    def __init__(self):
        self.played, self.aborted = [], False
        self.OutputStream = lambda **_: self
        self.start = self.stop = self.close = lambda: None

    def query_devices(self, kind):
        return {"default_samplerate": 22050.0}

    def write(self, samples):
        self.played.append(samples[:, 0])

    def abort(self):
        self.aborted = True


@pytest.fixture
def speaker(monkeypatch) -> Speaker:
    here = Speaker()
    monkeypatch.setitem(sys.modules, "sounddevice", here)
    return here


@pytest.fixture
def no_speaker(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # importing it raises


def test_a_stream_is_written_and_played_and_is_what_would_be_written_whole(run, reference, tmp_path, speaker):
    whole, out = tmp_path / "whole.wav", tmp_path / "new" / "out.wav"
    order = ["--reference", reference, "--text", "One. Two. Three.", "--seed", 1]
    assert run(*order, "--output", whole)[0] == 0
    code, printed, errors = run(*order, "--output", out, "--stream")
    assert code == 0
    assert printed == ""
    assert "first sound after" in errors
    assert f"{out}: " in errors
    samples, rate = soundfile.read(out, dtype="float32")
    assert rate == 22050
    assert np.abs(samples - soundfile.read(whole, dtype="float32")[0]).max() < 0.02
    assert len(speaker.played) == 3
    assert np.abs(np.concatenate(speaker.played) - samples).max() < 1e-4


def test_a_stream_without_a_speaker_is_written_and_says_so_in_a_line(run, reference, tmp_path, no_speaker):
    out = tmp_path / "out.wav"
    code, _, errors = run("--reference", reference, "--text", "One. Two.", "--output", out, "--stream")
    assert code == 0
    assert errors.count("written only, not played: sounddevice or its PortAudio is not installed") == 1
    assert soundfile.info(out).duration > 0.3


def test_a_stream_stopped_by_ctrl_c_leaves_what_was_said(run, reference, tmp_path, speaker, monkeypatch):
    out = tmp_path / "out.wav"
    stream = Cloner.stream

    def stopped(*arguments):
        yield next(stream(*arguments))
        heard.append(soundfile.read(out)[0])  # whole even now, were the process to end here
        raise KeyboardInterrupt

    heard = []
    monkeypatch.setattr(Cloner, "stream", stopped)
    code, _, errors = run("--reference", reference, "--text", "One. Two.", "--output", out, "--stream")
    assert code == 130
    assert f"{out} holds the first" in errors
    assert speaker.aborted
    samples, _ = soundfile.read(out)
    assert len(samples) > 1000
    assert np.array_equal(samples, heard[0])


def test_a_stream_into_a_pipe_is_nothing_but_sound(models, reference, tmp_path):
    chosen = [word for stage in ("encoder", "synthesizer", "vocoder") for word in (f"--{stage}", models / stage)]
    arguments = ["--reference", reference, "--text", "One. Two.", "--output", "-", "--stream", "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, ROOT / "demo_cli.py", *arguments, *chosen], capture_output=True, check=False, cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    samples, rate = soundfile.read(io.BytesIO(done.stdout))
    assert rate == 22050
    assert len(samples) * 2 + 44 == len(done.stdout)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--output", "out.flac", "--stream"], "--stream writes a .wav, or to standard output (-); found out.flac"),
        (["--output", "out.wav", "--stream", "--plot", "out.png"], "leave --stream or --plot out"),
        (["--output", "-"], "needs --stream"),
    ],
)
def test_what_a_stream_cannot_do_is_told_before_the_work(run, reference, words, says):
    code, _, errors = run("--reference", reference, "--text", "Hi.", *words)
    assert code == 2
    assert says in errors


def test_help_answers_without_loading_anything_heavy():
    code = """
import sys, demo_cli
sys.argv = ["demo_cli.py", "--help"]
try:
    demo_cli.main()
except SystemExit:
    sys.exit(any(name in sys.modules for name in ("torch", "scipy", "librosa", "matplotlib")))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "--reference" in done.stdout


def test_the_shipped_models_clone_the_shipped_reference(tmp_path):
    default = ROOT / "saved_models/default"
    if not (default / "vocoder/model.safetensors").exists():
        pytest.skip("saved_models/default holds no models")
    out = tmp_path / "out.wav"
    arguments = ["--reference", default / "reference.flac", "--text", "The quick brown fox jumps over the lazy dog."]
    done = subprocess.run(
        [sys.executable, ROOT / "demo_cli.py", *arguments, "--output", out, "--seed", "1"],
        capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "2"}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 1.0 < soundfile.info(out).duration < 8.0
    assert "did not end" not in done.stderr
