"""Embeddings of many recordings, some of which may hold too little speech for one."""

from __future__ import annotations

import numpy as np

from speech.errors import InputError
from speech.waveform import Waveform

Embedding = list[float]
"""(C,) of unit length, as JSON keeps it."""


def embed(encoder, waves: list[Waveform]) -> list[Embedding | None]:
    """One for each recording; None where there is too little speech."""
    found: list[Embedding | None] = []
    for wave in waves:
        try:
            found.append(encoder.embed([wave])[0].float().numpy().round(5).tolist())
        except InputError:
            found.append(None)
    return found


def known(embeddings: list[Embedding | None]) -> np.ndarray:
    """(N, C) those that there are; (0, 0) for none."""
    there = [each for each in embeddings if each is not None]
    return np.array(there, np.float32) if there else np.zeros((0, 0), np.float32)


def centroid(embeddings: np.ndarray) -> np.ndarray:
    """The direction of the mean of (N >= 1, C) embeddings."""
    mean = embeddings.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)
