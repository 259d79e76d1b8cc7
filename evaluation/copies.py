"""What a vocoder loses: PESQ and STOI of copies against their recordings, all compared at 16 kHz."""

from __future__ import annotations

import numpy as np

from evaluation.optional import need
from evaluation.sounds import Row
from speech.waveform import Waveform

RATE = 16000


def pesq(row: Row) -> dict:
    """{"pesq": mean PESQ-WB (ITU-T P.862.2) or None, "failed": copies it could not judge} of a row of copies."""
    package = need("pesq", "PESQ")
    scores, failed = [], 0
    for original, copy in _pairs(row, "PESQ"):
        if not (original.any() and copy.any()):
            failed += 1
            continue
        try:
            scores.append(float(package.pesq(RATE, original, copy, "wb")))
        except package.PesqError:  # no utterance found in it
            failed += 1
    return {"pesq": mean(scores), "failed": failed}


def stoi(row: Row) -> dict:
    """{"stoi": mean short-time objective intelligibility, Taal et al. 2011, or None} of a row of copies."""
    package = need("pystoi", "STOI")
    return {"stoi": mean([float(package.stoi(original, copy, RATE)) for original, copy in _pairs(row, "STOI")])}


def mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _pairs(row: Row, what: str):
    """(recording, copy) samples at RATE, of one length."""
    from tqdm import tqdm

    for sound in tqdm(row.sounds, desc=f"{what} of {row.title}", leave=False):
        original, copy = Waveform.read(sound.real).at(RATE).samples, sound.wave.at(RATE).samples
        length = min(len(original), len(copy))
        yield original[:length], copy[:length]
