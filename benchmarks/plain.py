"""The same work written plainly, in float32, one thing after another: what Timbre is compared with where the checkouts
of other projects are absent. It says how much our care for speed brings, not how fast others are."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from encoder.models import ge2e
from speech.mel import log_mel
from speech.waveform import Waveform
from synthesizer.text import SYMBOLS, encode

_CELLS = {"paper": (512, 1024, 256, 512), "small": (256, 512, 128, 256)}
"""Widths of tokens, decoder LSTMs, prenet and postnet."""


def preprocess(folder: str, out: str) -> None:
    Path(out).mkdir(parents=True)
    for path in sorted(Path(folder).rglob("*.flac")):
        np.save(Path(out, path.stem), ge2e.features(Waveform.read(path), ge2e.MEL).numpy())


def embed(clips: list[str], trim: bool):
    lstm, linear = nn.LSTM(40, 256, 3, batch_first=True), nn.Linear(256, 256)
    waves = [Waveform.read(clip) for clip in clips]

    @torch.no_grad()
    def one(wave):
        mel = ge2e.features(wave, ge2e.MEL) if trim else log_mel(torch.from_numpy(wave.samples), ge2e.MEL).T
        _, (hidden, _) = lstm(mel.unfold(0, 160, 80).mT)
        return F.normalize(F.normalize(linear(hidden[-1]), dim=-1).mean(dim=0), dim=0)

    return lambda: [one(wave) for wave in waves]


def encoder_step(speakers: int, utterances: int, frames: int):
    model = nn.ModuleList([nn.LSTM(40, 256, 3, batch_first=True), nn.Linear(256, 256)])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    batch = torch.randn(speakers * utterances, frames, 40)
    owner = torch.arange(speakers).repeat_interleave(utterances)

    def step():
        _, (hidden, _) = model[0](batch)
        embeddings = F.normalize(model[1](hidden[-1]), dim=-1)
        centroids = F.normalize(embeddings.unflatten(0, (speakers, utterances)).sum(dim=1), dim=-1)
        F.cross_entropy(10 * embeddings @ centroids.T - 5, owner).backward()
        _finish(model, optimizer)

    return step


def _finish(model, optimizer) -> None:
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


class Tacotron(nn.Module):
    """Tacotron 2 with everything in the decoder's loop."""

    def __init__(self, preset: str, reduction: int):
        super().__init__()
        tokens, hidden, prenet, postnet = _CELLS[preset]
        memory = tokens + 256
        convolve = lambda a, b, f: nn.Sequential(nn.Conv1d(a, b, 5, padding=2), nn.BatchNorm1d(b), f)  # noqa: E731
        self.reduction, self.hidden, self.tokens = reduction, hidden, nn.Embedding(len(SYMBOLS), tokens)
        self.text = nn.Sequential(*[convolve(tokens, tokens, nn.ReLU()) for _ in range(3)])
        self.read = nn.LSTM(tokens, tokens // 2, batch_first=True, bidirectional=True)
        self.prenet = nn.Sequential(nn.Linear(80, prenet), nn.ReLU(), nn.Linear(prenet, prenet), nn.ReLU())
        self.first, self.second = nn.LSTMCell(prenet + memory, hidden), nn.LSTMCell(hidden + memory, hidden)
        self.key, self.query = nn.Linear(memory, 128), nn.Linear(hidden, 128)
        self.location = nn.Sequential(nn.Conv1d(2, 32, 31, padding=15), nn.Conv1d(32, 128, 1))
        self.energy = nn.Linear(128, 1)
        self.frames, self.stop = nn.Linear(hidden + memory, 80 * reduction), nn.Linear(hidden + memory, 1)
        widths = [80, *[postnet] * 4, 80]
        self.postnet = nn.Sequential(*[convolve(a, b, nn.Tanh()) for a, b in pairwise(widths)])

    def forward(self, tokens, voices, mels=None, frames=0):
        """Teacher-forced with mels (B, T, 80), free for `frames` without. Returns two mels and stop logits."""
        texts, _ = self.read(self.text(self.tokens(tokens).mT).mT)
        memory = torch.cat([texts, voices[:, None].expand(-1, texts.shape[1], -1)], dim=-1)
        zeros, history = memory.new_zeros(len(memory), self.hidden), memory.new_zeros(len(memory), 2, memory.shape[1])
        first, second, context, frame = (zeros, zeros), (zeros, zeros), memory[:, 0] * 0, memory.new_zeros(1, 80)
        outputs, stops = [], []
        for start in range(0, frames if mels is None else mels.shape[1], self.reduction):
            if mels is not None and start:
                frame = mels[:, start - 1]
            heard = self.prenet(frame.expand(len(memory), -1))
            first = self.first(torch.cat([heard, context], dim=-1), first)
            query = self.query(first[0])[:, None] + self.location(history).mT
            weights = self.energy(torch.tanh(self.key(memory) + query)).softmax(dim=1)
            history = torch.stack([weights[..., 0], history[:, 1] + weights[..., 0]], dim=1)
            context = (weights * memory).sum(dim=1)
            second = self.second(torch.cat([first[0], context], dim=-1), second)
            output = torch.cat([second[0], context], dim=-1)
            outputs.append(self.frames(output).unflatten(-1, (-1, 80)))
            stops.append(self.stop(output))
            frame = outputs[-1][:, -1]
        before = torch.cat(outputs, dim=1)
        return before, before + self.postnet(before.mT).mT, torch.cat(stops, dim=1)


def synthesizer_step(preset: str, batch: int, frames: int, tokens: int, reduction: int):
    model = Tacotron(preset, reduction)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    texts, voices = torch.randint(1, len(SYMBOLS), (batch, tokens)), torch.randn(batch, 256)
    mels, stop = torch.randn(batch, frames, 80), torch.zeros(batch, frames // reduction)

    def step():
        before, after, stops = model(texts, voices, mels)
        loss = F.mse_loss(before, mels) + F.mse_loss(after, mels) + F.binary_cross_entropy_with_logits(stops, stop)
        loss.backward()
        _finish(model, optimizer)

    return step


def synthesize(preset: str, text: str, frames: int, reduction: int):
    model = Tacotron(preset, reduction).eval()
    return torch.no_grad()(lambda: model(torch.tensor([encode(text)]), torch.ones(1, 256) / 16, frames=frames))


class Generator(nn.Module):
    """HiFi-GAN v1."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv1d(80, 512, 7, padding=3), nn.Conv1d(32, 1, 7, padding=3)
        up = [(512, 256, 16, 8), (256, 128, 16, 8), (128, 64, 4, 2), (64, 32, 4, 2)]
        self.ups = nn.ModuleList(nn.ConvTranspose1d(a, b, k, r, padding=(k - r) // 2) for a, b, k, r in up)
        one = lambda b, k, d: nn.Conv1d(b, b, k, dilation=d, padding=d * (k - 1) // 2)  # noqa: E731
        pairs = lambda b, k: nn.ModuleList(nn.ModuleList([one(b, k, d), one(b, k, 1)]) for d in (1, 3, 5))  # noqa: E731
        self.blocks = nn.ModuleList(nn.ModuleList(pairs(b, k) for k in (3, 7, 11)) for _, b, _, _ in up)

    def forward(self, mel):
        x = self.first(mel)
        for up, blocks in zip(self.ups, self.blocks):
            x = up(F.leaky_relu(x, 0.1))
            x = sum(self._block(x, block) for block in blocks) / 3
        return torch.tanh(self.last(F.leaky_relu(x)))

    def _block(self, x, block):
        for dilated, plain in block:
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, 0.1)), 0.1))
        return x


def vocode(frames: int):
    model, mel = Generator().eval(), torch.randn(1, 80, frames) * 2 - 5
    return torch.no_grad()(lambda: model(mel).numpy())


class Judges(nn.Module):
    """HiFi-GAN's discriminators of periods and of scales, of their published sizes."""

    def __init__(self):
        super().__init__()
        tall = lambda a, b, s: nn.Conv2d(a, b, (5, 1), (s, 1), padding=(2, 0))  # noqa: E731
        widths = [(1, 32, 3), (32, 128, 3), (128, 512, 3), (512, 1024, 3), (1024, 1024, 1), (1024, 1, 1)]
        self.periods = nn.ModuleList(nn.ModuleList(tall(*shape) for shape in widths) for _ in range(5))
        wide = lambda a, b, k, s, g: nn.Conv1d(a, b, k, s, padding=k // 2, groups=g)  # noqa: E731
        shapes = [(1, 128, 15, 1, 1), (128, 128, 41, 2, 4), (128, 256, 41, 2, 16), (256, 512, 41, 4, 16)]
        shapes += [(512, 1024, 41, 4, 16), (1024, 1024, 41, 1, 16), (1024, 1024, 5, 1, 1), (1024, 1, 3, 1, 1)]
        self.scales = nn.ModuleList(nn.ModuleList(wide(*shape) for shape in shapes) for _ in range(3))

    def forward(self, x):
        """(B, 1, N) -> every layer's output of every discriminator."""
        outputs = []
        for period, layers in zip((2, 3, 5, 7, 11), self.periods):
            padded = F.pad(x, (0, -x.shape[-1] % period))
            outputs.append(self._through(padded.unflatten(-1, (-1, period)), layers))
        for layers in self.scales:
            outputs.append(self._through(x, layers))
            x = F.avg_pool1d(x, 4, 2, padding=2)
        return outputs

    def _through(self, x, layers):
        outputs = []
        for layer in layers:
            x = layer(F.leaky_relu(x, 0.1) if outputs else x)
            outputs.append(x)
        return outputs


def hifigan_step(batch: int, samples: int):
    from vocoder.models import hifigan

    model, judges = Generator(), Judges()
    optimizers = [torch.optim.AdamW(part.parameters(), lr=2e-4) for part in (judges, model)]
    mel, real = torch.randn(batch, 80, samples // 256) * 2 - 5, 0.1 * torch.randn(batch, 1, samples)

    def step():
        fake = model(mel)
        pairs = zip(judges(real), judges(fake.detach()))
        sum(((1 - a[-1]) ** 2).mean() + (b[-1] ** 2).mean() for a, b in pairs).backward()
        _finish(judges, optimizers[0])
        loss = 45 * F.l1_loss(log_mel(fake[:, 0], hifigan.MEL), log_mel(real[:, 0], hifigan.MEL))
        for a, b in zip(judges(real), judges(fake)):
            loss = loss + ((1 - b[-1]) ** 2).mean() + 2 * sum(F.l1_loss(y, x) for x, y in zip(a[:-1], b[:-1]))
        loss.backward()
        judges.zero_grad()
        _finish(model, optimizers[1])

    return step


class WaveRnn(nn.Module):
    """In fatchord's layout; what it knows of the mel comes as one vector a sample."""

    def __init__(self, known: int = 80 + 32, aux: int = 32, width: int = 512, levels: int = 512):
        super().__init__()
        self.aux, self.width = aux, width
        self.first = nn.Linear(1 + known, width)
        self.rnn1, self.rnn2 = nn.GRU(width, width, batch_first=True), nn.GRU(width + aux, width, batch_first=True)
        self.fc1, self.fc2, self.fc3 = (
            nn.Linear(width + aux, width),
            nn.Linear(width + aux, width),
            nn.Linear(width, levels),
        )

    def forward(self, x, known, states=(None, None)):
        """x (B, N), known (B, N, 112) -> logits (B, N, levels), states"""
        aux = known[..., : self.aux]
        x = self.first(torch.cat([x[..., None], known], dim=-1))
        y, first = self.rnn1(x, states[0])
        x = x + y
        y, second = self.rnn2(torch.cat([x, aux], dim=-1), states[1])
        x = F.relu(self.fc1(torch.cat([x + y, aux], dim=-1)))
        x = F.relu(self.fc2(torch.cat([x, aux], dim=-1)))
        return self.fc3(x), (first, second)


def wavernn(frames: int, folded: bool):
    """Folds of 8000 samples that go on 800 into the next, as Real-Time-Voice-Cloning's."""
    model, samples = WaveRnn().eval(), frames * 200
    rows, steps = (-(-samples // 8800), min(samples, 9600)) if folded else (1, samples)
    known = torch.randn(rows, steps, 112)

    @torch.no_grad()
    def speak():
        x, states, out = torch.zeros(rows, 1), (None, None), []
        for step in range(steps):
            logits, states = model(x, known[:, step : step + 1], states)
            level = torch.distributions.Categorical(logits=logits[:, 0]).sample()
            x = level[:, None] * (2 / 511) - 1
            out.append(x)
        return torch.cat(out, dim=1)

    return speak


def wavernn_step(batch: int, samples: int):
    model = WaveRnn()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    heard, said = torch.rand(batch, samples) * 2 - 1, torch.randint(0, 512, (batch, samples))
    known = torch.randn(batch, samples, 112)

    def step():
        logits, _ = model(heard, known)
        F.cross_entropy(logits.flatten(0, 1), said.flatten()).backward()
        _finish(model, optimizer)

    return step
