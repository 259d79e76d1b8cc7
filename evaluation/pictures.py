"""Pictures of a report. Their lines are gray and their ground is clear, so that they are read on white and on black."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from speech.files import whole_file
from speech.waveform import Waveform

GRAY = "#8a8a8a"
COLORS = ("#2f7ed8", "#e06c2c", "#1b9e77", "#c23b80", "#8c6bb1", "#b8860b")


def draw_alignment(alignments: list[np.ndarray], path: Path) -> None:
    """Where each decoder step attended, (steps, tokens); several one after another, without axes."""
    wide = [np.asarray(alignment, np.float32).T for alignment in alignments]
    height = max(each.shape[0] for each in wide)
    padded = [np.pad(each, ((0, height - each.shape[0]), (0, 1))) for each in wide]
    _bare(np.concatenate(padded, axis=1), path, 0, 1)


def draw_spectrogram(wave: Waveform, path: Path) -> None:
    """The mel spectrogram to 8 kHz, without axes."""
    import torch

    from evaluation.warping import MEL
    from speech.mel import log_mel

    _bare(log_mel(torch.from_numpy(wave.at(MEL.sample_rate).samples), MEL).numpy(), path, -10, 1)


def draw_det(lengths: dict[str, dict], path: Path) -> None:
    """DET curves (Martin et al. 1997): false acceptance and refusal on normal-deviate axes, one curve a length."""
    from scipy.stats import norm

    ticks = np.array([0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4])
    limits = norm.ppf([0.001, 0.5])

    def draw(figure) -> None:
        axes = figure.add_subplot()
        for color, (seconds, found) in zip(COLORS, lengths.items()):
            accepted, refused = np.clip(np.array(found["det"]).T, 1e-4, 1 - 1e-4)
            axes.plot(norm.ppf(accepted), norm.ppf(refused), color=color, label=f"{seconds} s, EER {found['eer']:.1%}")
        axes.plot(limits, limits, color=GRAY, linewidth=0.6, linestyle=":")
        axes.set(xlim=limits, ylim=limits, xlabel="false acceptance", ylabel="false refusal")
        axes.set_xticks(norm.ppf(ticks), [f"{tick:.1%}" for tick in ticks], fontsize=8)
        axes.set_yticks(norm.ppf(ticks), [f"{tick:.1%}" for tick in ticks], fontsize=7)
        axes.legend(fontsize=8, framealpha=0, labelcolor=GRAY)

    _draw(draw, path, (5.2, 4.6))


def draw_map(points: np.ndarray, speakers: list[str], kinds: list[str], path: Path) -> None:
    """(N, 2) points: a color a speaker, a dot for real recordings and a cross for clones."""

    def draw(figure) -> None:
        from matplotlib import colormaps

        axes = figure.add_subplot()
        names = sorted(set(speakers))
        for index, name in enumerate(names):
            color = colormaps["tab20"](index % 20)
            for kind, marker in (("real", "o"), ("clone", "X")):
                chosen = [s == name and k == kind for s, k in zip(speakers, kinds)]
                label = name if kind == "real" else None
                style = {"s": 34, "color": color, "marker": marker, "alpha": 0.9, "linewidths": 0}
                axes.scatter(*points[chosen].T, label=label, **style)
        axes.scatter([], [], color=GRAY, marker="o", label="real")
        axes.scatter([], [], color=GRAY, marker="X", label="clone")
        axes.set(xticks=[], yticks=[])
        if len(names) <= 20:
            axes.legend(fontsize=7, framealpha=0, labelcolor=GRAY, loc="center left", bbox_to_anchor=(1, 0.5))

    _draw(draw, path, (6.4, 4.6))


def draw_similarities(rows: dict[str, dict], path: Path) -> None:
    """Cosines to the target and to others, a strip a row."""

    def draw(figure) -> None:
        axes = figure.add_subplot()
        for place, (_, found) in enumerate(reversed(rows.items())):
            for values, color, up in ((found["targets"], COLORS[0], 0.15), (found["others"], COLORS[1], -0.15)):
                shown = np.array(values)[:: max(1, len(values) // 300)]
                axes.scatter(shown, np.full(len(shown), place + up), s=9, color=color, alpha=0.35, linewidths=0)
                axes.plot([np.mean(values)] * 2, [place + up - 0.14, place + up + 0.14], color=color, linewidth=2)
        axes.set_yticks(range(len(rows)), list(reversed(rows)))
        axes.scatter([], [], color=COLORS[0], label="to the speaker")
        axes.scatter([], [], color=COLORS[1], label="to other speakers")
        axes.set_xlabel("cosine similarity by the judge; the bar is the mean")
        axes.legend(fontsize=8, framealpha=0, labelcolor=GRAY, loc="upper left", bbox_to_anchor=(0, 1.16), ncols=2)

    _draw(draw, path, (7.5, 1.0 + 0.55 * len(rows)))


def _draw(draw: Callable, path: Path, size: tuple[float, float]) -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = ("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color")
    with rc_context(dict.fromkeys(names, GRAY) | {"axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        with whole_file(path) as beside:
            figure.savefig(beside, transparent=True, dpi=110)


def _bare(values: np.ndarray, path: Path, low: float, high: float) -> None:
    """Values (up, along) as they are, a pixel each, low ones dark."""
    from matplotlib.image import imsave

    with whole_file(path) as beside:
        imsave(beside, values, origin="lower", vmin=low, vmax=high, cmap="magma", format="png")
