"""Mel spectrograms and alignments as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from speech.files import whole_file


def plot_synthesis(
    path: Path, recorded: np.ndarray, predicted: np.ndarray, alignment: np.ndarray, title: str = ""
) -> None:
    """Write a PNG: the recorded mel (n_mels, T), the predicted one, and the alignment (steps, tokens)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7.8), layout="constrained")
    upper, lower, axes = figure.subplots(3, 1)
    upper.imshow(recorded, origin="lower", aspect="auto", vmin=-11.5, vmax=2)
    upper.set(ylabel="recorded", xticks=[], title=title)
    lower.imshow(predicted, origin="lower", aspect="auto", vmin=-11.5, vmax=2)
    lower.set(ylabel="predicted", xticks=[])
    axes.imshow(alignment.T, origin="lower", aspect="auto", vmin=0, vmax=1)
    axes.set(xlabel="decoder step", ylabel="token")
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=70)
