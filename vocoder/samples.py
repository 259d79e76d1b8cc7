"""What a vocoder's training leaves to hear and see: held-out recordings beside their copies."""

from __future__ import annotations

from pathlib import Path

import torch

from speech.mel import MelConfig, log_mel
from speech.waveform import Waveform
from vocoder.data import batch_mel

COUNT = 3


def write_samples(model, held_out: list[dict[str, torch.Tensor]], mel_config: MelConfig, folder: Path) -> None:
    """Write `0-real.wav`, `0-copy.wav`, `0-mel.png` and so on for the first few held-out recordings.

    model: anything with `vocode(mel (n_mels, T)) -> Waveform`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index, batch in enumerate(held_out[:COUNT]):
        real, mel = batch_mel(batch, mel_config)
        recording = Waveform(real[0, 0].cpu().numpy(), mel_config.sample_rate)
        copy = model.vocode(mel[0])
        recording.write(folder / f"{index}-real.wav")
        copy.write(folder / f"{index}-copy.wav")
        mels = [log_mel(torch.from_numpy(wave.samples), mel_config) for wave in (recording, copy)]
        _draw(mels, ("recording", "copy"), folder / f"{index}-mel.png")


def _draw(mels: list[torch.Tensor], titles: tuple[str, ...], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    low = float(mels[0].min())
    for index, (mel, title) in enumerate(zip(mels, titles)):
        axes = figure.add_subplot(len(mels), 1, index + 1)
        axes.imshow(mel.numpy(), origin="lower", aspect="auto", vmin=low, vmax=float(mels[0].max()))
        axes.set_title(title, fontsize=9)
        axes.set_ylabel("mel band")
    axes.set_xlabel("frame")
    figure.savefig(path, dpi=80)
