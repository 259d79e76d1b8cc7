"""Several processes, each with a replica: torchrun starts them, gradients are averaged after backward.

Models are not wrapped, so they keep their methods and their state-dict keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

from speech.errors import InputError


@dataclass(frozen=True)
class World:
    """This process among all."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """True in the one process that writes files and shows progress."""
        return self.rank == 0


def pick_device(name: str) -> torch.device:
    """`auto` (a GPU where there is one), `cpu`, `cuda` or `cuda:N`."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"there is no device {name!r}; give auto, cpu or cuda") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda was asked for, and torch finds no GPU here; give auto or cpu")
    return device


def join_world(device: str) -> World:
    """Join the processes that torchrun started; a world of one without it."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        return World(0, 1, pick_device(device))
    chosen = pick_device(device)
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return World(dist.get_rank(), size, chosen)


def leave_world(world: World) -> None:
    if world.size > 1:
        dist.destroy_process_group()


def wait_for_all(world: World) -> None:
    if world.size > 1:
        dist.barrier()


def average_gradients(parameters: Iterable[nn.Parameter], world: World) -> None:
    """Replace each gradient by its mean over all processes, in one exchange."""
    if world.size == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world.size
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
        gradient.copy_(mean.view_as(gradient))


def same_weights(networks: Iterable[nn.Module], world: World) -> None:
    """Give every process the weights and buffers of the first."""
    if world.size == 1:
        return
    for network in networks:
        for tensor in network.state_dict().values():
            dist.broadcast(tensor, 0)


def anyone(flag: bool, world: World) -> bool:
    """True in all processes if it is in one."""
    if world.size == 1:
        return flag
    tensor = torch.tensor(float(flag), device=world.device)
    dist.all_reduce(tensor, dist.ReduceOp.MAX)
    return bool(tensor.item())
