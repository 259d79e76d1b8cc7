"""WaveRNN in use: sounds cut into folds, all folds one step further at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import lfilter

from speech.griffin_lim import LOUDEST
from speech.mel import FLOOR
from speech.waveform import Waveform
from training.inference import weight_marks
from vocoder.contract import Progress
from vocoder.models.wavernn import kernel, stepping
from vocoder.models.wavernn.folding import Fold, folds_of, join
from vocoder.models.wavernn.outputs import expand

MEL_MEAN, MEL_SCALE = -5.0, 2.5
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


def generate(model, mels: list[torch.Tensor], seed: int, progress: Progress | None) -> list[Waveform]:
    """A sound for each mel (n_mels, T), of T * hop_length samples; see `vocoder.contract`."""
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


def _run(model, mels: list[torch.Tensor], folds: list[Fold], seed: int, progress: Progress | None) -> list[np.ndarray]:
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
    """What all mels say, and the frame at which each begins. Each is looked at alone: not even rounding depends on the
    others."""
    pad = model.config.pad
    parts = [_frames_of(model, mel) for mel in mels]
    first, first_own, gates, fc1, fc2 = (torch.cat(each) for each in zip(*parts))
    ends = np.cumsum([len(part[0]) for part in parts]).tolist()
    begins = [end - len(part[0]) + pad for end, part in zip(ends, parts)]
    return Conditions(first, model.upsample.taps().contiguous(), first_own, gates, fc1, fc2), begins


def normalized(mel: torch.Tensor) -> torch.Tensor:
    """A log mel as the network takes it."""
    return (mel.clamp(math.log(FLOOR), LOUDEST) - MEL_MEAN) / MEL_SCALE


def _frames_of(model, mel: torch.Tensor) -> list[torch.Tensor]:
    """What one mel (n_mels, T) says to the layers, T + 2 * pad frames each."""
    pad, rnn, n_mels = model.config.pad, model.config.rnn_dims, model.mel.n_mels
    quiet = -100.0  # before and after a sound; taken as the floor
    padded = normalized(F.pad(mel.to(model.fc3.bias), (pad, pad), value=quiet))
    features = F.pad(model.resnet(padded[None])[0], (0, 0, pad, pad)).chunk(4, dim=-1)
    part = features[0].shape[1]
    return [
        F.linear(padded.mT, model.first.weight[:, 1 : 1 + n_mels]),
        F.linear(features[0], model.first.weight[:, 1 + n_mels :], model.first.bias),
        F.linear(features[1], model.rnn2.weight_ih_l0[:, rnn:], model.rnn2.bias_ih_l0),
        F.linear(features[2], model.fc1.weight[:, -part:], model.fc1.bias),
        F.linear(features[3], model.fc2.weight[:, -part:], model.fc2.bias),
    ]


def engine_of(model) -> Engine:
    """The fastest that runs here. Its copies of the weights are made once, and anew when these change."""
    marks = weight_marks(model)
    if model.engines.get("marks") != marks:
        model.engines.clear()
        chosen = kernel.Kernel if kernel.usable(model) else stepping.Steps
        model.engines |= {"engine": chosen(model), "marks": marks}
    return model.engines["engine"]
