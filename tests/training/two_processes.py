"""Run by torchrun in test_distributed.py: what two processes learn together. Writes rank-N.safetensors to argv[1]."""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from tests.training.toys import SCHEDULE, Adversary, Line, learn
from training.checkpoint import save_tensors
from training.distributed import anyone, average_gradients, join_world, leave_world


def main() -> None:
    out, world = Path(sys.argv[1]), join_world("cpu")
    assert world.size == 2
    tensors = {}
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    halves = torch.randn(8, 3).chunk(2)
    network(halves[world.rank]).square().mean().backward()
    average_gradients(network.parameters(), world)
    tensors |= {f"gradient/{key}": value.grad for key, value in network.named_parameters()}
    tensors["anyone"] = torch.tensor([anyone(world.rank == 1, world), anyone(False, world)])
    for kind in (Line, Adversary):
        task = kind()
        if world.rank == 1:  # the first process's weights count
            for parameter in task.networks["model"].parameters():
                nn.init.normal_(parameter)
        stream = lambda step: _batches(step, world)  # noqa: E731
        learn(task, out / kind.__name__, replace(SCHEDULE, ema=0.9 if kind is Adversary else 0), stream, world)
        for name, each in task.networks.items():
            tensors |= {f"{kind.__name__}/{name}/{key}": value for key, value in each.named_parameters()}
    save_tensors(out / f"rank-{world.rank}.safetensors", tensors, {})
    leave_world(world)


def _batches(step, world):
    from tests.training.toys import batches

    return batches(step, world.rank, world.size)


if __name__ == "__main__":
    main()
