"""WaveRNN's steps in 8-bit products, by `kernel.c`: compiled with the system's C compiler at first use.

Where there is no compiler, or the processor lacks AVX-512 VNNI, `stepping` does the same in bfloat16 or float32.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

SOURCE = Path(__file__).with_name("kernel.c")
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC")
"""Without contraction, so that a row is rounded alike whatever stands beside it."""
TILE = 16


def usable(model) -> bool:
    """Can this model be run by the kernel here?"""
    return model.fc3.bias.device.type == "cpu" and library() is not None


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled kernel; None where there is none to be had."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or not torch.cpu.get_capabilities().get("avx512_vnni"):
        return None
    cpu = torch.backends.cpu.get_cpu_capability() + str(sorted(torch.cpu.get_capabilities().items()))
    name = hashlib.sha256(SOURCE.read_bytes() + f"{compiler} {FLAGS} {cpu}".encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "timbre"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"wavernn-{name}.so"
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                made = Path(scratch, path.name)
                command = [compiler, *FLAGS, str(SOURCE), "-o", str(made), "-lm"]
                subprocess.run(command, check=True, capture_output=True, timeout=120)
                os.replace(made, path)
        return ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError):
        return None


class _Matrix(ctypes.Structure):
    _fields_ = [("inputs", ctypes.c_int32), ("outputs", ctypes.c_int32)] + [
        (name, ctypes.c_void_p) for name in ("weights", "scales", "sums")
    ]


class _Gru(ctypes.Structure):
    _fields_ = [("units", ctypes.c_int32)] + [
        (name, ctypes.c_void_p)
        for name in (
            "input", "hidden", "input_scales", "hidden_scales", "hidden_bias", "input_sums", "hidden_sums",
        )
    ]  # fmt: skip


class _Network(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in ("units", "mixtures", "levels")),
        *((name, ctypes.c_void_p) for name in ("sample", "gru1_bias")),
        ("gru1", _Gru), ("gru2", _Gru), ("fc1", _Matrix), ("fc2", _Matrix), ("fc3", _Matrix),
        ("fc3_bias", ctypes.c_void_p),
    ]  # fmt: skip


class _Conditions(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in ("hop", "taps", "frames")),
        *((name, ctypes.c_void_p) for name in ("first", "spread", "first_own", "gates", "fc1", "fc2")),
    ]


class _Run(ctypes.Structure):
    _fields_ = [
        ("rows", ctypes.c_int32), ("width", ctypes.c_int32),
        ("starts", ctypes.c_void_p), ("chances", ctypes.c_void_p),
        ("chances_row", ctypes.c_int64), ("step", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("before", "x", "values", "hidden1", "hidden2", "bytes")),
        ("state1", ctypes.c_void_p * 2), ("state2", ctypes.c_void_p * 2), ("scales", ctypes.c_void_p),
        ("arrived", ctypes.c_int), ("round", ctypes.c_int),
    ]  # fmt: skip


class Kernel:
    """See `generation.Engine`."""

    def __init__(self, model):
        self.config = model.config
        self._kept: list[torch.Tensor] = []
        rnn, fc = model.config.rnn_dims, model.config.fc_dims
        outputs = -(-model.config.outputs // TILE) * TILE
        spare = outputs - model.config.outputs
        fc3 = torch.nn.functional.pad(model.fc3.weight.detach(), (0, 0, 0, spare))
        self.width, self.outputs = max(rnn, fc, outputs), model.config.outputs
        self.network = _Network(
            rnn,
            model.config.mixtures if model.config.output == "mol" else 0,
            model.config.outputs,
            self._keep(model.first.weight[:, 0]),
            self._keep(model.rnn1.bias_ih_l0),
            self._gru(model.rnn1.weight_ih_l0, model.rnn1),
            self._gru(model.rnn2.weight_ih_l0[:, :rnn], model.rnn2),
            self._matrix(model.fc1.weight[:, :rnn]),
            self._matrix(model.fc2.weight[:, :fc]),
            self._matrix(fc3),
            self._keep(torch.nn.functional.pad(model.fc3.bias.detach(), (0, spare))),
        )

    def start(self, conditions, starts: torch.Tensor, chances: torch.Tensor) -> None:
        rows, units, width = len(starts), self.config.rnn_dims, self.width
        hop, taps = conditions.taps.shape
        parts = ("first", "taps", "first_own", "gates", "fc1", "fc2")
        tensors = [getattr(conditions, part).float().contiguous() for part in parts]
        self.conditions = _Conditions(hop, taps, len(conditions.first), *(t.data_ptr() for t in tensors))
        numbers = {name: torch.zeros(rows, width) for name in ("x", "values")}
        numbers |= {name: torch.zeros(rows, units) for name in ("hidden1", "hidden2")}
        states = [torch.full((rows, units), 128, dtype=torch.uint8) for _ in range(4)]
        small = {"before": torch.zeros(rows), "scales": torch.zeros(rows)}
        octets, starts, chances = torch.zeros(rows, width, dtype=torch.uint8), starts.long(), chances.contiguous()
        self.places = [torch.zeros(rows, dtype=torch.int64) for _ in range(4)]
        self.run = _Run(
            rows, width, starts.data_ptr(), chances.data_ptr(), chances.stride(0), 0, small["before"].data_ptr(),
            *(numbers[name].data_ptr() for name in ("x", "values", "hidden1", "hidden2")), octets.data_ptr(),
            (ctypes.c_void_p * 2)(*(state.data_ptr() for state in states[:2])),
            (ctypes.c_void_p * 2)(*(state.data_ptr() for state in states[2:])), small["scales"].data_ptr(), 0, 0,
        )  # fmt: skip
        self._used = [tensors, numbers, states, small, octets, starts, chances]

    def go(self, rows: int, steps: int, outputs: torch.Tensor | None = None) -> torch.Tensor:
        """outputs: (rows, outputs) is filled with what the last sample was drawn from."""
        self.run.rows = rows
        out = torch.empty(rows, steps)
        threads = min(torch.get_num_threads(), self.config.rnn_dims // TILE)
        pointer = ctypes.c_void_p
        shared = [ctypes.byref(each) for each in (self.network, self.conditions, self.run)]
        rest = [pointer(out.data_ptr()), ctypes.c_int64(steps)]
        rest += [pointer(outputs.data_ptr() if outputs is not None else None)]
        rest += [pointer(place.data_ptr()) for place in self.places]

        def work(thread: int) -> None:
            library().go(*shared, steps, thread, threads, *rest)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
        return out

    def _keep(self, tensor: torch.Tensor) -> int:
        """Its address; it lives as long as this object."""
        self._kept.append(tensor.detach().contiguous())
        return self._kept[-1].data_ptr()

    def _matrix(self, weight: torch.Tensor) -> _Matrix:
        whole, scales, sums = rounded(weight)
        tiles = whole.reshape(-1, TILE, whole.shape[1] // 4, 4).transpose(1, 2)
        return _Matrix(weight.shape[1], len(weight), *map(self._keep, (tiles, scales, sums)))

    def _gru(self, inputs: torch.Tensor, layer: torch.nn.GRU) -> _Gru:
        units = layer.hidden_size
        parts = [rounded(weight) for weight in (inputs, layer.weight_hh_l0)]
        # (gates, units / 16, 16, inputs / 4, 4) -> (units / 16, inputs / 4, gates, 16, 4)
        tiles = [whole.reshape(3, -1, TILE, units // 4, 4).permute(1, 3, 0, 2, 4) for whole, _, _ in parts]
        scales, sums = ([part[i] for part in parts] for i in (1, 2))
        return _Gru(units, *map(self._keep, (*tiles, *scales, layer.bias_hh_l0, *sums)))


def rounded(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weights (outputs, inputs) in 8 bits, each output's scale (outputs,), and 128 times the sum of its weights."""
    weight = weight.detach().float()
    scales = weight.abs().amax(dim=1).clamp_min(1e-12) / 127
    whole = (weight / scales[:, None]).round()
    return whole.to(torch.int8), scales, (128 * whole.sum(dim=1)).int()
