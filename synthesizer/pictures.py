"""Mel spectrograms and alignments as pictures."""

from __future__ import annotations

from pathlib import Path

from speech.files import whole_file


def plot_synthesis(path: Path, true_mel, predicted_mel, alignment, title: str = "") -> None:
    """Write a PNG: mel (n_mels, T), the true one above where there is one, and alignment (steps, tokens)."""
    from matplotlib.figure import Figure

    mels = [(name, mel) for name, mel in (("recorded", true_mel), ("predicted", predicted_mel)) if mel is not None]
    figure = Figure(figsize=(9, 2.6 * (len(mels) + 1)), layout="constrained")
    for row, (name, mel) in enumerate(mels):
        axes = figure.add_subplot(len(mels) + 1, 1, row + 1)
        axes.imshow(mel, origin="lower", aspect="auto", vmin=-11.5, vmax=2)
        axes.set(ylabel="mel band", title=f"{title} {name}".strip(), xticks=[])
    axes = figure.add_subplot(len(mels) + 1, 1, len(mels) + 1)
    axes.imshow(alignment.T, origin="lower", aspect="auto", vmin=0, vmax=1)
    axes.set(xlabel="decoder step", ylabel="token", title="alignment")
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=70)
