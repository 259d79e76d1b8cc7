"""A clone as a picture: waveform, mel, alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cloning.cloner import Clone
from speech.errors import InputError
from speech.files import whole_file


def plot_clone(clone: Clone, path: str | Path, title: str) -> Path:
    """Draw waveform, mel spectrogram and attention of a clone and write it as the suffix says (.png, .svg, .pdf)."""
    import torch
    from matplotlib.figure import Figure

    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"cannot write {path}: a picture is written as .png, .svg or .pdf")
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    sound, spectrogram, attention = figure.subplots(3, 1, height_ratios=[1, 1.6, 1.6])
    time = np.arange(len(clone.wave.samples)) / clone.wave.sample_rate
    sound.plot(time, clone.wave.samples, linewidth=0.4)
    sound.set(xlim=(0, clone.wave.seconds), ylim=(-1, 1), ylabel="waveform", xlabel="s")
    sound.set_title(title if len(title) <= 90 else title[:89] + "…", fontsize=10)
    mel = torch.cat([piece.mel for piece in clone.pieces], dim=1).numpy()
    spectrogram.imshow(mel, origin="lower", aspect="auto", vmin=-11.5, vmax=2)
    spectrogram.set(ylabel="mel band", xlabel="frame")
    attention.imshow(
        side_by_side([piece.alignment for piece in clone.pieces]).T, origin="lower", aspect="auto", vmin=0, vmax=1
    )
    attention.set(ylabel="token", xlabel="decoder step: where each step attended")
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=90)
    return path


def side_by_side(alignments: list[np.ndarray]) -> np.ndarray:
    """Alignments (steps, tokens) of several pieces as one, each continuing where the last one ended."""
    steps, tokens = (sum(sizes) for sizes in zip(*(alignment.shape for alignment in alignments)))
    whole = np.zeros((steps, tokens), np.float32)
    at = [0, 0]
    for alignment in alignments:
        whole[at[0] : at[0] + len(alignment), at[1] : at[1] + alignment.shape[1]] = alignment
        at = [at[0] + len(alignment), at[1] + alignment.shape[1]]
    return whole
