"""Tune and timbre of a sound beside the recording of the same words: F0, voicing, mel-cepstral distortion, after DTW.

F0 by probabilistic YIN (Mauch and Dixon 2014), librosa's. A clone need not follow its recording's tune to be good: the
figures tell a murmur from speech, and copies from clones.
"""

from __future__ import annotations

import numpy as np

from evaluation.copies import mean
from evaluation.sounds import Row
from evaluation.warping import MEL, cepstra, distortion, warp
from speech.waveform import Waveform

LOWEST, HIGHEST = 60.0, 500.0
"""Hz."""


def compare(row: Row) -> dict:
    """{"f0_rmse": cents, "voicing_error": share of paired frames, "mcd": dB} against the recordings, the means."""
    from tqdm import tqdm

    errors, voicings, distortions = [], [], []
    for sound in tqdm(row.sounds, desc=f"prosody of {row.title}", leave=False):
        if sound.real is None:
            continue
        recording, wave = Waveform.read(sound.real).at(MEL.sample_rate), sound.wave.at(MEL.sample_rate)
        if min(recording.seconds, wave.seconds) < 0.2:
            continue
        one, other = cepstra(recording), cepstra(wave)
        path = warp(one, other)
        distortions.append(distortion(one, other, path))
        error, voicing = f0_errors(f0(recording, one.shape[1]), f0(wave, other.shape[1]), path)
        voicings.append(voicing)
        if error is not None:
            errors.append(error)
    return {"f0_rmse": mean(errors), "voicing_error": mean(voicings), "mcd": mean(distortions)}


def f0(wave: Waveform, frames: int) -> np.ndarray:
    """(frames,) Hz, NaN where there is no voice, one for each frame of `cepstra`."""
    import librosa

    found, _, _ = librosa.pyin(
        wave.samples, fmin=LOWEST, fmax=HIGHEST, sr=wave.sample_rate, frame_length=MEL.n_fft, hop_length=MEL.hop_length
    )
    return np.pad(found, (0, max(0, frames - len(found))), constant_values=np.nan)[:frames]


def f0_errors(one: np.ndarray, other: np.ndarray, path: np.ndarray) -> tuple[float | None, float]:
    """(root mean square difference in cents where both are voiced, share of pairs where only one is)."""
    first, second = one[path[:, 0]], other[path[:, 1]]
    voiced = ~np.isnan(first), ~np.isnan(second)
    both = voiced[0] & voiced[1]
    cents = 1200 * np.log2(second[both] / first[both])
    return (float(np.sqrt(np.square(cents).mean())) if both.any() else None), float((voiced[0] != voiced[1]).mean())
