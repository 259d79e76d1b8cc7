"""The decoder of Tacotron 2: it reads the encoded text step by step and says frames.

B batch, L tokens, M width of the memory, T frames, S = T / r decoder steps, r frames a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from synthesizer.losses import attention_of_paths, length_mask
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

WINDOW_BACK, WINDOW_AHEAD = 2, 2
"""In use, attention may move this many tokens back or ahead in one decoder step: too few to leave a word out."""
DRAWN = 32
"""Decoder steps whose random numbers are drawn at once."""
GATES = (0, 1, 2, 3)
"""Where the gates keep, write, show and new stand in the attention LSTM's weights."""


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
        self.voiceless = hidden + config.token_dim
        """Width of a step's output without the voice it was told."""
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
        self,
        memory: torch.Tensor,
        token_lengths: torch.Tensor,
        mels: torch.Tensor,
        reduction: int,
        paths: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Teacher-forced. memory: (B, L, M), mels: (B, T, n_mels) normalized, T a multiple of `reduction`.
        paths: (B, S) the token at each step, -1 where it is not known; some are followed in training.

        Returns frames (B, T, n_mels), what they were made from (B, S, lstm_dim + token_dim): the decoder's state and
        the text it read, stop logits (B, S), alignment (B, S, L).
        """
        shifted = F.pad(mels[:, reduction - 1 : -1 : reduction], (0, 0, 1, 0))
        if self.training:
            shifted = shifted * (torch.rand(*shifted.shape[:2], 1, device=mels.device) >= self.config.frame_dropout)
        masks = torch.rand(2, *shifted.shape[:2], self.config.prenet_dim, device=mels.device) >= self.config.dropout
        for layer, mask in zip(self.prenet, masks):
            shifted = F.relu(layer(shifted)) * mask / (1 - self.config.dropout)
        gates = self.prenet_gates(shifted).unbind(1)
        reader = Reader(self, memory, token_lengths)
        state = reader.start()
        forced = self._forced(paths, token_lengths, memory.shape[1]) if self.training and paths is not None else None
        hidden, contexts, alignments = [], [], []
        with torch.autocast(mels.device.type, enabled=False):  # the reader's types are chosen already
            for step, gate in enumerate(gates):
                state = reader.step(gate, state, forced=forced and (forced[0], forced[1][:, step]))
                hidden.append(state.hidden)
                contexts.append(state.context)
                alignments.append(state.alignment)
        hidden = dropout(torch.stack(hidden, dim=1), self.config.lstm_dropout, self.training)
        contexts = torch.stack(contexts, dim=1)
        second = run_lstm(self.second, torch.cat([hidden, contexts], dim=-1))
        second = dropout(second, self.config.lstm_dropout, self.training)
        outputs = torch.cat([second, contexts], dim=-1)
        frames = F.linear(outputs, *self._frames(reduction)).reshape(len(mels), -1, self.n_mels)
        stops = self.stop(outputs).squeeze(-1)
        return frames, outputs[..., : self.voiceless], stops, torch.stack(alignments, dim=1)

    def _forced(
        self, paths: torch.Tensor, token_lengths: torch.Tensor, tokens: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Which items are read where (B, 1), and where: (B, S, L)."""
        chosen = (torch.rand(len(paths), device=paths.device) < self.config.forced_attention) & (paths[:, 0] >= 0)
        return chosen[:, None], attention_of_paths(paths, token_lengths, tokens)

    def speak(
        self, memory: torch.Tensor, token_lengths: torch.Tensor, reduction: int, ending: Ending, seed: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Each step hears the one before it, until every item has ended, after S steps.

        Returns frames (B, S * reduction, n_mels), what they were made from (B, S, lstm_dim + token_dim), alignment
        (B, S, L).
        """
        device, (batch, tokens, _) = memory.device, memory.shape
        reader, generator = Reader(self, memory, token_lengths), torch.Generator(device).manual_seed(seed)
        windows = attention_windows(reader.outside).flatten(0, 1)
        place = rows = tokens * torch.arange(batch, device=device)
        frames_weight, frames_bias = self._frames(reduction)
        state, frame = reader.start(), memory.new_zeros(batch, self.n_mels)
        hidden, cell = torch.zeros_like(state.hidden), torch.zeros_like(state.cell)
        groups, outputs, alignments = [], [], []
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
            outputs.append(output)
            alignments.append(state.alignment)
            place = state.alignment.argmax(dim=-1)
            ending.hear(place, few_rows(output, self.stop.weight, self.stop.bias).squeeze(-1))
            place = place + rows
        longest = int(ending.steps.max())
        frames = torch.stack(groups[:longest], dim=1).unflatten(-1, (reduction, self.n_mels)).flatten(1, 2)
        outputs = torch.stack(outputs[:longest], dim=1)[..., : self.voiceless]
        return frames, outputs, torch.stack(alignments[:longest], dim=1)

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

    def step(
        self,
        gates: torch.Tensor,
        state: Reading,
        outside: torch.Tensor | None = None,
        forced: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> Reading:
        """gates: (B, 4 * lstm_dim), the prenet's share. outside: (B, L) True where attention may not go.
        forced: (B, 1) True where the memory is read not by attention but as (B, L) says."""
        recurrent = self.recurrent(torch.cat([state.context, state.hidden], dim=-1))
        hidden, cell = LstmCell.apply(gates + recurrent, state.cell, GATES)
        query = few_rows(hidden, self.query)
        scores = AttentionScores.apply(state.history, query, self.keys, self.location, self.energy)
        scores = scores.masked_fill(self.outside if outside is None else outside, -torch.inf)
        alignment = torch.softmax(scores, dim=-1)
        followed = alignment if forced is None else torch.where(*forced, alignment)
        context = self.read(followed.to(self.memory.dtype))
        history = torch.stack([followed, state.history[:, 1] + followed], dim=1)
        return Reading(hidden, cell, context, alignment, history)
