"""What Tacotron 2 learns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F

from speech.mel import MelConfig
from speech.voice import Voice
from speech.waveform import Waveform
from synthesizer.losses import (
    coverage,
    diagonality,
    guided_attention_loss,
    length_mask,
    masked_mean,
    mel_loss,
    stop_loss,
)
from synthesizer.models.tacotron2.config import Config
from synthesizer.models.tacotron2.network import MEL_MEAN, MEL_SCALE, Decoded, Model
from synthesizer.text import decode
from training.adversary import SpectrogramJudge, against_fakes, for_fakes
from training.loop import Batch


class Task:
    """Predict each frame group from the true ones before it, attend along the diagonal, know when to stop. Or if there
    is a refiner: make of recordings retold in one voice the recordings.

    A batch is {"tokens" (B, L), "token_lengths", "voices" (B, voice_dim), "mels" (B, T, n_mels), "mel_lengths"},
    where it is known, "paths" (B, T): the token that each frame says, and for a refiner "retold" (B, S, r * n_mels +
    lstm_dim + token_dim) and "plain_voice" (voice_dim,); see retell.py.
    """

    def __init__(self, config: Config, mel: MelConfig):
        self.config = config
        self.networks = {"model": Model(config, mel)}
        learns = self.networks["model"].refiner or self.networks["model"]
        self.optimizers = {"model": torch.optim.Adam(learns.parameters(), lr=1.0, eps=1e-6, fused=True)}
        self.best_by = "flow" if config.refiner_layers else "loss"
        if config.adversary_from is not None:
            self.networks["judge"] = judge = SpectrogramJudge(config.judge_channels)
            learns = [{"params": list(judge.parameters()), "rate_scale": config.judge_rate}]
            self.optimizers["discriminator"] = torch.optim.AdamW(learns, lr=1.0, betas=(0.8, 0.99))
            self.best_by = None  # sharper is not nearer

    def losses(self, batch: Batch, step: int) -> Iterator:
        model = self.networks["model"]
        model.reduction.fill_(self.config.reduction_at(step))
        if model.refiner is not None:
            model.refiner.plain_voice.copy_(batch["plain_voice"])
            flow = self._flow(batch, self.config.refiner_excerpt)
            yield "model", flow, {"flow": flow}
            return
        decoded, batch, step_lengths = self._decode(batch)
        target = (batch["mels"] - MEL_MEAN) / MEL_SCALE
        mask = length_mask(batch["mel_lengths"], target.shape[1])
        mel = mel_loss(decoded.before, target, mask) + mel_loss(decoded.after, target, mask)
        stop = stop_loss(decoded.stops, step_lengths, self.config.stop_weight)
        alignment = decoded.alignment.float()
        guide = guided_attention_loss(
            alignment, step_lengths, batch["token_lengths"], self.config.guide_width, batch.get("paths")
        )
        loss = mel + stop + self.config.guide_weight * guide
        aligned = diagonality(alignment.detach(), step_lengths, batch["token_lengths"])
        figures = {"mel": mel, "stop": stop, "guide": guide, "diagonality": aligned}
        places, inside = self._excerpts(batch["mel_lengths"], target.shape[1], self.config.judged_frames)
        yield from self._judged(loss, figures, cut(target, places), cut(decoded.after, places), inside, step)

    def _flow(self, batch: Batch, longest: int) -> torch.Tensor:
        """The refiner's loss of excerpts of at most so many frames."""
        model = self.networks["model"]
        frames, outputs = model.split_retold(batch["retold"])
        places, inside = self._excerpts(batch["mel_lengths"], frames.shape[1], longest)
        reduction = int(model.reduction)
        outputs = cut(outputs, places[:, ::reduction] // reduction)
        mels = F.pad(batch["mels"], (0, 0, 0, frames.shape[1] - batch["mels"].shape[1]))
        target = (cut(mels, places) - MEL_MEAN) / MEL_SCALE
        return model.refiner.loss(target, cut(frames, places), outputs, batch["voices"], inside)

    def _judged(
        self, loss: torch.Tensor, figures: dict, true: torch.Tensor, made: torch.Tensor, inside: torch.Tensor, step: int
    ) -> Iterator:
        """The losses of the discriminator, once there is one, and of the model, to whose loss it adds.
        true, made: (B, T, n_mels) excerpts, inside: (B, T); outside, both show the discriminator the same."""
        if self.config.adversary_from is not None and step >= self.config.adversary_from:
            judge, true = self.networks["judge"], true.mT
            made = torch.where(inside[:, None], made.mT.to(true.dtype), true)
            against = against_fakes(judge, true, made)
            yield "discriminator", against, {"discriminator_loss": against.detach()}
            persuasion, features = for_fakes(judge, true, made)
            loss = loss + self.config.adversary_weight * persuasion + self.config.feature_weight * features
            figures |= {"adversary_loss": persuasion.detach(), "feature_loss": features.detach()}
        yield "model", loss, figures

    def validate(self, held_out: list[Batch]) -> dict[str, float]:
        """Teacher-forced figures: loss, errors of log mels, stop error, diagonality, coverage, the refiner's flow."""
        sums: dict[str, float] = {}
        for batch in held_out:
            torch.manual_seed(0)  # the prenet's dropout
            decoded, batch, step_lengths = self._decode(batch)
            mask = length_mask(batch["mel_lengths"], batch["mels"].shape[1])
            alignment, token_lengths = decoded.alignment.float(), batch["token_lengths"]
            target = (batch["mels"] - MEL_MEAN) / MEL_SCALE
            last = torch.arange(decoded.stops.shape[1], device=mask.device) >= step_lengths[:, None] - 1
            wrong = ((decoded.stops > 0) != last).float()
            figures = {
                "loss": mel_loss(decoded.after, target, mask),
                "mel_mse": masked_mean((decoded.after - target).square(), mask) * MEL_SCALE**2,
                "mel_mae": masked_mean((decoded.after - target).abs(), mask) * MEL_SCALE,
                "stop_error": masked_mean(wrong, length_mask(step_lengths, wrong.shape[1])),
                "diagonality": diagonality(alignment, step_lengths, token_lengths),
                "coverage": coverage(alignment, step_lengths, token_lengths),
            }
            if "retold" in batch:
                figures["flow"] = self._flow(batch, mask.shape[1])
            for key, value in figures.items():
                sums[key] = sums.get(key, 0.0) + value.item() / len(held_out)
        return sums

    def sample(self, held_out: list[Batch], folder: Path) -> None:
        """A few held-out sentences spoken freely: mel and alignment as a picture, the sound by Griffin-Lim."""
        from speech.griffin_lim import griffin_lim
        from synthesizer.pictures import plot_synthesis

        batch, model = held_out[len(held_out) // 2], self.networks["model"]
        for i in range(min(3, len(batch["tokens"]))):
            text = decode(batch["tokens"][i, : batch["token_lengths"][i]].tolist())
            voice = Voice("held out", batch["voices"][i].cpu().numpy(), Waveform.silence(0, model.mel.sample_rate))
            (made,) = model.synthesize([text], [voice])
            recorded = batch["mels"][i, : batch["mel_lengths"][i]].cpu().T.numpy()
            plot_synthesis(folder / f"{i}.png", recorded, made.mel.numpy(), made.alignment, text)
            griffin_lim(made.mel, model.mel, iterations=30).write(folder / f"{i}.wav")

    def complaint(self, step: int, figures: dict[str, float]) -> str | None:
        if step >= self.config.align_by and figures["diagonality"] < 0.7:
            return (
                f"the attention does not align by step {step}: diagonality {figures['diagonality']:.2f} "
                f"(0.36 is none, 0.7 the least that speaks). Look at samples/: check that the texts say what the clips "
                f"say and that clips hold no long silences, or begin with more frames a step (model.reduction)"
            )
        return None

    def _excerpts(self, lengths: torch.Tensor, padded: int, longest: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames (B, at most `longest`) of an excerpt, of whole decoder steps, at a random place of each item, and
        which of them lie within the item. padded: frames of the batch."""
        reduction = int(self.networks["model"].reduction)
        frames = max(1, min(longest, padded) // reduction) * reduction
        room = (lengths - frames).clamp_min(0) // reduction
        start = (torch.rand(len(lengths), device=lengths.device) * (room + 1)).long() * reduction
        places = start[:, None] + torch.arange(frames, device=lengths.device)
        return places, places < lengths[:, None]

    def _decode(self, batch: Batch) -> tuple[Decoded, Batch, torch.Tensor]:
        """Teacher-forced outputs, the batch with its mels padded to whole decoder steps, and the steps of each item."""
        model = self.networks["model"]
        reduction = int(model.reduction)
        mels = F.pad(batch["mels"], (0, 0, 0, -batch["mels"].shape[1] % reduction), value=-11.5)
        batch = batch | {"mels": mels}
        if "paths" in batch:
            batch["paths"] = batch["paths"][:, reduction // 2 :: reduction]  # in the middle of each step
            batch["paths"] = F.pad(batch["paths"], (0, mels.shape[1] // reduction - batch["paths"].shape[1]), value=-1)
        step_lengths = -(-batch["mel_lengths"] // reduction)
        inputs = (batch[key] for key in ("tokens", "token_lengths", "voices", "mels", "mel_lengths"))
        return model(*inputs, batch.get("paths")), batch, step_lengths


def cut(x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """(B, T, C) at places (B, P): (B, P, C)."""
    return x.gather(1, places[..., None].expand(-1, -1, x.shape[2]))
