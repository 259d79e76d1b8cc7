"""What WaveRNN learns: to expect the next sample."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F

from speech.errors import InputError
from speech.mel import MelConfig
from vocoder.data import batch_mel
from vocoder.models.wavernn.config import Config
from vocoder.models.wavernn.network import Model
from vocoder.models.wavernn.outputs import compress, levels_of, mixture_loss
from vocoder.samples import write_samples

Batch = dict[str, torch.Tensor]


class Task:
    """The likelihood of a recording, sample by sample, given its mel and all that came before."""

    best_by = "nats"

    def __init__(self, config: Config, mel: MelConfig):
        hop, context = mel.hop_length, 2 * config.pad
        if config.segment % hop or config.segment <= context * hop:
            raise InputError(
                f"model.segment must be a multiple of mel.hop_length = {hop}, of more than the {context} frames that "
                f"are only looked at; found {config.segment}"
            )
        self.config, self.mel = config, mel
        self.networks = {"model": Model(config, mel)}
        self.optimizers = {"model": torch.optim.Adam(self.networks["model"].parameters(), fused=True)}

    def losses(self, batch: Batch, step: int) -> Iterator[tuple[str, torch.Tensor, dict]]:
        loss = self._nats(batch)
        yield "model", loss, {"nats": loss.detach()}

    def _nats(self, batch: Batch) -> torch.Tensor:
        """Mean negative log likelihood of a sample."""
        samples, mel = batch_mel(batch, self.mel)
        heard, said = self.heard_and_said(samples[:, 0])
        outputs = self.networks["model"](heard, mel)
        if self.config.output == "mol":
            return mixture_loss(outputs, said)
        return F.cross_entropy(outputs.flatten(0, 1).float(), said.flatten())

    def heard_and_said(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of a crop (B, segment): the samples before each as the network hears them, and those it shall say, as levels
        or samples; both (B, segment - 2 * pad * hop_length)."""
        edge = self.config.pad * self.mel.hop_length
        raised = samples[:, 1:] - self.config.preemphasis * samples[:, :-1]  # raised[i] belongs to samples[i + 1]
        raised = raised[:, edge - 2 : samples.shape[1] - edge - 1].clamp(-1, 1)
        before, now = raised[:, :-1], raised[:, 1:]
        if self.config.output == "mol":
            return before, now
        return compress(before, self.config.bits), levels_of(now, self.config.bits)

    def validate(self, held_out: list[Batch]) -> dict[str, float]:
        """Nats a sample; a guess that knows nothing has log(2 ** bits), 6.24 for 9 bits."""
        return {"nats": torch.stack([self._nats(batch) for batch in held_out]).mean().item()}

    def sample(self, held_out: list[Batch], folder: Path) -> None:
        write_samples(self.networks["model"], held_out, self.mel, folder)

    def complaint(self, step: int, figures: dict[str, float]) -> str | None:
        if step >= 2000 and self.config.output == "raw" and figures["nats"] > 0.8 * 0.6931 * self.config.bits:
            return (
                f"held-out samples are expected no better than {figures['nats']:.2f} nats after {step} steps, where "
                f"3.5 is usual; listen to samples/ and try another schedule.learning_rate"
            )
        return None
