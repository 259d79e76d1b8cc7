import numpy as np
import pytest
import webrtcvad

from speech.trim import longest_pause, loud_windows, remove_silence, trim_ends, voiced_windows
from speech.waveform import Waveform
from tests.voices import voice

RATES = pytest.mark.parametrize("rate", [16000, 22050, 44100])


def between(before: float, after: float, rate: int = 16000, hiss: float = 1e-4) -> Waveform:
    """Two seconds of speech between stretches of a little hiss."""
    rng = np.random.default_rng(0)
    quiet = [Waveform((hiss * rng.standard_normal(round(s * rate))).astype(np.float32), rate) for s in (before, after)]
    return Waveform.join([quiet[0], voice(4, 2.0, rate), quiet[1]])


def contains(whole: np.ndarray, part: np.ndarray) -> int:
    """Where `part` lies in `whole`, by its first samples."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, 50)
    (places,) = np.nonzero((windows == part[:50]).all(axis=1))
    return int(places[0])


@RATES
def test_silence_at_the_ends_is_cut_and_speech_is_not(rate):
    wave = between(1.0, 1.5, rate)
    trimmed = trim_ends(wave, margin=0.05)
    start = contains(wave.samples, trimmed.samples) / rate
    assert trimmed.sample_rate == rate
    assert 0.85 <= start <= 1.0
    assert 3.0 <= start + trimmed.seconds <= 3.15


def test_without_silence_nothing_is_cut():
    wave = voice(4, 2.0)
    assert trim_ends(wave).seconds == pytest.approx(2.0, abs=0.03)


def test_a_soft_word_end_stays():
    """A fricative is no voice to the detector, yet it belongs to the word."""
    rng = np.random.default_rng(1)
    s = Waveform((0.02 * np.diff(rng.standard_normal(2401))).astype(np.float32), 16000)
    wave = Waveform.join([Waveform.silence(1, 16000), voice(4, 1.0), s, Waveform.silence(1, 16000)])
    trimmed = trim_ends(wave)
    end = contains(wave.samples, trimmed.samples[2000:]) / 16000 - 2000 / 16000 + trimmed.seconds
    assert end >= 2.14


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.02, 0.2, 2.0])
def test_silence_and_hiss_trim_to_nothing(seconds):
    assert len(trim_ends(Waveform.silence(seconds, 22050)).samples) == 0
    assert len(remove_silence(Waveform.silence(seconds, 22050)).samples) == 0
    hiss = Waveform((1e-3 * np.random.default_rng(0).standard_normal(round(seconds * 22050))).astype(np.float32), 22050)
    assert len(trim_ends(hiss).samples) == 0


@RATES
def test_pauses_are_removed(rate):
    speech = voice(5, 2.0, rate)
    wave = Waveform.join([speech, Waveform.silence(3.0, rate), speech])
    kept = remove_silence(wave)
    assert kept.sample_rate == rate
    assert 3.9 <= kept.seconds <= 4.4


def test_long_recordings_stay_in_step():
    """A window of 30 ms is no whole number of samples at every rate; the error must not add up."""
    rate, piece = 22050, voice(5, 1.0, 22050)
    wave = Waveform.join([piece, Waveform.silence(1.0, rate)] * 120)
    kept = remove_silence(wave)
    loud = np.abs(wave.samples) > 1e-6
    assert len(kept.samples) >= loud.sum()
    assert (np.abs(kept.samples) > 1e-6).sum() == pytest.approx(loud.sum(), rel=0.01)


@pytest.mark.parametrize("count", [1, 3, 8, 12, 40])
def test_speech_is_widened_alike_in_short_and_long_sounds(monkeypatch, count):
    """A clip may be shorter than what it is smoothed over."""

    class Detector:
        def __init__(self, strictness):
            self.place = -1

        def is_speech(self, window, rate):
            self.place += 1
            return self.place == count // 2

    monkeypatch.setattr(webrtcvad, "Vad", Detector)
    wave = Waveform.silence(count * 0.03, 16000)
    for widening in (0, 2, 7):
        found = voiced_windows(wave, smoothing=1, widening=widening)
        np.testing.assert_array_equal(found, np.abs(np.arange(count) - count // 2) <= widening)


def test_the_longest_pause():
    speech = voice(6, 1.0)
    wave = Waveform.join([speech, Waveform.silence(0.3, 16000), speech, Waveform.silence(0.9, 16000), speech])
    assert longest_pause(wave) == pytest.approx(0.9, abs=0.05)
    padded = Waveform.join([Waveform.silence(3, 16000), speech, Waveform.silence(3, 16000)])
    assert longest_pause(padded) < 0.1
    assert longest_pause(Waveform.silence(1, 16000)) == 0
    assert longest_pause(Waveform.silence(0, 16000)) == 0


def test_loudness_is_relative():
    wave = between(1, 1)
    soft = Waveform(wave.samples * np.float32(0.01), 16000)
    np.testing.assert_array_equal(loud_windows(wave, 40), loud_windows(soft, 40))
