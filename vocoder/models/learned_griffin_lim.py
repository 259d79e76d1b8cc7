"""Griffin-Lim on learned magnitudes: a network turns a mel into the magnitudes of all frequencies, and phases are found
that agree with them.

What Griffin-Lim loses, it loses before the phases: from a recording's own magnitudes it is nearly the recording, from
magnitudes guessed by the mel's inverse it is not. To learn those is cheap, a few minutes of a processor, where to learn
a waveform takes days; and it runs once a frame, not once a sample. As the post-processing net of the first Tacotron
(arXiv 1703.10135, section 3.4), here with the blocks of Vocos (arXiv 2306.00814), a first guess to correct
(arXiv 2406.08196), and a discriminator of spectrograms against blurring.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from speech.errors import InputError
from speech.griffin_lim import LOUDEST, fit_to_mel, groups_of, laid_out, sounds_of_magnitudes
from speech.mel import FLOOR, MelConfig, magnitudes, mel_filters
from speech.waveform import Waveform
from training.adversary import SpectrogramJudge, against_fakes, for_fakes
from training.inference import fast_autocast
from training.schedule import Schedule
from vocoder.contract import Progress, check_mels
from vocoder.data import margin
from vocoder.samples import write_samples

Batch = dict[str, torch.Tensor]
QUIET = math.log(1e-3)
"""Log magnitudes below this are not heard, and not learned."""
LOG_SPREAD = 2.5
"""Roughly the standard deviation of log magnitudes."""


@dataclass(frozen=True)
class Config:
    width: int = 256
    layers: int = 6
    kernel: int = 7
    expansion: int = 3
    """Width inside a block, relative to its own."""
    mel_iterations: int = 5
    """Steps, in use, that bring the learned magnitudes back to the mel they came from: the network knows the fine
    structure best, the mel the strength of each band."""
    iterations: int = 60
    """Of phases."""
    momentum: float = 0.99
    segment: int = 12800
    """Samples of a training crop; a multiple of the mel's hop_length."""
    adversary_from: int = 1500
    """Step from which the discriminator takes part."""
    adversary_weight: float = 0.1
    feature_weight: float = 0.2
    judge_channels: int = 16
    """Of the discriminator's first layer."""

    def __post_init__(self):
        if self.kernel % 2 == 0:
            raise InputError(f"model.kernel must be odd, so that it has a middle; found {self.kernel}")


PRESETS = {"usual": Config()}
MEL = MelConfig()
SCHEDULE = Schedule(
    steps=10_000, batch=32, learning_rate=1e-3, final_learning_rate=1e-4, warmup=100, log_every=50, validate_every=1000,
    ema=0.999,
)  # fmt: skip


