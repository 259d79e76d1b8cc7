"""Tasks so small that ten steps take no time: a line, and an adversary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.distributed import World
from training.loop import train
from training.schedule import Schedule

ALONE = World(0, 1, torch.device("cpu"))
SCHEDULE = Schedule(
    steps=10, batch=4, learning_rate=0.05, final_learning_rate=0.01, warmup=3, bf16=False,
    log_every=1, validate_every=10,
)  # fmt: skip


def batch_at(place: int, rows: int = 4) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng((7, place))
    x = rng.standard_normal((rows, 3)).astype(np.float32)
    return {"x": torch.from_numpy(x), "y": torch.from_numpy(x @ np.float32([[1], [-2], [0.5]]))}


def batches(place: int, rank: int = 0, size: int = 1) -> Iterator[dict]:
    while True:
        yield batch_at(place * size + rank)
        place += 1


class Line:
    """Learns y = w x + b, with a dropout, so that the random numbers of a step count."""

    best_by = "loss"

    def __init__(self):
        torch.manual_seed(0)
        self.networks = {"model": nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.3), nn.Linear(4, 1))}
        self.optimizers = {"model": torch.optim.Adam(self.networks["model"].parameters(), lr=1.0)}

    def losses(self, batch, step):
        loss = (self.networks["model"](batch["x"]) - batch["y"]).square().mean()
        yield "model", loss, {"loss": loss}

    def validate(self, held_out):
        return {"loss": sum(next(self.losses(batch, 0))[1].item() for batch in held_out) / len(held_out)}

    def sample(self, held_out, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sample.txt").write_text("what it sounds like")

    def complaint(self, step, figures):
        return None


class Adversary(Line):
    """A generator and the judge it has to convince, each with an optimizer."""

    best_by = None

    def __init__(self):
        torch.manual_seed(0)
        self.networks = {"model": nn.Linear(3, 1), "judge": nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))}
        self.optimizers = {
            "judge": torch.optim.AdamW(self.networks["judge"].parameters(), lr=1.0),
            "model": torch.optim.AdamW(self.networks["model"].parameters(), lr=1.0, betas=(0.8, 0.99)),
        }

    def losses(self, batch, step):
        judge = lambda y: self.networks["judge"](torch.cat([batch["x"], y], dim=1))  # noqa: E731
        made = self.networks["model"](batch["x"]) + 0.1 * torch.randn(len(batch["x"]), 1)
        loss = (judge(batch["y"]) - 1).square().mean() + judge(made.detach()).square().mean()
        yield "judge", loss, {"judge_loss": loss}
        loss = (judge(made) - 1).square().mean()
        yield "model", loss, {"model_loss": loss}

    def validate(self, held_out):
        return {"distance": sum((self.networks["model"](b["x"]) - b["y"]).square().mean().item() for b in held_out)}


def learn(task, folder: Path, schedule: Schedule = SCHEDULE, stream=batches, world: World = ALONE) -> None:
    train(task, stream, [batch_at(10_000), batch_at(10_001)], folder, schedule, world)
