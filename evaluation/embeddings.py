"""Embeddings of many recordings, some of which may hold too little speech for one."""

from __future__ import annotations

import numpy as np
import torch

from speech.errors import InputError
from speech.waveform import Waveform


def embed(encoder, waves: list[Waveform]) -> np.ndarray:
    """(len(waves), C) unit-length embeddings; a row of NaN where there is too little speech."""
    rows: list[np.ndarray | None] = []
    for wave in waves:
        try:
            rows.append(encoder.embed([wave])[0].float().numpy())
        except InputError:
            rows.append(None)
    width = next((len(row) for row in rows if row is not None), 1)
    return np.stack([np.full(width, np.nan, np.float32) if row is None else row for row in rows])


def centroid(embeddings: np.ndarray) -> np.ndarray:
    """The direction of the mean of (N, C) embeddings, NaN rows left out; NaN if all are."""
    known = embeddings[~np.isnan(embeddings).any(axis=1)]
    if not len(known):
        return np.full(embeddings.shape[1], np.nan, np.float32)
    return torch.nn.functional.normalize(torch.from_numpy(known.mean(axis=0)), dim=0).numpy()
