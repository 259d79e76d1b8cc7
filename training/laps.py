"""Where the time of training goes: to waiting for data, or to forward, backward, optimizer."""

from __future__ import annotations

import time
from itertools import pairwise

import torch

PARTS = ("data", "forward", "backward", "optimizer")
SHARES = tuple(f"{part}_share" for part in PARTS)


class Laps:
    """All time since `restart`, each stretch booked to one of PARTS when it ends.

    A GPU runs behind the program. There a lap is an event in the GPU's own row of work, read only when shares are asked
    for: nothing waits for it meanwhile, and the share of data is the time in which the GPU had to wait for it.
    """

    def __init__(self, device: torch.device):
        self._on_gpu = device.type == "cuda"
        self.restart()

    def restart(self) -> None:
        self._ends = [("", self._now())]

    def lap(self, part: str) -> None:
        """The time since the last lap went into `part`."""
        self._ends.append((part, self._now()))

    def shares(self) -> dict[str, float]:
        """{"data_share": ..., ...}; they add up to 1."""
        spent = dict.fromkeys(PARTS, 0.0)
        if self._on_gpu:
            self._ends[-1][1].synchronize()
        for (_, began), (part, ended) in pairwise(self._ends):
            spent[part] += began.elapsed_time(ended) if self._on_gpu else ended - began
        total = max(sum(spent.values()), 1e-12)
        return {name: spent[part] / total for name, part in zip(SHARES, PARTS)}

    def _now(self):
        if not self._on_gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event
