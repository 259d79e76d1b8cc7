"""The network of Tacotron 2.

B batch, L tokens, T frames, S = T / r decoder steps, r frames a step. Padding never changes a result: convolutions
see zeros behind a text as they would behind its end, the backward LSTM starts at each text's own end, attention to
padding is exactly zero, and each item stops by itself.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from speech.errors import InputError
from speech.mel import MelConfig
from speech.voice import Voice
from synthesizer.losses import length_mask
from synthesizer.models.tacotron2.config import Config
from synthesizer.models.tacotron2.decoder import Decoder, Ending
from synthesizer.models.tacotron2.layers import dropout, run_lstm
from synthesizer.models.tacotron2.refiner import Refiner
from synthesizer.synthesis import Synthesis
from synthesizer.text import SYMBOLS, encode, normalize, pronounce, word_places
from training.inference import fast_autocast, fast_bfloat16, weight_marks

MEL_MEAN, MEL_SCALE = -5.0, 2.5
"""Roughly the mean and spread of log mels of speech: the network works with (mel - mean) / scale."""
MOST_SECONDS_PER_TOKEN, MOST_SECONDS_MORE = 0.25, 2.0
"""Where a text that does not stop by itself is cut off; slow speech takes a tenth of a second a token."""
LINGER_SECONDS = 0.4
"""Attention that has rested on the end of the text for so long has said it all."""


@dataclass(frozen=True)
class Decoded:
    """Teacher-forced outputs."""

    before: torch.Tensor
    """(B, T, n_mels) normalized mel of the decoder."""
    after: torch.Tensor
    """(B, T, n_mels) with the postnet's corrections."""
    outputs: torch.Tensor
    """(B, S, lstm_dim + token_dim) what the decoder made `before` from: its state and the text it read."""
    stops: torch.Tensor
    """(B, S) logits."""
    alignment: torch.Tensor
    """(B, S, L)"""


