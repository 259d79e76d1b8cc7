import errno
import os
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech import waveform
from speech.errors import InputError
from speech.files import check_can_write, whole_file
from speech.waveform import Waveform
from tests.voices import voice

FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def pitch(wave: Waveform) -> float:
    """Of a pure tone, in Hz."""
    spectrum = np.abs(np.fft.rfft(wave.samples * np.hanning(len(wave.samples))))
    return float(spectrum.argmax() * wave.sample_rate / len(wave.samples))


def tone(hertz: float, seconds: float, rate: int) -> Waveform:
    return Waveform(
        (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate
    )


@pytest.fixture
def wav(tmp_path) -> Path:
    return tone(440, 0.5, 16000).write(tmp_path / "whole.wav")


# ---- reading and writing


@pytest.mark.parametrize(
    ("suffix", "error"), [(".wav", 4e-4), (".flac", 4e-4), (".ogg", 0.1), (".opus", 0.3), (".mp3", 0.1), (".WAV", 4e-4)]
)
def test_what_is_written_is_read_again(tmp_path, suffix, error):
    wave = voice(1, 1.0, 24000)
    path = wave.write(tmp_path / f"new/folder/a{suffix}")
    back = Waveform.read(path)
    assert back.sample_rate == 24000
    assert back.samples.dtype == np.float32
    assert back.seconds == pytest.approx(1.0, abs=0.06)
    count = min(len(wave.samples), len(back.samples))
    ours, theirs = wave.samples[1 : count - 1], back.samples[:count]
    # Opus comes back a sample early.
    assert min(np.std(ours - theirs[i : i + len(ours)]) for i in range(3)) < error * np.std(ours)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_opus_takes_the_next_rate_it_knows(tmp_path):
    back = Waveform.read(tone(440, 1.0, 22050).write(tmp_path / "a.opus"))
    assert back.sample_rate == 24000
    assert pitch(back) == pytest.approx(440, abs=2)


def test_a_long_ogg_can_be_written(tmp_path):
    """Given more than some seconds at once, libsndfile's Vorbis encoder ended the process."""
    wave = Waveform(np.tile(voice(2, 1.0).samples, 150), 16000)
    assert Waveform.read(wave.write(tmp_path / "long.ogg")).seconds == pytest.approx(150, abs=0.1)


def test_samples_beyond_full_scale_do_not_wrap(tmp_path):
    wave = Waveform(np.array([0, 3, -3, 0.5] * 100, np.float32), 16000)
    np.testing.assert_allclose(Waveform.read(wave.write(tmp_path / "a.wav")).samples[:4], [0, 1, -1, 0.5], atol=1e-4)


def test_stereo_becomes_mono(tmp_path):
    left, right = np.full(1000, 0.5), np.full(1000, -0.1)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), 16000)
    wave = Waveform.read(tmp_path / "a.wav")
    assert wave.samples.shape == (1000,)
    np.testing.assert_allclose(wave.samples, 0.2, atol=1e-4)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_every_kind_of_wav_is_read(tmp_path, subtype):
    wave = tone(440, 0.2, 16000)
    soundfile.write(tmp_path / "a.wav", wave.samples, 16000, subtype=subtype)
    np.testing.assert_allclose(Waveform.read(tmp_path / "a.wav").samples, wave.samples, atol=0.03)


def test_a_name_need_not_be_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    tone(440, 0.2, 16000).write(path)
    assert Waveform.read(path).seconds == 0.2
    path.write_text("not sound")
    with pytest.raises(InputError, match="not a sound file"):
        Waveform.read(path)


# ---- sound as numbers


