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
from synthesizer.models.tacotron2.layers import (
    AttentionScores,
    LstmCell,
    SharedMemory,
    SharedWeight,
    dropout,
    few_rows,
    run_lstm,
    step_lstm,
)
from synthesizer.synthesis import Synthesis
from synthesizer.text import SYMBOLS, decode, encode
from training.inference import fast_bfloat16, weight_marks

MEL_MEAN, MEL_SCALE = -5.0, 2.5
"""Roughly the mean and spread of log mels of speech: the network works with (mel - mean) / scale."""
WINDOW_BACK, WINDOW_AHEAD = 2, 5
"""In use, attention may move this many tokens back or ahead in one decoder step."""
MOST_SECONDS_PER_TOKEN, MOST_SECONDS_MORE = 0.25, 2.0
"""Where a text that does not stop by itself is cut off; slow speech takes a tenth of a second a token."""
LINGER_SECONDS = 0.4
"""Attention that has rested on the end of the text for so long has said it all."""
DRAWN = 32
"""Decoder steps whose random numbers are drawn at once."""
GATES = (0, 1, 2, 3)
"""Where the gates keep, write, show and new stand in the attention LSTM's weights."""


@dataclass(frozen=True)
class Decoded:
    """Teacher-forced outputs."""

    before: torch.Tensor
    """(B, T, n_mels) normalized mel of the decoder."""
    after: torch.Tensor
    """(B, T, n_mels) with the postnet's correction."""
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
        width = config.token_dim
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
        return torch.cat([x, voices[:, None].expand(-1, x.shape[1], -1).to(x.dtype)], dim=-1)


class Ending:
    """Who of a batch has said all of its text, and how many decoder steps that took."""

    def __init__(self, token_lengths: torch.Tensor, most: torch.Tensor, linger: int):
        """most: (B,) steps after which an item is cut off. linger: steps of rest on the end of a text that end it."""
        self.last, self.most, self.linger = token_lengths - 2, most, linger
        self.steps, self.resting = torch.zeros_like(token_lengths), torch.zeros_like(token_lengths)
        self.running = torch.ones_like(token_lengths, dtype=torch.bool)
        self.finished = torch.zeros_like(self.running)
        """True where an item stopped by itself."""

    def hear(self, place: torch.Tensor, stop: torch.Tensor) -> None:
        """One step more. place: (B,) the token attended to most, stop: (B,) logits, which count at the end only."""
        at_end = place >= self.last
        self.resting = (self.resting + 1) * at_end
        says_stop = at_end & ((stop > 0) | (self.resting >= self.linger))
        self.steps += self.running
        self.finished |= self.running & says_stop
        self.running &= ~says_stop & (self.steps < self.most)


