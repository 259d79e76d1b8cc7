"""demo_cli.py as people call it."""

import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

import demo_cli
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
