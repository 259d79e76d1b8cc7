"""Figures by step: JSON lines to compute with, TensorBoard if installed, a picture of the curves."""

from __future__ import annotations

import json
from pathlib import Path

from speech.files import whole_file
from training.laps import SHARES

COSTS = ("seconds", *SHARES)
"""Figures of a line that say what learning cost, not what was learned."""


class Journal:
    """`journal.jsonl` of a run: one object a line, {"step": ..., "kind": "train" or "held_out", figures}.

    Lines of training also hold what it cost since the last: `seconds` a step, and the shares of that time that went
    into waiting for data, forward, backward and optimizer (`data_share` and so on).
    """

    def __init__(self, folder: Path, step: int):
        """Open for writing from `step` on; lines of later steps, lost with a kill, are dropped."""
        self.path = folder / "journal.jsonl"
        kept = [line for line in read_journal(folder) if line["step"] <= step]
        with whole_file(self.path) as beside:
            beside.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._board = _tensorboard(folder)

    def write(self, step: int, kind: str, figures: dict[str, float]) -> None:
        line = {"step": step, "kind": kind} | {key: round(value, 7) for key, value in figures.items()}
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._board:
            for key, value in figures.items():
                self._board.add_scalar(f"{kind}/{key}", value, step)

    def close(self) -> None:
        if self._board:
            self._board.close()


def read_journal(folder: Path) -> list[dict]:
    """All whole lines; a last line cut off by a kill is left out."""
    path = folder / "journal.jsonl"
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return lines


def plot_curves(folder: Path) -> None:
    """Draw the figures of the journal, but for its costs, over the steps into curves.png, training and held-out data
    side by side."""
    from matplotlib.figure import Figure

    lines = read_journal(folder)
    names = sorted({key for line in lines for key in line} - {"step", "kind", "learning_rate", *COSTS})
    if not names:
        return
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4.5 * columns, 2.6 * rows), layout="constrained")
    for index, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, index + 1)
        for kind in ("train", "held_out"):
            points = [(line["step"], line[name]) for line in lines if line["kind"] == kind and name in line]
            if points:
                axes.plot(*zip(*points), label=kind.replace("_", " "), marker="." if len(points) < 30 else None)
        axes.set_title(name.replace("_", " "), fontsize=9)
        axes.legend(fontsize=7)
    with whole_file(folder / "curves.png") as beside:
        figure.savefig(beside, dpi=80)


def _tensorboard(folder: Path):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder / "tensorboard")