class Block(nn.Module):
    """A ConvNeXt block over time (arXiv 2201.03545): (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int, kernel: int, expansion: int, scale: float):
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.out, self.back = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        """keep: (T, 1) zero at frames of no item."""
        y = self.norm(self.depthwise((x if keep is None else x * keep).mT).mT)
        return x + self.scale * self.back(F.gelu(self.out(y)))


class Model(nn.Module):
    """Mel -> magnitudes -> sound."""

    def __init__(self, config: Config, mel: MelConfig):
        super().__init__()
        self.config, self.mel = config, mel
        bins = mel.n_fft // 2 + 1
        self.first = nn.Conv1d(mel.n_mels, config.width, config.kernel, padding=config.kernel // 2)
        self.first_norm = nn.LayerNorm(config.width)
        self.blocks = nn.ModuleList(
            Block(config.width, config.kernel, config.expansion, 1 / config.layers) for _ in range(config.layers)
        )
        self.last_norm, self.last = nn.LayerNorm(config.width), nn.Linear(config.width, bins)
        inverse = torch.linalg.pinv(mel_filters(mel, torch.device("cpu")))
        self.register_buffer("inverse", inverse, persistent=False)

    def forward(self, mel: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        """Log mel (B, n_mels, T) -> log magnitudes (B, n_fft // 2 + 1, T).

        keep: (T, 1) zero at frames of no item, which convolutions then see as they see what lies beyond an end.
        """
        mel = mel.float().clamp(math.log(FLOOR), LOUDEST)
        with torch.autocast(mel.device.type, enabled=False):
            guess = (self.inverse @ mel.exp()).clamp_min(1e-3).log()
        scaled = (mel + 5) / 2.5
        x = self.first_norm(self.first(scaled if keep is None else scaled * keep.mT).mT)
        for block in self.blocks:
            x = block(x, keep)
        return (guess + self.last(self.last_norm(x)).mT.float()).clamp_max(2 * LOUDEST)

    def vocode(self, mel: torch.Tensor, seed: int = 0, progress: Progress | None = None) -> Waveform:
        """(n_mels, T) -> T * hop_length samples. The seed is that of the first phases."""
        return self.vocode_many([mel], seed, progress)[0]

    def vocode_many(self, mels: list[torch.Tensor], seed: int = 0, progress: Progress | None = None) -> list[Waveform]:
        """See `vocoder.contract`."""
        check_mels(mels, self.mel)
        groups = groups_of([mel.to(self.last.bias) for mel in mels])
        magnitudes = [magnitude for group in groups for magnitude in self._magnitudes(group)]
        return sounds_of_magnitudes(magnitudes, self.mel, self.config.iterations, self.config.momentum, seed, progress)

    @torch.inference_mode()
    def _magnitudes(self, mels: list[torch.Tensor]) -> list[torch.Tensor]:
        """(n_mels, T_i) -> (n_fft // 2 + 1, T_i) each. They lie as far apart as a convolution reaches."""
        gap = self.config.kernel // 2
        mel, starts = laid_out(mels, gap)
        keep = laid_out([torch.ones_like(each[:1]) for each in mels], gap)[0].mT
        with fast_autocast(mel.device):
            made = self(mel[None], keep)[0]
        magnitude = fit_to_mel(made.exp(), mel, self.mel, self.config.mel_iterations)
        return [magnitude[:, start : start + each.shape[1]] for start, each in zip(starts, mels)]


class Task:
    """Near the true magnitudes, and like magnitudes of speech to a discriminator."""

    best_by = None

    def __init__(self, config: Config, mel: MelConfig):
        if config.segment % mel.hop_length or config.segment < 1:
            raise InputError(
                f"model.segment must be a multiple of mel.hop_length = {mel.hop_length}; found {config.segment}"
            )
        self.config, self.mel = config, mel
        self.networks = {"model": Model(config, mel), "judge": SpectrogramJudge(config.judge_channels)}
        self.optimizers = {
            "discriminator": torch.optim.AdamW(self.networks["judge"].parameters(), betas=(0.8, 0.99)),
            "model": torch.optim.AdamW(self.networks["model"].parameters(), betas=(0.9, 0.99)),
        }

    def losses(self, batch: Batch, step: int) -> Iterator[tuple[str, torch.Tensor, dict]]:
        real, mel = batch_magnitudes(batch, self.mel)
        fake = self.networks["model"](mel)
        distance = magnitude_distance(fake, real)
        loss, figures = distance, {"magnitude_loss": distance.detach()}
        if step >= self.config.adversary_from:
            judge = self.networks["judge"]
            made, true = (logs.clamp_min(QUIET) / LOG_SPREAD for logs in (fake, real))
            against = against_fakes(judge, true, made)
            yield "discriminator", against, {"discriminator_loss": against.detach()}
            persuasion, features = for_fakes(judge, true, made)
            loss = loss + self.config.adversary_weight * persuasion + self.config.feature_weight * features
            figures |= {"adversary_loss": persuasion.detach(), "feature_loss": features.detach()}
        yield "model", loss, figures

    def validate(self, held_out: list[Batch]) -> dict[str, float]:
        """Mean distance of magnitudes, and of their logarithms alone."""
        pairs = [batch_magnitudes(batch, self.mel) for batch in held_out]
        made = [(self.networks["model"](mel), real) for real, mel in pairs]
        logs = [F.l1_loss(fake.clamp_min(QUIET), real.clamp_min(QUIET)) for fake, real in made]
        distances = [magnitude_distance(fake, real) for fake, real in made]
        return {
            "magnitude_loss": torch.stack(distances).mean().item(),
            "log_magnitude_l1": torch.stack(logs).mean().item(),
        }

    def sample(self, held_out: list[Batch], folder: Path) -> None:
        write_samples(self.networks["model"], held_out, self.mel, folder)

    def complaint(self, step: int, figures: dict[str, float]) -> str | None:
        if step >= 1000 and figures["log_magnitude_l1"] > 1.5:
            return (
                f"held-out magnitudes are {figures['log_magnitude_l1']:.2f} away from their recordings' after {step} "
                f"steps, where 0.6 is usual; listen to samples/ and try a lower schedule.learning_rate"
            )
        return None


def batch_magnitudes(batch: Batch, mel: MelConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch's true log magnitudes (B, bins, T) and the log mel (B, n_mels, T) to make them from."""
    frames = margin(mel) // mel.hop_length
    with torch.autocast(batch["samples"].device.type, enabled=False):
        real = magnitudes(batch["samples"], mel)[..., frames : -frames or None]
        wanted = batch.get("mel")
        if wanted is None:
            wanted = torch.log((mel_filters(mel, real.device) @ real).clamp_min(FLOOR))
        return real.clamp_min(1e-7).log(), wanted


def magnitude_distance(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of log magnitudes, and of magnitudes compressed as loudness is heard."""
    fake, real = fake.clamp_min(QUIET), real.clamp_min(QUIET)
    return F.l1_loss(fake, real) + F.l1_loss((0.3 * fake).exp(), (0.3 * real).exp())
