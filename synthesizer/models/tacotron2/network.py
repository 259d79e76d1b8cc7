"""The network of Tacotron 2.

B batch, L tokens, T frames, S = T / r decoder steps, r frames a step. Padding never changes a result: convolutions
see zeros behind a text as they would behind its end, the backward LSTM starts at each text's own end, attention to
padding is exactly zero, and each item stops by itself.
"""

from __future__ import annotations

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
from synthesizer.synthesis import Synthesis
from synthesizer.text import SYMBOLS, decode, encode

MEL_MEAN, MEL_SCALE = -5.0, 2.5
"""Roughly the mean and spread of log mels of speech: the network works with (mel - mean) / scale."""
WINDOW_BACK, WINDOW_AHEAD = 2, 5
"""In use, attention may move this many tokens back or ahead in one decoder step."""
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
            x = F.dropout(x, self.dropout, self.training) * keep
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
        ahead, _ = self.forwards(x)
        behind, _ = self.backwards(reversed_in_place(x, lengths))
        x = torch.cat([ahead, reversed_in_place(behind, lengths)], dim=-1) * mask[..., None]
        return torch.cat([x, voices[:, None].expand(-1, x.shape[1], -1).to(x.dtype)], dim=-1)


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
        gates = self.prenet_gates(self._prenet(shifted, masks)).unbind(1)
        reader = Reader(self, memory, token_lengths)
        state = reader.start()
        hidden, contexts, alignments = [], [], []
        for gate in gates:
            state = reader.step(gate, state)
            hidden.append(state.hidden)
            contexts.append(state.context)
            alignments.append(state.alignment)
        hidden = F.dropout(torch.stack(hidden, dim=1), self.config.lstm_dropout, self.training)
        contexts = torch.stack(contexts, dim=1)
        second, _ = self.second(torch.cat([hidden, contexts], dim=-1))
        second = F.dropout(second, self.config.lstm_dropout, self.training)
        outputs = torch.cat([second, contexts], dim=-1)
        frames = self._frames(outputs, reduction).reshape(len(mels), -1, self.n_mels)
        return frames, self.stop(outputs).squeeze(-1), torch.stack(alignments, dim=1)

    def _prenet(self, frames: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """frames: (..., n_mels); masks: (2, ..., prenet_dim) boolean. Dropout stays on in use (section 2.2)."""
        for layer, mask in zip(self.prenet, masks):
            frames = F.relu(layer(frames)) * mask / (1 - self.config.dropout)
        return frames

    def _frames(self, outputs: torch.Tensor, reduction: int) -> torch.Tensor:
        """Only the frames that are used: (..., reduction * n_mels)."""
        rows = reduction * self.n_mels
        return F.linear(outputs, self.frames.weight[:rows], self.frames.bias[:rows])


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
        self.keys = decoder.key(memory).mT.to(dtype)
        # Convolution and projection of the location features are one linear map.
        weight = torch.einsum("ac,cik->aik", decoder.location_key.weight, decoder.location.weight)
        self.location = weight.flatten(1).to(dtype)
        self.recurrent = SharedWeight(decoder.recurrent_gates.weight.to(dtype))
        self.query = decoder.query.weight.to(dtype)
        self.energy = decoder.energy.weight.to(dtype)
        self.outside = ~length_mask(token_lengths, memory.shape[1])

    def start(self) -> Reading:
        batch, tokens, width = self.memory.shape
        zeros = lambda *shape: self.memory.new_zeros(batch, *shape)  # noqa: E731
        hidden = self.decoder.config.lstm_dim
        alignment = F.pad(zeros(tokens - 1), (1, 0), value=1.0)  # at the first token
        return Reading(zeros(hidden), zeros(hidden).float(), zeros(width), alignment, zeros(2, tokens))

    def step(self, gates: torch.Tensor, state: Reading, outside: torch.Tensor | None = None) -> Reading:
        """gates: (B, 4 * lstm_dim), the prenet's share. outside: (B, L) True where attention may not go."""
        recurrent = self.recurrent(torch.cat([state.context, state.hidden], dim=-1))
        keep, write, show, new = (gates + recurrent).float().chunk(4, dim=-1)
        cell = torch.sigmoid(keep) * state.cell + torch.sigmoid(write) * torch.tanh(new)
        hidden = (torch.sigmoid(show) * torch.tanh(cell)).to(self.memory.dtype)
        kernel = self.decoder.config.location_kernel
        around = F.pad(state.history, (kernel // 2, kernel // 2)).unfold(-1, kernel, 1)  # (B, 2, L, kernel)
        location = torch.matmul(self.location, around.transpose(2, 3).flatten(1, 2))  # as a convolution, but faster
        energy = torch.tanh(self.keys + location + F.linear(hidden, self.query)[..., None])
        scores = torch.matmul(self.energy, energy).squeeze(1).float()
        scores = scores.masked_fill(self.outside if outside is None else outside, -torch.inf)
        alignment = torch.softmax(scores, dim=-1).to(self.memory.dtype)
        context = torch.bmm(alignment[:, None], self.memory).squeeze(1)
        history = torch.stack([alignment, state.history[:, 1] + alignment], dim=1)
        return Reading(hidden, cell, context, alignment, history)


class SharedWeight:
    """A weight matrix used at every step of a loop, whose gradient is one product after the loop, not one a step."""

    def __init__(self, weight: torch.Tensor):
        self.uses: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.weight = GatherGradient.apply(weight, self.uses)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x: (B, in). Returns (B, out)."""
        return LinearNotingUse.apply(x, self.weight, self.uses)


class LinearNotingUse(torch.autograd.Function):
    """x @ weight.T, whose backward leaves the weight's gradient to GatherGradient."""

    @staticmethod
    def forward(ctx, x, weight, uses):
        ctx.save_for_backward(x, weight)
        ctx.uses = uses
        return F.linear(x, weight)

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        ctx.uses.append((gradient, x))
        return gradient @ weight, None, None


class GatherGradient(torch.autograd.Function):
    """The weight as it is; backward runs after that of every use, and works out the gradient of all of them."""

    @staticmethod
    def forward(ctx, weight, uses):
        ctx.uses = uses
        return weight.view_as(weight)

    @staticmethod
    def backward(ctx, _):
        gradients, inputs = (torch.cat(each) for each in zip(*ctx.uses))
        ctx.uses.clear()
        return gradients.mT @ inputs, None


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
        device = self.decoder.stop.weight.device
        encoded = [encode(text) for text in texts]
        lengths = torch.tensor([len(tokens) for tokens in encoded], device=device)
        tokens = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long, device=device)
        for row, each in zip(tokens, encoded):
            row[: len(each)] = torch.tensor(each)
        vectors = torch.stack([torch.from_numpy(voice.embedding) for voice in voices]).to(device)
        memory = self.encoder(tokens, lengths, vectors)
        frames, alignment, steps, finished = self._speak(memory, lengths, seed)
        counts = steps * int(self.reduction)
        mels = frames + self.postnet(frames, length_mask(counts, frames.shape[1]))
        mels = (mels * MEL_SCALE + MEL_MEAN).float().mT.cpu()
        return [
            Synthesis(
                decode(encoded[i]),
                mels[i, :, : counts[i]].clamp_min(-11.52),
                alignment[i, : steps[i], : lengths[i]].float().cpu().numpy(),
                bool(finished[i]),
            )
            for i in range(len(texts))
        ]

    def _speak(
        self, memory: torch.Tensor, lengths: torch.Tensor, seed: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Run the decoder until every item has stopped: frames (B, T, n_mels), alignment, steps (B,), finished (B,)."""
        decoder, reduction = self.decoder, int(self.reduction)
        step_seconds = reduction / self.mel.frames_per_second
        most = ((lengths * MOST_SECONDS_PER_TOKEN + MOST_SECONDS_MORE) / step_seconds).long()
        linger = round(LINGER_SECONDS / step_seconds)
        reader = Reader(decoder, memory, lengths)
        state, second = reader.start(), None
        frame = memory.new_zeros(len(memory), self.mel.n_mels)
        place = torch.zeros_like(lengths)
        resting, steps, finished = (
            torch.zeros_like(lengths),
            torch.zeros_like(lengths),
            torch.zeros_like(lengths).bool(),
        )
        tokens = torch.arange(memory.shape[1], device=memory.device)
        generator = torch.Generator(memory.device).manual_seed(seed)
        frames, alignments = [], []
        for step in range(int(most.max())):
            # One mask for all items: an item's dropout does not depend on who shares its batch.
            masks = torch.rand(2, 1, decoder.config.prenet_dim, generator=generator, device=memory.device)
            gates = decoder.prenet_gates(decoder._prenet(frame, masks >= decoder.config.dropout))
            outside = (tokens < place[:, None] - WINDOW_BACK) | (tokens > place[:, None] + WINDOW_AHEAD)
            state = reader.step(gates, state, reader.outside | outside)
            output, second = decoder.second(torch.cat([state.hidden, state.context], dim=-1)[:, None], second)
            output = torch.cat([output[:, 0], state.context], dim=-1)
            group = decoder._frames(output, reduction).unflatten(-1, (reduction, self.mel.n_mels))
            frame = group[:, -1]
            frames.append(group)
            alignments.append(state.alignment)
            place = state.alignment.argmax(dim=-1)
            at_end = place >= lengths - 2
            resting = torch.where(at_end, resting + 1, 0)
            running = steps == 0
            says_stop = at_end & ((decoder.stop(output).squeeze(-1) > 0) | (resting >= linger))
            steps = torch.where(running & (says_stop | (step + 1 >= most)), step + 1, steps)
            finished |= running & says_stop
            if bool((steps > 0).all()):
                break
        return torch.cat(frames, dim=1), torch.stack(alignments, dim=1), steps, finished


def reversed_in_place(x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Each sequence (T, C) of x (B, T, C) backwards within its own length; the padding stays where it is."""
    places = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    turned = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    return x.gather(1, turned[..., None].expand_as(x))
