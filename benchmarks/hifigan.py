"""The published HiFi-GAN's side: runs inside its checkout (github.com/jik876/hifi-gan, commit 4769534)."""

import contextlib
import json
import warnings
from pathlib import Path

import torch


@contextlib.contextmanager
def _quietly():
    with warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        yield


def _settings():
    from env import AttrDict

    return AttrDict(json.loads(Path("config_v1.json").read_text()))


def vocode(frames: int):
    from models import Generator

    with _quietly():
        model = Generator(_settings()).eval()
        model.remove_weight_norm()
    mel = torch.randn(1, 80, frames) * 2 - 5

    def speak():
        with torch.no_grad():
            return model(mel).numpy()

    return speak


def hifigan_step(batch: int, samples: int):
    """As train.py does it, from a batch in memory; the mel of its loss is librosa's filters and torch's transform."""
    import librosa
    import torch.nn.functional as F
    from models import (
        Generator,
        MultiPeriodDiscriminator,
        MultiScaleDiscriminator,
        discriminator_loss,
        feature_loss,
        generator_loss,
    )

    with _quietly():
        h = _settings()
        model, judges = Generator(h), [MultiPeriodDiscriminator(), MultiScaleDiscriminator()]
    taught = [parameter for judge in judges for parameter in judge.parameters()]
    options = {"lr": h.learning_rate, "betas": [h.adam_b1, h.adam_b2]}
    first, second = torch.optim.AdamW(taught, **options), torch.optim.AdamW(model.parameters(), **options)
    filters = torch.from_numpy(
        librosa.filters.mel(sr=h.sampling_rate, n_fft=h.n_fft, n_mels=h.num_mels, fmin=h.fmin, fmax=h.fmax_for_loss)
    )

    def mel_of(sound):
        edge = (h.n_fft - h.hop_size) // 2
        window = torch.hann_window(h.win_size)
        spectrum = torch.stft(
            F.pad(sound, (edge, edge), mode="reflect"), h.n_fft, h.hop_size, h.win_size, window, center=False,
            return_complex=True,
        )  # fmt: skip
        return torch.log((filters @ (spectrum.abs().square() + 1e-9).sqrt()).clamp_min(1e-5))

    mel, real = torch.randn(batch, h.num_mels, samples // h.hop_size) * 2 - 5, 0.1 * torch.randn(batch, 1, samples)
    wanted = mel_of(real[:, 0])

    def step():
        fake = model(mel)
        made = mel_of(fake[:, 0])
        first.zero_grad()
        opinions = [judge(real, fake.detach()) for judge in judges]
        sum(discriminator_loss(of_real, of_fake)[0] for of_real, of_fake, _, _ in opinions).backward()
        first.step()
        second.zero_grad()
        opinions = [judge(real, fake) for judge in judges]
        loss = 45 * F.l1_loss(wanted, made)
        for _, of_fake, features, fakes in opinions:
            loss = loss + generator_loss(of_fake)[0] + feature_loss(features, fakes)
        loss.backward()
        second.step()

    return step
