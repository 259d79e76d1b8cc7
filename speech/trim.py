"""Where speech is and is not, by WebRTC's voice activity detector."""

from __future__ import annotations

import numpy as np
import webrtcvad

from speech.waveform import Waveform

VAD_RATE = 16000
WINDOW = 480
"""Samples of one decision at VAD_RATE: 30 ms, the longest the detector takes."""
WINDOW_SECONDS = WINDOW / VAD_RATE


def voiced_windows(wave: Waveform, smoothing: int = 8, widening: int = 3) -> np.ndarray:
    """One boolean for each whole 30 ms window: is there speech?

    Decisions are averaged over `smoothing` windows, so that single clicks and gaps do not count, and speech is
    widened by `widening` windows to both sides, so that soft onsets and word ends stay.
    """
    samples = wave.at(VAD_RATE).samples
    count = len(samples) // WINDOW
    data = np.round(np.clip(samples[: count * WINDOW], -1, 1) * 32767).astype(np.int16).tobytes()
    detector = webrtcvad.Vad(3)
    step = WINDOW * 2
    raw = np.fromiter(
        (detector.is_speech(data[i : i + step], VAD_RATE) for i in range(0, len(data), step)), bool, count
    )
    if not raw.any():
        return raw
    smooth = _sums(raw, smoothing) > 0.5 * smoothing
    return _sums(smooth, 2 * widening + 1) > 0.5


def _sums(values: np.ndarray, size: int) -> np.ndarray:
    """Centered sums over `size` values, also of fewer values than that."""
    return np.convolve(values, np.ones(size))[(size - 1) // 2 :][: len(values)]


def remove_silence(wave: Waveform) -> Waveform:
    """Only the windows with speech, joined: what the speaker encoder hears. May be empty."""
    speech = np.append(voiced_windows(wave), False)  # what fills no window is left out
    window = np.arange(len(wave.samples)) * VAD_RATE // (wave.sample_rate * WINDOW)
    return Waveform(wave.samples[speech[np.minimum(window, len(speech) - 1)]], wave.sample_rate)


def trim_ends(wave: Waveform, margin: float = 0.05, decibels: float = 45) -> Waveform:
    """Without the silence before and after, but for `margin` seconds: what the synthesizer learns from.

    The ends are the outermost 20 ms that lie within `decibels` of the loudest and within 0.2 s of what the detector
    takes for voice: the detector alone would cut final consonants, loudness alone would keep noise.
    Empty if there is no voice.
    """
    loud = loud_windows(wave, decibels)
    near_voice = voiced_windows(wave, widening=round(0.2 / WINDOW_SECONDS))
    if not near_voice.any():
        return Waveform(wave.samples[:0], wave.sample_rate)
    step, edge = _loud_step(wave), round(margin * wave.sample_rate)
    window = ((np.arange(len(loud)) + 0.5) * step / wave.sample_rate / WINDOW_SECONDS).astype(int)
    spoken = np.flatnonzero(loud & near_voice[np.minimum(window, len(near_voice) - 1)])
    if not len(spoken):
        return Waveform(wave.samples[:0], wave.sample_rate)
    return Waveform(wave.samples[max(0, spoken[0] * step - edge) : (spoken[-1] + 1) * step + edge], wave.sample_rate)


def longest_pause(wave: Waveform, decibels: float = 40) -> float:
    """Seconds of the longest stretch between two loud parts that stays `decibels` under the loudest 20 ms."""
    loud = np.flatnonzero(loud_windows(wave, decibels))
    return float(np.diff(loud).max(initial=1) - 1) * _loud_step(wave) / wave.sample_rate if len(loud) else 0.0


def loud_windows(wave: Waveform, decibels: float) -> np.ndarray:
    """One boolean for each 20 ms: is it within `decibels` of the loudest?"""
    step = _loud_step(wave)
    padded = np.pad(wave.samples, (0, -len(wave.samples) % step))
    power = np.square(padded.reshape(-1, step)).mean(axis=1)
    peak = power.max(initial=0)
    return power > peak * 10 ** (-decibels / 10) if peak > 0 else np.zeros(len(power), bool)


def _loud_step(wave: Waveform) -> int:
    return round(0.02 * wave.sample_rate)