class ConvolutionStack(nn.Module):
    """Convolutions with batch norm, an activation between, and zeros kept in the padding."""

    def __init__(self, widths: list[int], kernel: int, activation, dropout: float, last_activation: bool):
        super().__init__()
        pairs = list(pairwise(widths))
        self.convolutions = nn.ModuleList(nn.Conv1d(a, b, kernel, padding=kernel // 2, bias=False) for a, b in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm1d(b) for _, b in pairs)
        self.activation, self.dropout, self.last_activation = activation, dropout, last_activation

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """x: (B, T, C), mask: (B, T). Returns (B, T, C')."""
        keep = mask[:, None]
        x = x.mT * keep
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            x = norm(convolution(x))
            if index < len(self.norms) - 1 or self.last_activation:
                x = self.activation(x)
            x = dropout(x, self.dropout, self.training) * keep
        return x.mT


class TextEncoder(nn.Module):
    """Tokens and a voice as the memory that attention reads."""

    def __init__(self, config: Config):
        super().__init__()
        width, self.voice_scale = config.token_dim, config.voice_scale
        self.tokens = nn.Embedding(len(SYMBOLS), width)
        widths = [width] * (config.encoder_layers + 1)
        self.convolutions = ConvolutionStack(widths, config.encoder_kernel, F.relu, config.dropout, True)
        self.forwards = nn.LSTM(width, width // 2, batch_first=True)
        self.backwards = nn.LSTM(width, width // 2, batch_first=True)

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor, voices: torch.Tensor) -> torch.Tensor:
        """tokens: (B, L), lengths: (B,), voices: (B, voice_dim). Returns memory (B, L, token_dim + voice_dim)."""
        mask = length_mask(lengths, tokens.shape[1])
        x = self.convolutions(self.tokens(tokens), mask)
        ahead = run_lstm(self.forwards, x)
        behind = run_lstm(self.backwards, reversed_in_place(x, lengths))
        x = torch.cat([ahead, reversed_in_place(behind, lengths)], dim=-1) * mask[..., None]
        voices = voices * self.voice_scale
        return torch.cat([x, voices[:, None].expand(-1, x.shape[1], -1).to(x.dtype)], dim=-1)


class Model(nn.Module):
    def __init__(self, config: Config, mel: MelConfig):
        super().__init__()
        self.config, self.mel = config, mel
        self.encoder = TextEncoder(config)
        self.decoder = Decoder(config, mel.n_mels)
        widths = [mel.n_mels, *[config.postnet_dim] * (config.postnet_layers - 1), mel.n_mels]
        self.postnet = ConvolutionStack(widths, config.postnet_kernel, torch.tanh, config.dropout, False)
        self.refiner = Refiner(config, mel.n_mels) if config.refiner_layers else None
        self.register_buffer("reduction", torch.tensor(config.reduction[0][1]))
        """Frames a decoder step the weights were last trained with."""
        self._narrow: tuple[list, Decoder, Refiner | None] | None = None

    def train(self, mode: bool = True) -> Model:
        self._narrow = None  # fused optimizers change weights without leaving a mark
        super().train(mode)
        if self.refiner is not None:
            for part in (self.encoder, self.decoder, self.postnet):
                part.eval()
        return self

    def forward(
        self,
        tokens: torch.Tensor,
        token_lengths: torch.Tensor,
        voices: torch.Tensor,
        mels: torch.Tensor,
        mel_lengths: torch.Tensor,
        paths: torch.Tensor | None = None,
    ) -> Decoded:
        """Teacher-forced. tokens: (B, L), voices: (B, voice_dim), mels: (B, T, n_mels) log mels, T a multiple of r.
        paths: (B, S) the token at each decoder step, -1 where it is not known; used in training only."""
        memory = self.encoder(tokens, token_lengths, voices)
        normalized = (mels - MEL_MEAN) / MEL_SCALE
        before, outputs, stops, alignment = self.decoder(memory, token_lengths, normalized, int(self.reduction), paths)
        mask = length_mask(mel_lengths, before.shape[1])
        return Decoded(before, before + self.postnet(before, mask), outputs, stops, alignment)

    def predict(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Log mels (B, T, n_mels) of a batch as the task describes it, T at least its longest: teacher-forced, or where
        there is a refiner, what it makes of the recordings retold."""
        voices, lengths = batch["voices"], batch["mel_lengths"]
        if self.refiner is None:
            padding = -batch["mels"].shape[1] % int(self.reduction)
            mels = F.pad(batch["mels"], (0, 0, 0, padding), value=-11.5)
            made = self(batch["tokens"], batch["token_lengths"], voices, mels, lengths).after
        else:
            frames, outputs = self.split_retold(batch["retold"])
            made = self.refiner(frames, outputs, voices, length_mask(lengths, frames.shape[1]), seed=0)
        return made * MEL_SCALE + MEL_MEAN

    def split_retold(self, retold: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames and outputs, as the refiner takes them, from rows of a decoder step each; see retell.py."""
        width = int(self.reduction) * self.mel.n_mels
        frames = retold[..., :width].unflatten(-1, (-1, self.mel.n_mels)).flatten(1, 2)
        return frames, retold[..., width:]

    @torch.inference_mode()
    def synthesize(self, texts: list[str], voices: list[Voice], seed: int = 0) -> list[Synthesis]:
        """Speak each text in its voice. A text gives the same mel alone and in any batch, for the same seed.

        Raises InputError for a text that cannot be spoken.
        """
        if len(texts) != len(voices):
            raise InputError(f"each text needs its voice: {len(texts)} texts, {len(voices)} voices")
        if not texts:
            return []
        device = self.decoder.stop.weight.device
        spoken = [pronounce(text) if self.config.lexicon else normalize(text) for text in texts]
        encoded = [encode(text) for text in spoken]
        lengths = torch.tensor([len(tokens) for tokens in encoded], device=device)
        tokens = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long, device=device)
        for row, each in zip(tokens, encoded):
            row[: len(each)] = torch.tensor(each)
        vectors = torch.stack([torch.from_numpy(voice.embedding) for voice in voices]).to(device)
        told = vectors
        if self.refiner is not None:
            told = torch.lerp(self.refiner.plain_voice.expand_as(vectors), vectors, self.config.refiner_leaning)
        with fast_autocast(device):
            memory = self.encoder(tokens, lengths, told)
        (decoder, refiner), reduction = self._in_use(), int(self.reduction)
        step_seconds = reduction / self.mel.frames_per_second
        most = ((lengths * MOST_SECONDS_PER_TOKEN + MOST_SECONDS_MORE) / step_seconds).long()
        ending = Ending(lengths, most, round(LINGER_SECONDS / step_seconds))
        with torch.autocast(device.type, enabled=False):
            memory = memory.to(decoder.stop.weight.dtype)
            frames, outputs, alignment = decoder.speak(memory, lengths, reduction, ending, seed)
        counts = ending.steps * reduction
        with fast_autocast(device):
            mask = length_mask(counts, frames.shape[1])
            mels = frames.float() + self.postnet(frames, mask)
            if refiner is not None:
                mels = refiner(mels, outputs, vectors, mask, seed)
        mels = (mels * MEL_SCALE + MEL_MEAN).clamp_min(-11.52).mT.cpu()
        alignment, counts, steps = alignment.cpu().numpy(), counts.tolist(), ending.steps.tolist()
        return [
            Synthesis(
                normalize(texts[i]),
                mels[i, :, : counts[i]],
                alignment[i, : steps[i], : len(encoded[i])],
                word_places(spoken[i]),
                bool(ending.finished[i]),
            )
            for i in range(len(texts))
        ]

    def _in_use(self) -> tuple[Decoder, Refiner | None]:
        """Decoder and refiner in the fastest float type, cast once, not at every step; anew when they have learned."""
        if not fast_bfloat16(self.decoder.stop.weight.device):
            return self.decoder, self.refiner
        marks = weight_marks(self)
        if self._narrow is None or self._narrow[0] != marks:
            with torch.inference_mode(False), torch.no_grad():
                decoder, refiner = deepcopy((self.decoder, self.refiner))
                self._narrow = marks, decoder.to(torch.bfloat16), refiner and refiner.to(torch.bfloat16)
        return self._narrow[1:]


def reversed_in_place(x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Each sequence (T, C) of x (B, T, C) backwards within its own length; the padding stays where it is."""
    places = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    turned = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    return x.gather(1, turned[..., None].expand_as(x))
