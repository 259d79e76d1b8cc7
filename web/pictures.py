"""A mel as a picture."""

import io

import numpy as np

LOWEST, HIGHEST = -11.5, 2.0
"""Natural-log magnitudes: digital silence and a sine of full scale."""
WIDEST = 2000
"""Pixels: frames of longer sounds are averaged."""


def mel_png(mel: np.ndarray) -> bytes:
    """A log mel (n_mels, T) as a PNG, a pixel a frame and band, low bands at the bottom."""
    from matplotlib import colormaps
    from PIL import Image

    frames = -(-mel.shape[1] // WIDEST)
    starts = np.arange(0, mel.shape[1], frames)
    averaged = np.add.reduceat(mel, starts, axis=1) / np.diff([*starts, mel.shape[1]])
    scaled = (averaged[::-1] - LOWEST) / (HIGHEST - LOWEST)
    content = io.BytesIO()
    Image.fromarray(colormaps["magma"](scaled, bytes=True)[..., :3]).save(content, "PNG")
    return content.getvalue()
