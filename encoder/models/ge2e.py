"""The speaker encoder of SV2TTS: three LSTM layers, trained with the generalized end-to-end loss.

Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification", arXiv 1710.10467.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from encoder.losses import Similarity, cosines_to_centroids, equal_error_rate, softmax_loss, verification_scores
from speech.errors import InputError
from speech.mel import ENCODER_MEL, MelConfig, log_mel
from speech.trim import remove_silence
from speech.waveform import Waveform
from training.inference import fast_autocast
from training.schedule import Schedule

LOUDNESS = -30.0
"""Every recording is brought to this, in dB of full scale, so that loudness does not pass for a voice."""
SHORTEST_SPEECH = 0.5
"""Seconds of speech, without pauses, that an embedding needs at least."""
LOG_MEL_MEAN, LOG_MEL_SCALE = -6.0, 2.5
"""Roughly the mean and spread of log mels at that loudness: what brings the LSTM's input near unit size."""


@dataclass(frozen=True)
class Config:
    hidden: int = 256
    """Units of each LSTM layer."""
    layers: int = 3
    embedding: int = 256
    partial_frames: int = 160
    """Frames of one partial, 1.6 s: what the network hears at a time, in training and in use."""
    utterances: int = 10
    """Partials of each speaker in a training batch; schedule.batch counts the speakers."""

    def __post_init__(self):
        for name, fewest in {"hidden": 1, "layers": 1, "embedding": 1, "partial_frames": 1, "utterances": 2}.items():
            if getattr(self, name) < fewest:
                raise InputError(f"model.{name} must be at least {fewest}; found {getattr(self, name)}")


PRESETS = {"paper": Config()}
MEL = ENCODER_MEL
SCHEDULE = Schedule(
    steps=300_000, batch=64, learning_rate=1e-3, final_learning_rate=1e-5, warmup=500, clip=3.0, validate_every=1000
)


def features(wave: Waveform, mel: MelConfig) -> torch.Tensor:
    """What the encoder hears of a recording: (T, n_mels) log mels of its speech at one loudness, pauses removed.

    Raises InputError if less than SHORTEST_SPEECH seconds of speech are in it.
    """
    if wave.loudness < -80:
        raise InputError("the recording is silent; speech is needed")
    speech = remove_silence(wave.at(mel.sample_rate).at_loudness(LOUDNESS))
    if speech.seconds < SHORTEST_SPEECH:
        raise InputError(
            f"only {speech.seconds:.2f} s of speech in {wave.seconds:.2f} s; at least {SHORTEST_SPEECH} s are needed"
        )
    return log_mel(torch.from_numpy(speech.samples), mel).T


class Model(nn.Module):
    def __init__(self, config: Config, mel: MelConfig):
        super().__init__()
        self.config, self.mel = config, mel
        self.lstm = nn.LSTM(mel.n_mels, config.hidden, config.layers, batch_first=True)
        self.linear = nn.Linear(config.hidden, config.embedding)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """mels: (B, T, n_mels) log mels. Returns (B, embedding), unit length."""
        outputs, _ = self.lstm((mels - LOG_MEL_MEAN) / LOG_MEL_SCALE)
        return F.normalize(self.linear(outputs[:, -1]).float(), dim=-1)

    @torch.inference_mode()
    def embed(self, waves: list[Waveform]) -> torch.Tensor:
        """Embeddings (len(waves), embedding) of recordings; raises InputError for one with too little speech."""
        return self.embed_features([features(wave, self.mel) for wave in waves])

    @torch.inference_mode()
    def embed_features(self, mels: list[torch.Tensor], at_once: int = 256) -> torch.Tensor:
        """Embeddings of `features` (T, n_mels): the mean over half-overlapping partials, all batched together."""
        partials = [self._partials(mel) for mel in mels]
        device = self.linear.weight.device
        owner = torch.repeat_interleave(torch.tensor([len(p) for p in partials])).to(device)
        embeddings = []
        for chunk in torch.cat(partials).split(at_once):
            with fast_autocast(device):
                embeddings.append(self(chunk.to(device)))
        total = torch.zeros(len(mels), self.config.embedding, device=device)
        return F.normalize(total.index_add_(0, owner, torch.cat(embeddings)), dim=-1).cpu()

    def _partials(self, mel: torch.Tensor) -> torch.Tensor:
        """(partials, partial_frames, n_mels): every half partial one, the last one ending with the speech.

        Speech shorter than one partial is repeated.
        """
        length = self.config.partial_frames
        if len(mel) < length:
            mel = mel.repeat(-(-length // len(mel)), 1)[:length]
        starts = [*range(0, len(mel) - length, length // 2), len(mel) - length]
        return torch.stack([mel[start : start + length] for start in starts])


class Task:
    """Tell the speakers of a batch apart. A batch is {"mels": (S, U, T, n_mels)}."""

    best_by = "eer"

    def __init__(self, config: Config, mel: MelConfig):
        self.networks = {"model": Model(config, mel), "similarity": Similarity()}
        # Scale and bias learn at a hundredth of the rate, as in the paper's section 3.
        slow = {"params": list(self.networks["similarity"].parameters()), "rate_scale": 0.01}
        fast = {"params": list(self.networks["model"].parameters())}
        self.optimizers = {"model": torch.optim.Adam([fast, slow], lr=1.0)}

    def losses(self, batch: dict, step: int) -> Iterator:
        loss = softmax_loss(self.networks["similarity"](self._embeddings(batch)))
        yield "model", loss, {"loss": loss}

    def validate(self, held_out: list[dict]) -> dict[str, float]:
        """Loss and equal error rate of partials against centroids of the others, on speakers never learned from."""
        embeddings = torch.cat([self._embeddings(batch) for batch in held_out])
        loss = softmax_loss(self.networks["similarity"](embeddings)).item()
        same, different = verification_scores(cosines_to_centroids(embeddings))
        return {"loss": loss, "eer": equal_error_rate(same, different)}

    def sample(self, held_out: list[dict], folder: Path) -> None:
        """A UMAP picture of the held-out speakers."""
        from encoder.projection import plot

        embeddings = torch.cat([self._embeddings(batch) for batch in held_out])
        speakers, utterances, _ = embeddings.shape
        names = [str(i) for i in range(speakers) for _ in range(utterances)]
        plot(embeddings.flatten(0, 1).float().cpu().numpy(), names, folder / "umap.png", "held-out speakers")

    def complaint(self, step: int, figures: dict[str, float]) -> str | None:
        if step >= 2000 and figures["eer"] > 0.3:
            return (
                f"at step {step} held-out speakers are told apart hardly better than by chance "
                f"(EER {figures['eer']:.0%}); are there enough speakers, and are their names right?"
            )
        return None

    def _embeddings(self, batch: dict) -> torch.Tensor:
        mels = batch["mels"]
        return self.networks["model"](mels.flatten(0, 1)).unflatten(0, mels.shape[:2])
