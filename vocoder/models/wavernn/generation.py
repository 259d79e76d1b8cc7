"""WaveRNN in use: sounds cut into folds, all folds one step further at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import lfilter

from speech.waveform import Waveform
from training.inference import weight_marks
from vocoder.models.wavernn import kernel, stepping
from vocoder.models.wavernn.folding import Fold, folds_of, join
from vocoder.models.wavernn.outputs import expand

BLOCK = 400
"""Steps between two looks at whether anyone wants it to end."""


@dataclass(frozen=True)
class Conditions:
    """What mels say to each layer, frame by frame: all of a step that does not depend on the samples before.

    All sounds' frames stand in one row, each sound with its context of `pad` frames on both sides.
    """

    first: torch.Tensor
    """(frames, rnn_dims), spread over samples by `taps`."""
    taps: torch.Tensor
    """(hop_length, 2 * pad + 1)"""
    first_own: torch.Tensor
    """(frames, rnn_dims), the same for all samples of a frame, as are the others."""
    gates: torch.Tensor
    """(frames, 3 * rnn_dims), of the second recurrent layer."""
    fc1: torch.Tensor
    fc2: torch.Tensor


class Engine(Protocol):
    """Takes steps for rows of folds, from the first sample on."""

    def start(self, conditions: Conditions, starts: torch.Tensor, chances: torch.Tensor) -> None:
        """starts: (rows,) each fold's first sample, counted from the first of all frames. chances: (rows, steps, 2)."""

    def go(self, rows: int, steps: int) -> torch.Tensor:
        """The next `steps` samples of the first `rows` rows (rows, steps), as the network hears them."""


def generate(model, mels: list[torch.Tensor], seed: int, progress: Callable[[int, int], None] | None) -> list[Waveform]:
    """A sound for each mel (n_mels, T), of T * hop_length samples; see `Model.vocode_many`."""
    if not mels:
        return []
    config, hop = model.config, model.mel.hop_length
    folds = [
        fold
        for item, mel in enumerate(mels)
        for fold in folds_of(item, mel.shape[1] * hop, config.fold, config.overlap)
    ]
    # The longest first: those that are still at work are always the first rows.
    order = sorted(range(len(folds)), key=lambda i: -folds[i].length)
    with torch.inference_mode():
        made = _run(model, mels, [folds[i] for i in order], seed, progress)
    pieces = dict(zip(order, made))
    waves = []
    for item in range(len(mels)):
        own = [i for i, fold in enumerate(folds) if fold.item == item]
        raised = join([folds[i] for i in own], [pieces[i] for i in own], config.overlap)
        samples = lfilter([1.0], [1.0, -config.preemphasis], raised).astype(np.float32)
        waves.append(Waveform(samples, model.mel.sample_rate).peak_limited(1.0))
    return waves


def _run(
    model, mels: list[torch.Tensor], folds: list[Fold], seed: int, progress: Callable[[int, int], None] | None
) -> list[np.ndarray]:
    """The samples of each fold, before the filter that lowers high frequencies. folds: the longest first."""
    config, hop, longest = model.config, model.mel.hop_length, folds[0].length
    conditions, begins = conditions_of(model, mels)
    starts = torch.tensor([begins[fold.item] * hop + fold.start for fold in folds])
    engine = engine_of(model)
    engine.start(conditions, starts, _chances(folds, seed))
    out = torch.zeros(len(folds), longest)
    total, done = sum(fold.length for fold in folds), 0
    for step in range(0, longest, BLOCK):
        steps = min(BLOCK, longest - step)
        rows = sum(fold.length > step for fold in folds)
        out[:rows, step : step + steps] = engine.go(rows, steps).cpu()
        done += sum(min(steps, fold.length - step) for fold in folds[:rows])
        if progress:
            progress(done, total)
    if config.output == "raw":
        out = expand(out, config.bits)
    return [row[: fold.length].numpy() for row, fold in zip(out, folds)]


def _chances(folds: list[Fold], seed: int) -> torch.Tensor:
    """(folds, longest, 2) random numbers in [0, 1) that the samples are drawn by. Those of a fold follow from the seed
    and from where it begins: not from who shares the batch."""
    drawn = torch.zeros(len(folds), folds[0].length, 2)
    for row, fold in zip(drawn, folds):
        generator = torch.Generator().manual_seed((seed * 1_000_003 + fold.start) % 2**63)
        row[: fold.length] = torch.rand(fold.length, 2, generator=generator)
    return drawn


def conditions_of(model, mels: list[torch.Tensor]) -> tuple[Conditions, list[int]]:
    """What all mels say, and the frame at which each begins."""
    from vocoder.models.wavernn.network import normalized

    pad, device = model.config.pad, model.fc3.bias.device
    quiet = -100.0  # before and after a sound; taken as the floor
    parts, begins, features, frame = [], [], [], 0
    for mel in mels:
        padded = normalized(F.pad(mel.to(device).float(), (pad, pad), value=quiet))
        parts.append(padded)
        features.append(F.pad(model.resnet(padded[None])[0], (0, 0, pad, pad)))
        begins.append(frame + pad)
        frame += padded.shape[1]
    whole = torch.cat(parts, dim=1).mT
    first, second, third, fourth = torch.cat(features).chunk(4, dim=-1)
    rnn, n_mels = model.config.rnn_dims, model.mel.n_mels
    weight = model.first.weight
    inner = lambda layer: layer.weight[:, -second.shape[1] :]  # noqa: E731
    gates = F.linear(second, model.rnn2.weight_ih_l0[:, rnn:], model.rnn2.bias_ih_l0)
    conditions = Conditions(
        first=F.linear(whole, weight[:, 1 : 1 + n_mels]).contiguous(),
        taps=model.upsample.taps().contiguous(),
        first_own=F.linear(first, weight[:, 1 + n_mels :], model.first.bias).contiguous(),
        gates=gates.contiguous(),
        fc1=F.linear(third, inner(model.fc1), model.fc1.bias).contiguous(),
        fc2=F.linear(fourth, inner(model.fc2), model.fc2.bias).contiguous(),
    )
    return conditions, begins


def engine_of(model) -> Engine:
    """The fastest that runs here. Its copies of the weights are made once, and anew when these change."""
    marks = weight_marks(model)
    if model.engines.get("marks") != marks:
        model.engines.clear()
        chosen = kernel.Kernel if kernel.usable(model) else stepping.Steps
        model.engines |= {"engine": chosen(model), "marks": marks}
    return model.engines["engine"]
