"""Is a recording fit to be imitated? One sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from speech.waveform import Waveform

ENOUGH, LEAST = 4.0, 0.5
"""Seconds of speech: what makes a good reference, and what the encoder needs at least."""
SILENT = -60.0
"""Decibels of full scale."""
HEARD_AT = -30.0
"""Decibels of full scale that the encoder brings every recording to before it looks for speech."""
CLIPPED_AT, CLIPPED_SHARE = 0.985, 1e-3
"""Samples this high are taken for clipped; more than that share of them can be heard."""
NOISY = 15.0
"""Decibels that speech should stand above what is heard between the words."""


@dataclass(frozen=True)
class Quality:
    grade: str
    """good, fair, or bad."""
    sentence: str


UNGRADED = Quality("", "")


def judge(wave: Waveform) -> Quality:
    """Of a reference, as its user should know it."""
    from speech.trim import WINDOW_SECONDS, voiced_windows

    if not len(wave.samples) or wave.loudness < SILENT:
        return Quality("bad", "Silent: there is hardly any sound in it; check the microphone.")
    voiced = voiced_windows(wave.at_loudness(HEARD_AT))
    speech = float(voiced.sum() * WINDOW_SECONDS)
    if speech < LEAST:
        return Quality("bad", f"Too short: {speech:.1f} s of speech in {wave.seconds:.1f} s; 5 s are good.")
    clipped = clipped_share(wave)
    above = above_background(wave, voiced)
    if clipped > CLIPPED_SHARE:
        return Quality("fair", f"Clipped: {clipped:.1%} of it is at full scale; record it at a lower level.")
    if above is not None and above < NOISY:
        return Quality("fair", f"Noisy: speech is only {above:.0f} dB above the background; try a quieter room.")
    if speech < ENOUGH:
        return Quality("fair", f"Too short: {speech:.1f} s of speech; 5 s are good, more are better.")
    noise = f", {above:.0f} dB above the background" if above is not None else ""
    return Quality("good", f"Good: {speech:.1f} s of speech{noise}.")


def clipped_share(wave: Waveform) -> float:
    """The share of samples that stand at the top in runs: a single peak at full scale is no clipping."""
    peak = float(np.abs(wave.samples).max(initial=0))
    if peak < 0.5:
        return 0.0
    top = np.abs(wave.samples) >= CLIPPED_AT * peak
    return float((top[1:] & top[:-1] & (np.diff(wave.samples) == 0)).mean()) if peak < CLIPPED_AT else float(top.mean())


def above_background(wave: Waveform, voiced: np.ndarray) -> float | None:
    """Decibels between the loud half of speech and the quiet tenth of all; None where there are no pauses to tell."""
    step = round(wave.sample_rate * 0.03)
    count = min(len(voiced), len(wave.samples) // step)
    if count < 20:
        return None
    windows = wave.samples[: count * step].reshape(count, step).astype(np.float64)
    level = 10 * np.log10(np.square(windows).mean(axis=1) + 1e-12)
    return float(np.median(level[voiced[:count]]) - np.percentile(level, 5))