@pytest.mark.parametrize(
    ("rate", "to"), [(44100, 22050), (22050, 16000), (8000, 22050), (48000, 16000), (11025, 24000)]
)
def test_resampling_keeps_a_tone(rate, to):
    wave = tone(1000, 1.0, rate).at(to)
    assert wave.sample_rate == to
    assert abs(len(wave.samples) - to) <= 1
    assert wave.samples.dtype == np.float32
    assert pitch(wave) == pytest.approx(1000, abs=1)
    middle = wave.samples[to // 10 : -to // 10]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_resampling_down_lets_nothing_fold_back():
    assert tone(9000, 1.0, 44100).at(16000).loudness < -50


def test_the_same_rate_costs_nothing():
    wave = tone(440, 0.1, 16000)
    assert wave.at(16000) is wave


def test_loudness():
    wave = tone(440, 1.0, 16000)
    assert wave.loudness == pytest.approx(-9.03, abs=0.01)
    assert wave.at_loudness(-30).loudness == pytest.approx(-30, abs=1e-3)
    silence = Waveform.silence(0.5, 16000)
    assert silence.loudness == -np.inf
    assert silence.at_loudness(-30).loudness == -np.inf
    assert Waveform(np.zeros(0, np.float32), 16000).loudness == -np.inf


def test_peaks_are_lowered_but_never_raised():
    loud = Waveform(np.array([0, -2, 1], np.float32), 16000)
    np.testing.assert_allclose(loud.peak_limited(0.98).samples, [0, -0.98, 0.49], rtol=1e-6)
    soft = Waveform(np.array([0, 0.1], np.float32), 16000)
    assert soft.peak_limited() is soft


def test_joining_keeps_order_and_needs_one_rate():
    joined = Waveform.join([tone(440, 0.1, 16000), Waveform.silence(0.2, 16000)])
    assert joined.seconds == pytest.approx(0.3)
    assert np.abs(joined.samples[-3200:]).max() == 0
    with pytest.raises(ValueError, match="too many values"):
        Waveform.join([tone(440, 0.1, 16000), tone(440, 0.1, 8000)])


# ---- ffmpeg


@FFMPEG
@pytest.mark.parametrize("suffix", [".m4a", ".webm", ".MP4"])
def test_phones_and_browsers_formats_are_read(tmp_path, suffix):
    source, path = tone(440, 1.0, 48000).write(tmp_path / "a.wav"), tmp_path / f"a{suffix}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-ac", "2", path], check=True, stdin=subprocess.DEVNULL)
    wave = Waveform.read(path)
    assert wave.seconds == pytest.approx(1.0, abs=0.1)
    assert pitch(wave) == pytest.approx(440, abs=3)
    with pytest.raises(InputError, match=r"at most 0\.5 s"):
        Waveform.read(path, longest_seconds=0.5)


@FFMPEG
def test_what_ffmpeg_cannot_read_is_named(tmp_path):
    path = tmp_path / "a.m4a"
    path.write_text("not sound")
    with pytest.raises(InputError, match=r"a\.m4a is not a sound file that ffmpeg can read"):
        Waveform.read(path)


def test_without_ffmpeg_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    path = tmp_path / "a.m4a"
    path.write_bytes(b"ftypM4A ")
    monkeypatch.setattr(waveform.shutil, "which", lambda name: None)
    with pytest.raises(
        InputError, match=r"a\.m4a needs ffmpeg .* install ffmpeg, or convert the file to wav"
    ) as caught:
        Waveform.read(path)
    assert "\n" not in str(caught.value)


# ---- bad recordings: each is one sentence that names the file


def truncated(path: Path, wave: Waveform) -> None:
    wave.write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def aiff_cut(path: Path, wave: Waveform) -> None:
    soundfile.write(path, wave.samples, wave.sample_rate)
    path.write_bytes(path.read_bytes()[:-4000])


def not_numbers(path: Path, wave: Waveform) -> None:
    samples = wave.samples.copy()
    samples[800] = np.nan
    samples[900] = np.inf
    soundfile.write(path, samples, wave.sample_rate, subtype="FLOAT")


def ten_hours(path: Path, wave: Waveform) -> None:
    """36 kB: one sample a second."""
    soundfile.write(path, np.zeros(36000, np.int16), 1, subtype="PCM_U8")


