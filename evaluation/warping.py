"""Two sayings of the same words laid over one another: mel cepstra, dynamic time warping, and the distance left."""

from __future__ import annotations

import numpy as np
import torch

from speech.mel import MelConfig, log_mel
from speech.waveform import Waveform

MEL = MelConfig(sample_rate=16000, n_fft=1024, hop_length=256, win_length=1024, n_mels=80, fmin=0, fmax=8000)
COEFFICIENTS = 24
DEFINITION = (
    f"Mel-cepstral distortion in dB: mel cepstra are the coefficients 1 to {COEFFICIENTS} of an orthonormal DCT-II of "
    f"log mel magnitudes ({MEL.n_mels} bands to 8 kHz, windows of {MEL.n_fft} samples every {MEL.hop_length}, at "
    f"16 kHz); frames are paired by dynamic time warping on them; the distortion is the mean over the path of "
    f"10 / ln 10 * sqrt(2 * sum of squared differences), with the cepstra divided by sqrt({MEL.n_mels} / 2) so that "
    f"they are cosine-series coefficients. Figures of other definitions (WORLD, SPTK) are not comparable."
)


def cepstra(wave: Waveform) -> np.ndarray:
    """(COEFFICIENTS, T) mel cepstra; the zeroth, loudness, is left out."""
    from scipy.fft import dct

    mel = log_mel(torch.from_numpy(wave.at(MEL.sample_rate).samples), MEL).numpy()
    return dct(mel, axis=0, norm="ortho")[1 : COEFFICIENTS + 1] / np.sqrt(MEL.n_mels / 2)


def warp(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(steps, 2) pairs of frames of (C, T) and (C, T') features: the path of least Euclidean distance."""
    from librosa.sequence import dtw

    return dtw(one, other, metric="euclidean")[1][::-1]


def distortion(one: np.ndarray, other: np.ndarray, path: np.ndarray) -> float:
    """Mel-cepstral distortion in dB along a path; see DEFINITION."""
    difference = one[:, path[:, 0]] - other[:, path[:, 1]]
    return float(10 / np.log(10) * np.sqrt(2 * np.square(difference).sum(axis=0)).mean())
