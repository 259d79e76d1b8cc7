"""HiFi-GAN (arXiv 2010.05646): transposed convolutions bring a mel to the rate of the samples, sets of dilated
convolutions at each rate give it its shape, two kinds of discriminators judge it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from speech.errors import InputError
from speech.mel import MelConfig
from speech.waveform import Waveform
from training.adversary import Judgments, against_fakes, for_fakes
from training.inference import fast_bfloat16, weight_marks
from training.schedule import Schedule
from vocoder.contract import Progress, check_mels
from vocoder.data import batch_mel
from vocoder.discriminators import MultiPeriod, MultiScale
from vocoder.layers import SLOPE, Conv, Upsample
from vocoder.losses import loss_mels, mel_distance
from vocoder.samples import write_samples

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Config:
    channels: int = 512
    """After the first convolution; each upsampling halves them."""
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2)
    """Their product is the mel's hop_length."""
    upsample_kernels: tuple[int, ...] = (16, 16, 4, 4)
    resblock: int = 1
    """1: each dilated convolution is followed by a plain one; 2: it is not (appendix A.1)."""
    resblock_kernels: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    """One tuple for each kernel."""
    segment: int = 8192
    """Samples of a training crop; a multiple of the mel's hop_length."""
    adversary_from: int = 0
    """Step from which the discriminators take part; before it, the generator learns from mel distance alone."""
    period_channels: int = 32
    """Of the period discriminators' first layer: their width."""
    scale_channels: int = 128
    """Of the scale discriminators' first layer; 0 leaves them out."""
    mel_weight: float = 45.0
    feature_weight: float = 2.0
    adversary_weight: float = 1.0
    mel_scales: tuple[float, ...] = (1.0,)
    """Window lengths of the mel distance, in the model's own; the paper's has one, several tell a generator that
    learns without discriminators more (arXiv 1910.11480, section 2.2)."""
    beta1: float = 0.8
    beta2: float = 0.99
    weight_decay: float = 0.01

    def __post_init__(self):
        pairs = (("upsample_rates", "upsample_kernels"), ("resblock_kernels", "resblock_dilations"))
        for one, other in pairs:
            if len(getattr(self, one)) != len(getattr(self, other)) or not getattr(self, one):
                raise InputError(
                    f"model.{one} and model.{other} need as many values; "
                    f"found {getattr(self, one)} and {getattr(self, other)}"
                )
        if any(k < r or (k - r) % 2 for r, k in zip(self.upsample_rates, self.upsample_kernels)):
            raise InputError(
                f"each of model.upsample_kernels must be its rate plus an even number; "
                f"found {self.upsample_kernels} for rates {self.upsample_rates}"
            )
        if any(kernel % 2 == 0 for kernel in self.resblock_kernels):
            raise InputError(f"model.resblock_kernels must be odd; found {self.resblock_kernels}")
        if self.resblock not in (1, 2):
            raise InputError(f"model.resblock is 1 or 2; found {self.resblock}")
        if self.channels % 2 ** len(self.upsample_rates):
            raise InputError(f"model.channels must be halved {len(self.upsample_rates)} times; found {self.channels}")
        if self.period_channels < 1 or self.scale_channels < 0:
            raise InputError(
                f"model.period_channels must be at least 1 and model.scale_channels at least 0; "
                f"found {self.period_channels} and {self.scale_channels}"
            )

    def context(self) -> int:
        """Frames to each side that a frame's samples depend on, at most."""
        reach, rate = 3.0, 1
        for up, kernel in zip(self.upsample_rates, self.upsample_kernels):
            reach += math.ceil(kernel / up) / rate
            rate *= up
            plain = 1 if self.resblock == 1 else 0
            sets = zip(self.resblock_kernels, self.resblock_dilations)
            reach += max(sum((d + plain) * (k // 2) for d in ds) for k, ds in sets) / rate
        return math.ceil(reach + 3 / rate)


V1 = Config()
PRESETS = {
    "v1": V1,
    "v2": replace(V1, channels=128),
    "v3": Config(
        channels=256,
        upsample_rates=(8, 8, 4),
        upsample_kernels=(16, 16, 8),
        resblock=2,
        resblock_kernels=(3, 5, 7),
        resblock_dilations=((1, 2), (2, 6), (3, 12)),
    ),
}
MEL = MelConfig()
SCHEDULE = Schedule(
    steps=1_000_000,
    batch=16,
    learning_rate=2e-4,
    final_learning_rate=2e-5,
    warmup=100,
    clip=1000.0,
    log_every=50,
    validate_every=2000,
)

CHUNK = 1024
"""Frames vocoded at a time, so that a long mel needs no more memory than a short one."""


class ResBlock(nn.Module):
    """Dilated convolutions of one kernel, each added to its input: (B, C, 1, T) -> (B, C, 1, T)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], kind: int):
        super().__init__()
        self.dilated = nn.ModuleList(Conv(channels, channels, kernel, dilation=d) for d in dilations)
        self.plain = nn.ModuleList(Conv(channels, channels, kernel) for _ in dilations if kind == 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for index, dilated in enumerate(self.dilated):
            y = dilated(F.leaky_relu(x, SLOPE))
            if self.plain:
                y = self.plain[index](F.leaky_relu(y, SLOPE, inplace=True))
            x = x + y
        return x


class Model(nn.Module):
    """The generator."""

    def __init__(self, config: Config, mel: MelConfig):
        super().__init__()
        if math.prod(config.upsample_rates) != mel.hop_length:
            raise InputError(
                f"the product of model.upsample_rates must be mel.hop_length = {mel.hop_length}; "
                f"found {config.upsample_rates}, which gives {math.prod(config.upsample_rates)}"
            )
        self.config, self.mel = config, mel
        self.first = Conv(mel.n_mels, config.channels, 7)
        widths = [config.channels // 2**i for i in range(len(config.upsample_rates) + 1)]
        shapes = zip(widths, widths[1:], config.upsample_kernels, config.upsample_rates)
        self.upsamples = nn.ModuleList(Upsample(*shape) for shape in shapes)
        self.resblocks = nn.ModuleList(
            nn.ModuleList(
                ResBlock(width, kernel, dilations, config.resblock)
                for kernel, dilations in zip(config.resblock_kernels, config.resblock_dilations)
            )
            for width in widths[1:]
        )
        self.last = Conv(widths[-1], 1, 7)
        self._folded: tuple[list, Model] | None = None

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """(B, n_mels, T) -> samples (B, 1, T * hop_length) in [-1, 1]"""
        x = self.first(mel.unsqueeze(2))
        for upsample, blocks in zip(self.upsamples, self.resblocks):
            x = upsample(F.leaky_relu(x, SLOPE))
            x = sum(block(x) for block in blocks) / len(blocks)
        return torch.tanh(self.last(F.leaky_relu(x, 0.01)).float()).squeeze(2)

    def vocode(self, mel: torch.Tensor, seed: int = 0, progress: Progress | None = None) -> Waveform:
        """(n_mels, T) -> T * hop_length samples; in bfloat16 where the processor has it, in pieces if long.

        Nothing is drawn: every seed gives the same.
        """
        return self.vocode_many([mel], seed, progress)[0]

    def vocode_many(self, mels: list[torch.Tensor], seed: int = 0, progress: Progress | None = None) -> list[Waveform]:
        """See `vocoder.contract`. One after another: a single sentence already keeps a processor busy."""
        del seed
        check_mels(mels, self.mel)
        waves = []
        for mel in mels:
            waves.append(self._sound(mel))
            if progress:
                progress(len(waves), len(mels))
        return waves

    def _sound(self, mel: torch.Tensor) -> Waveform:
        ready, context, frames = self._ready(), self.config.context(), mel.shape[1]
        mel = mel.detach().to(ready.first.bias)[None]
        pieces = []
        with torch.inference_mode():
            for start in range(0, frames, CHUNK):
                before = min(start, context)
                samples = ready(mel[..., start - before : start + CHUNK + context])[0, 0]
                begin = before * self.mel.hop_length
                pieces.append(samples[begin : begin + CHUNK * self.mel.hop_length])
            return Waveform(torch.cat(pieces).float().cpu().numpy(), self.mel.sample_rate)

    def _ready(self) -> Model:
        """A copy of these weights for use: normalized once, in the fastest float type. Made anew when they change."""
        marks = weight_marks(self)
        if self._folded is None or self._folded[0] != marks:
            self._folded = None
            with torch.inference_mode(False), torch.no_grad():
                copy = deepcopy(self).eval()
                dtype = torch.bfloat16 if fast_bfloat16(self.last.bias.device) else torch.float32
                for module in copy.modules():
                    if isinstance(module, Conv):
                        module.fold(dtype)
            self._folded = marks, copy
        return self._folded[1]


class Task:
    """Generator against discriminators (section 2.4)."""

    best_by = None
    """The newest: once discriminators teach, mel distance rises a little while the sound gets better."""

    def __init__(self, config: Config, mel: MelConfig):
        if config.segment % mel.hop_length or config.segment < 1:
            raise InputError(
                f"model.segment must be a multiple of mel.hop_length = {mel.hop_length}; found {config.segment}"
            )
        self.config, self.mel = config, mel
        self.loss_mels = loss_mels(mel, config.mel_scales)
        self.networks = {"model": Model(config, mel), "mpd": MultiPeriod(config.period_channels)}
        if config.scale_channels:
            self.networks["msd"] = MultiScale(config.scale_channels)
        judges = [network for name, network in self.networks.items() if name != "model"]
        taught = {"discriminator": judges, "model": [self.networks["model"]]}
        self.optimizers = {
            name: torch.optim.AdamW(
                [parameter for network in networks for parameter in network.parameters()],
                betas=(config.beta1, config.beta2),
                weight_decay=config.weight_decay,
            )
            for name, networks in taught.items()
        }

    def losses(self, batch: Batch, step: int) -> Iterator[tuple[str, torch.Tensor, dict]]:
        real, mel = batch_mel(batch, self.mel)
        fake = self.networks["model"](mel)
        distance = mel_distance(fake, real, self.loss_mels)
        loss, figures = self.config.mel_weight * distance, {"mel_loss": distance.detach()}
        if step >= self.config.adversary_from:
            against = against_fakes(self._judge, real, fake)
            yield "discriminator", against, {"discriminator_loss": against.detach()}
            persuasion, features = for_fakes(self._judge, real, fake)
            loss = loss + self.config.adversary_weight * persuasion + self.config.feature_weight * features
            figures |= {"adversary_loss": persuasion.detach(), "feature_loss": features.detach()}
        yield "model", loss, figures

    def _judge(self, samples: torch.Tensor) -> Judgments:
        """What all discriminators think of samples (B, 1, N)."""
        judges = [network for name, network in self.networks.items() if name != "model"]
        return [judgment for network in judges for judgment in network(samples)]

    def validate(self, held_out: list[Batch]) -> dict[str, float]:
        """Mean L1 distance of the log-mel of copies, in the model's own mel settings and in those of the loss."""
        figures: dict[str, list[torch.Tensor]] = {"mel_l1": [], "loss_mel_l1": []}
        for batch in held_out:
            real, mel = batch_mel(batch, self.mel)
            fake = self.networks["model"](mel)
            figures["mel_l1"].append(mel_distance(fake, real, [self.mel]))
            figures["loss_mel_l1"].append(mel_distance(fake, real, self.loss_mels))
        return {name: torch.stack(values).mean().item() for name, values in figures.items()}

    def sample(self, held_out: list[Batch], folder: Path) -> None:
        write_samples(self.networks["model"], held_out, self.mel, folder)

    def complaint(self, step: int, figures: dict[str, float]) -> str | None:
        if step >= 2000 and figures["mel_l1"] > 1.5:
            return (
                f"held-out copies are {figures['mel_l1']:.2f} away from their recordings' log-mel after {step} steps, "
                f"where 1.0 is usual; listen to samples/ and try a lower schedule.learning_rate"
            )
        return None