BAD = {
    "missing.wav": (lambda path, wave: None, "does not exist"),
    "folder.wav": (lambda path, wave: path.mkdir(), "is a folder"),
    "empty.wav": (lambda path, wave: path.touch(), r"empty \(0 bytes\)"),
    "text.wav": (lambda path, wave: path.write_text("Dear diary, " * 50), "not a sound file"),
    "text.mp3": (lambda path, wave: path.write_text("Dear diary, " * 50), "not a sound file"),
    "picture.png": (lambda path, wave: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500)), "not a sound file"),
    "headerless.raw": (lambda path, wave: path.write_bytes(bytes(500)), "not a sound file"),
    "no_samples.wav": (lambda path, wave: soundfile.write(path, np.zeros(0), 16000), "holds no samples"),
    "cut.wav": (truncated, "is truncated"),
    "cut.flac": (truncated, "or is truncated"),
    "cut.ogg": (truncated, "or is truncated"),
    "cut.aiff": (aiff_cut, "is truncated"),
    "nan.wav": (not_numbers, r"2 samples that are not numbers .* the first at 0\.05 s"),
    "long.wav": (ten_hours, r"600\.0 minutes long; at most 60\.0 minutes"),
    "n" * 300 + ".wav": (lambda path, wave: None, "File name too long"),
    "nul\0.wav": (lambda path, wave: None, "does not exist"),
}


@pytest.mark.parametrize("name", BAD, ids=lambda name: name[:20].replace("\0", "0"))
def test_bad_recordings(tmp_path, name):
    make, said = BAD[name]
    path = tmp_path / name
    make(path, tone(440, 0.5, 16000))
    with pytest.raises(InputError, match=said) as caught:
        Waveform.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF])
def test_a_wav_written_into_a_pipe_is_whole(wav, size):
    """espeak, sox and ffmpeg cannot know the length when they write the header."""
    whole = wav.read_bytes()
    at = whole.index(b"data") + 4
    wav.write_bytes(whole[:4] + struct.pack("<I", size) + whole[8:at] + struct.pack("<I", size) + whole[at + 4 :])
    assert Waveform.read(wav).seconds == 0.5


def test_a_wav_with_more_behind_its_sound_is_whole(wav):
    wav.write_bytes(wav.read_bytes() + b"LIST of something")
    assert Waveform.read(wav).seconds == 0.5
    whole = wav.read_bytes()
    wav.write_bytes(whole[:4] + struct.pack("<I", len(whole) + 100) + whole[8:])  # a chunk after the sound was cut off
    assert Waveform.read(wav).seconds == 0.5


# ---- nothing half-written


def test_unknown_suffixes_are_refused_and_the_known_listed(tmp_path):
    for name in ("a.xyz", "a", "a.m4a"):
        with pytest.raises(InputError, match=r"\.wav, \.flac, \.ogg, \.opus, \.mp3"):
            tone(440, 0.1, 16000).write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["file/a.wav", "file/deeper/a.wav", "/proc/nowhere/a.wav", "folder.wav", "n" * 300 + ".wav"]
)
def test_where_it_cannot_write_it_says_so(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(InputError, match="cannot write") as caught:
        tone(440, 0.1, 16000).write(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder.wav"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_broken_write_leaves_what_was_there(tmp_path, monkeypatch, error):
    path = tone(440, 0.5, 16000).write(tmp_path / "a.wav")
    before = path.read_bytes()

    def full(self, samples):
        raise error

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    with pytest.raises((InputError, KeyboardInterrupt)) as caught:
        tone(880, 0.5, 16000).write(path)
    if isinstance(error, OSError):
        assert "No space left on device; what stood there is untouched" in str(caught.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as beside:
        beside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"

    def fail():
        with whole_file(path) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_is_checked_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    check_can_write(tmp_path / "new/a.wav")
    for name, said in {"file/a.wav": "cannot be written to", ".": "is a folder", "n" * 300: "too long"}.items():
        with pytest.raises(InputError, match=said):
            check_can_write(tmp_path / name)