class Decoder(nn.Module):
    """Prenet, attention LSTM with location-sensitive attention (arXiv 1506.07503), second LSTM, projections.

    Only the first LSTM and the attention feed back into themselves. In training everything else runs over the whole
    sequence at once: prenet and its share of the gates before the loop, the second LSTM and the projections after it.
    """

    def __init__(self, config: Config, n_mels: int):
        super().__init__()
        self.config, self.n_mels = config, n_mels
        memory, hidden = config.token_dim + config.voice_dim, config.lstm_dim
        self.prenet = nn.ModuleList(nn.Linear(a, config.prenet_dim, bias=False) for a in (n_mels, config.prenet_dim))
        self.prenet_gates = nn.Linear(config.prenet_dim, 4 * hidden)
        self.recurrent_gates = nn.Linear(memory + hidden, 4 * hidden, bias=False)
        self.query = nn.Linear(hidden, config.attention_dim, bias=False)
        self.key = nn.Linear(memory, config.attention_dim)
        self.location = nn.Conv1d(2, config.location_channels, config.location_kernel, padding="same", bias=False)
        self.location_key = nn.Linear(config.location_channels, config.attention_dim, bias=False)
        self.energy = nn.Linear(config.attention_dim, 1, bias=False)
        self.second = nn.LSTM(hidden + memory, hidden, batch_first=True)
        self.frames = nn.Linear(hidden + memory, n_mels * config.most_reduction)
        self.stop = nn.Linear(hidden + memory, 1)

    def forward(
        self, memory: torch.Tensor, token_lengths: torch.Tensor, mels: torch.Tensor, reduction: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Teacher-forced. memory: (B, L, M), mels: (B, T, n_mels) normalized, T a multiple of `reduction`.

        Returns frames (B, T, n_mels), stop logits (B, S), alignment (B, S, L).
        """
        shifted = F.pad(mels[:, reduction - 1 : -1 : reduction], (0, 0, 1, 0))
        masks = torch.rand(2, *shifted.shape[:2], self.config.prenet_dim, device=mels.device) >= self.config.dropout
        for layer, mask in zip(self.prenet, masks):
            shifted = F.relu(layer(shifted)) * mask / (1 - self.config.dropout)
        gates = self.prenet_gates(shifted).unbind(1)
        reader = Reader(self, memory, token_lengths)
        state = reader.start()
        hidden, contexts, alignments = [], [], []
        with torch.autocast(mels.device.type, enabled=False):  # the reader's types are chosen already
            for gate in gates:
                state = reader.step(gate, state)
                hidden.append(state.hidden)
                contexts.append(state.context)
                alignments.append(state.alignment)
        hidden = dropout(torch.stack(hidden, dim=1), self.config.lstm_dropout, self.training)
        contexts = torch.stack(contexts, dim=1)
        second = run_lstm(self.second, torch.cat([hidden, contexts], dim=-1))
        second = dropout(second, self.config.lstm_dropout, self.training)
        outputs = torch.cat([second, contexts], dim=-1)
        frames = F.linear(outputs, *self._frames(reduction)).reshape(len(mels), -1, self.n_mels)
        return frames, self.stop(outputs).squeeze(-1), torch.stack(alignments, dim=1)

    def speak(
        self, memory: torch.Tensor, token_lengths: torch.Tensor, reduction: int, ending: Ending, seed: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Each step hears the one before it, until every item has ended, after S steps.

        Returns frames (B, S * reduction, n_mels) and alignment (B, S, L).
        """
        device, (batch, tokens, _) = memory.device, memory.shape
        reader, generator = Reader(self, memory, token_lengths), torch.Generator(device).manual_seed(seed)
        windows = attention_windows(reader.outside).flatten(0, 1)
        place = rows = tokens * torch.arange(batch, device=device)
        frames_weight, frames_bias = self._frames(reduction)
        state, frame = reader.start(), memory.new_zeros(batch, self.n_mels)
        hidden, cell = torch.zeros_like(state.hidden), torch.zeros_like(state.cell)
        groups, alignments = [], []
        for step in range(int(ending.most.max())):
            # To ask a GPU is to wait for it, so it is asked less often.
            if step % (1 if device.type == "cpu" else DRAWN) == 0 and not ending.running.any():
                break
            if step % DRAWN == 0:
                noise = self._prenet_noise(generator, memory)
            for layer, factor in zip(self.prenet, noise[step % DRAWN]):
                frame = F.relu(few_rows(frame, layer.weight)) * factor
            gates = few_rows(frame, self.prenet_gates.weight, self.prenet_gates.bias)
            state = reader.step(gates, state, windows.index_select(0, place))
            hidden, cell = step_lstm(self.second, torch.cat([state.hidden, state.context], dim=-1), hidden, cell)
            output = torch.cat([hidden, state.context], dim=-1)
            group = few_rows(output, frames_weight, frames_bias)
            frame = group[:, -self.n_mels :]
            groups.append(group)
            alignments.append(state.alignment)
            place = state.alignment.argmax(dim=-1)
            ending.hear(place, few_rows(output, self.stop.weight, self.stop.bias).squeeze(-1))
            place = place + rows
        longest = int(ending.steps.max())
        frames = torch.stack(groups[:longest], dim=1).unflatten(-1, (reduction, self.n_mels)).flatten(1, 2)
        return frames, torch.stack(alignments[:longest], dim=1)

    def _prenet_noise(self, generator: torch.Generator, like: torch.Tensor) -> torch.Tensor:
        """(DRAWN steps, 2 layers, 1, prenet_dim) factors of the dropout that the prenet keeps in use (section 2.2).

        One item's are every item's, and their number does not depend on the text: what a text becomes depends on the
        seed, not on who shares its batch.
        """
        shape = (DRAWN, 2, 1, self.config.prenet_dim)
        kept = torch.rand(shape, generator=generator, device=like.device) >= self.config.dropout
        return kept.to(like.dtype) / (1 - self.config.dropout)

    def _frames(self, reduction: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight and bias of the frames that are used, (reduction * n_mels, in) and (reduction * n_mels,)."""
        rows = reduction * self.n_mels
        return self.frames.weight[:rows], self.frames.bias[:rows]


def attention_windows(outside: torch.Tensor) -> torch.Tensor:
    """Where attention may not go next, by where it is: (B, L places, L), from where each text is not (B, L)."""
    places = torch.arange(outside.shape[1], device=outside.device)
    ahead = places - places[:, None]
    return outside[:, None] | (ahead < -WINDOW_BACK) | (ahead > WINDOW_AHEAD)


@dataclass(frozen=True)
class Reading:
    """Where the attention LSTM stands."""

    hidden: torch.Tensor
    """(B, lstm_dim)"""
    cell: torch.Tensor
    context: torch.Tensor
    """(B, M) what was read from the memory."""
    alignment: torch.Tensor
    """(B, L)"""
    history: torch.Tensor
    """(B, 2, L) the last alignment and the sum of all."""


class Reader:
    """One batch's memory, with all that does not change from step to step worked out once."""

    def __init__(self, decoder: Decoder, memory: torch.Tensor, token_lengths: torch.Tensor):
        self.decoder = decoder
        dtype = (
            torch.get_autocast_dtype(memory.device.type)
            if torch.is_autocast_enabled(memory.device.type)
            else memory.dtype
        )
        self.memory = memory.to(dtype)
        self.read = SharedMemory(self.memory)
        self.keys = decoder.key(memory).float()
        # Convolution and projection of the location features are one linear map.
        weight = torch.einsum("ac,cik->aik", decoder.location_key.weight, decoder.location.weight)
        self.location = weight.flatten(1).to(dtype)
        self.recurrent = SharedWeight(decoder.recurrent_gates.weight.to(dtype))
        self.query = decoder.query.weight.to(dtype)
        self.energy = decoder.energy.weight[0].float()
        self.outside = ~length_mask(token_lengths, memory.shape[1])

    def start(self) -> Reading:
        batch, tokens, width = self.memory.shape
        zeros, hidden = self.memory.new_zeros, self.decoder.config.lstm_dim
        cell, alignment = zeros(batch, hidden).float(), zeros(batch, tokens).float()
        alignment[:, 0] = 1  # at the first token
        return Reading(zeros(batch, hidden), cell, zeros(batch, width), alignment, zeros(batch, 2, tokens).float())

    def step(self, gates: torch.Tensor, state: Reading, outside: torch.Tensor | None = None) -> Reading:
        """gates: (B, 4 * lstm_dim), the prenet's share. outside: (B, L) True where attention may not go."""
        recurrent = self.recurrent(torch.cat([state.context, state.hidden], dim=-1))
        hidden, cell = LstmCell.apply(gates + recurrent, state.cell, GATES)
        query = few_rows(hidden, self.query)
        scores = AttentionScores.apply(state.history, query, self.keys, self.location, self.energy)
        scores = scores.masked_fill(self.outside if outside is None else outside, -torch.inf)
        alignment = torch.softmax(scores, dim=-1)
        context = self.read(alignment.to(self.memory.dtype))
        history = torch.stack([alignment, state.history[:, 1] + alignment], dim=1)
        return Reading(hidden, cell, context, alignment, history)


class Model(nn.Module):
    def __init__(self, config: Config, mel: MelConfig):
        super().__init__()
        self.config, self.mel = config, mel
        self.encoder = TextEncoder(config)
        self.decoder = Decoder(config, mel.n_mels)
        widths = [mel.n_mels, *[config.postnet_dim] * (config.postnet_layers - 1), mel.n_mels]
        self.postnet = ConvolutionStack(widths, config.postnet_kernel, torch.tanh, config.dropout, False)
        self.register_buffer("reduction", torch.tensor(config.reduction[0][1]))
        """Frames a decoder step the weights were last trained with."""
        self._narrow: tuple[list, Decoder] | None = None

    def train(self, mode: bool = True) -> Model:
        self._narrow = None  # fused optimizers change weights without leaving a mark
        return super().train(mode)

    def forward(
        self,
        tokens: torch.Tensor,
        token_lengths: torch.Tensor,
        voices: torch.Tensor,
        mels: torch.Tensor,
        mel_lengths: torch.Tensor,
    ) -> Decoded:
        """Teacher-forced. tokens: (B, L), voices: (B, voice_dim), mels: (B, T, n_mels) log mels, T a multiple of r."""
        memory = self.encoder(tokens, token_lengths, voices)
        normalized = (mels - MEL_MEAN) / MEL_SCALE
        before, stops, alignment = self.decoder(memory, token_lengths, normalized, int(self.reduction))
        mask = length_mask(mel_lengths, before.shape[1])
        return Decoded(before, before + self.postnet(before, mask), stops, alignment)

    def predict(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Teacher-forced log mels (B, T, n_mels) of a batch as the task describes it, T at least its longest."""
        padding = -batch["mels"].shape[1] % int(self.reduction)
        mels = F.pad(batch["mels"], (0, 0, 0, padding), value=-11.5)
        inputs = [batch[key] for key in ("tokens", "token_lengths", "voices")]
        return self(*inputs, mels, batch["mel_lengths"]).after * MEL_SCALE + MEL_MEAN

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
        encoded = [encode(text) for text in texts]
        lengths = torch.tensor([len(tokens) for tokens in encoded], device=device)
        tokens = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long, device=device)
        for row, each in zip(tokens, encoded):
            row[: len(each)] = torch.tensor(each)
        vectors = torch.stack([torch.from_numpy(voice.embedding) for voice in voices]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
            memory = self.encoder(tokens, lengths, vectors)
        decoder, reduction = self._decoder_in_use(), int(self.reduction)
        step_seconds = reduction / self.mel.frames_per_second
        most = ((lengths * MOST_SECONDS_PER_TOKEN + MOST_SECONDS_MORE) / step_seconds).long()
        ending = Ending(lengths, most, round(LINGER_SECONDS / step_seconds))
        with torch.autocast(device.type, enabled=False):
            memory = memory.to(decoder.stop.weight.dtype)
            frames, alignment = decoder.speak(memory, lengths, reduction, ending, seed)
        counts = ending.steps * reduction
        with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
            mels = frames.float() + self.postnet(frames, length_mask(counts, frames.shape[1]))
        mels = (mels * MEL_SCALE + MEL_MEAN).clamp_min(-11.52).mT.cpu()
        alignment, counts, steps = alignment.cpu().numpy(), counts.tolist(), ending.steps.tolist()
        return [
            Synthesis(
                decode(encoded[i]),
                mels[i, :, : counts[i]],
                alignment[i, : steps[i], : len(encoded[i])],
                bool(ending.finished[i]),
            )
            for i in range(len(texts))
        ]

    def _decoder_in_use(self) -> Decoder:
        """The decoder in the fastest float type, cast once, not at every step; anew when it has learned."""
        if not fast_bfloat16(self.decoder.stop.weight.device):
            return self.decoder
        marks = weight_marks(self.decoder)
        if self._narrow is None or self._narrow[0] != marks:
            with torch.inference_mode(False), torch.no_grad():
                self._narrow = marks, deepcopy(self.decoder).to(torch.bfloat16)
        return self._narrow[1]


def reversed_in_place(x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Each sequence (T, C) of x (B, T, C) backwards within its own length; the padding stays where it is."""
    places = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    turned = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    return x.gather(1, turned[..., None].expand_as(x))
