from dataclasses import replace

import pytest
import torch

from speech.errors import InputError
from speech.mel import MelConfig, log_mel
from training.adversary import discriminator_loss, feature_loss, generator_loss, halves
from vocoder.discriminators import MultiPeriod, MultiScale
from vocoder.layers import Conv, SpectralConv, Upsample
from vocoder.models import hifigan
from vocoder.models.hifigan import PRESETS, Config, Model, Task

MEL = MelConfig()
SMALL = replace(PRESETS["v2"], channels=32)


@pytest.mark.parametrize(("name", "millions"), [("v1", 13.92), ("v2", 0.92), ("v3", 1.46)])
def test_generators_are_as_large_as_the_papers(name, millions):
    """Table 1; a weight's length and direction hold one weight."""
    model = Model(PRESETS[name], MEL)
    count = sum(p.numel() for key, p in model.named_parameters() if not key.endswith("weight_g"))
    assert int(count / 1e4) / 100 == pytest.approx(millions, abs=0.011)


def test_discriminators_are_as_large_as_the_published():
    judges = [MultiPeriod(32), MultiScale(128)]
    count = sum(p.numel() for judge in judges for key, p in judge.named_parameters() if not key.endswith("weight_g"))
    assert count == pytest.approx(70.7e6, rel=2e-3)


def test_convolutions_are_torchs_own():
    x = torch.randn(2, 6, 40)
    conv, up, wide = Conv(6, 4, 5, dilation=3), Upsample(6, 4, 8, 4), Conv(6, 4, 41, stride=4, groups=2)
    plain = torch.nn.functional.conv1d(x, conv.weight()[:, :, 0], conv.bias, padding=6, dilation=3)
    torch.testing.assert_close(conv(x.unsqueeze(2)).squeeze(2), plain)
    plain = torch.nn.functional.conv_transpose1d(x, up.weight()[:, :, 0], up.bias, 4, 2)
    torch.testing.assert_close(up(x.unsqueeze(2)).squeeze(2), plain)
    plain = torch.nn.functional.conv1d(x, wide.weight()[:, :, 0], wide.bias, 4, 20, groups=2)
    torch.testing.assert_close(wide(x.unsqueeze(2)).squeeze(2), plain)


def test_spectral_normalization_finds_the_largest_singular_value():
    conv = SpectralConv(8, 8, 3)
    for _ in range(200):
        conv.weight()
    assert torch.linalg.svdvals(conv.weight().flatten(1))[0].item() == pytest.approx(1, abs=1e-3)
    before = conv.eval().direction.clone()
    conv.weight()
    assert torch.equal(before, conv.direction)


def test_items_of_a_batch_do_not_mix():
    model = Model(SMALL, MEL).eval()
    mel = torch.randn(3, 80, 9)
    with torch.no_grad():
        torch.testing.assert_close(model(mel)[1:2], model(mel[1:2]))


def test_pieces_join_without_a_seam(monkeypatch):
    monkeypatch.setattr(hifigan, "fast_bfloat16", lambda device: False)
    model, mel = Model(SMALL, MEL).eval(), torch.randn(80, 100)
    whole = model.vocode(mel).samples
    monkeypatch.setattr(hifigan, "CHUNK", 23)
    torch.testing.assert_close(torch.from_numpy(model.vocode(mel).samples), torch.from_numpy(whole))
    with torch.no_grad():
        torch.testing.assert_close(model(mel[None])[0, 0], torch.from_numpy(whole))


def test_vocoding_follows_the_weights_and_leaves_them_as_they_are():
    model, mel = Model(SMALL, MEL).eval(), torch.randn(80, 5)
    keys = list(model.state_dict())
    before = model.vocode(mel).samples
    with torch.no_grad():
        model.last.bias += 0.5
    after = model.vocode(mel).samples
    assert abs(after - before).max() > 0.1
    assert list(model.state_dict()) == keys
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_bfloat16_sounds_like_float32(monkeypatch):
    model, mel = Model(PRESETS["v2"], MEL).eval(), torch.randn(80, 60) - 4
    with torch.no_grad():
        for parameter in model.last.parameters():
            parameter *= 3  # loud enough that the floor of the mel hides nothing
    sounds = []
    for choice in (False, True):
        monkeypatch.setattr(hifigan, "fast_bfloat16", lambda device, choice=choice: choice)
        model._folded = None
        sounds.append(log_mel(torch.from_numpy(model.vocode(mel).samples), MEL))
    assert (sounds[0] - sounds[1]).abs().mean() < 0.1


def test_losses_know_perfect_from_bad():
    real = [(torch.ones(2, 3), [torch.ones(2, 3)])]
    bad = [(torch.zeros(2, 3), [torch.zeros(2, 3)])]
    assert discriminator_loss(real, bad) == 0
    assert discriminator_loss(bad, real) == 2
    assert (generator_loss(real), generator_loss(bad)) == (0, 1)
    assert (feature_loss(real, real), feature_loss(real, bad)) == (0, 1)
    first, second = halves([(torch.arange(4.0), [torch.arange(4.0)])])
    assert first[0][1][0].tolist() == [0, 1]
    assert second[0][0].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"upsample_rates": (8, 8, 2)}, "need as many values"),
        ({"upsample_kernels": (15, 16, 4, 4)}, "plus an even number"),
        ({"resblock_kernels": (3, 6, 11)}, "must be odd"),
        ({"resblock": 3}, "1 or 2; found 3"),
        ({"channels": 100}, "halved 4 times"),
        ({"period_channels": 0}, "at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        replace(Config(), **changes)


def test_settings_that_do_not_fit_the_mel_are_refused():
    with pytest.raises(InputError, match=r"mel.hop_length = 200; found .* which gives 256"):
        Model(SMALL, MelConfig(16000, 800, 200, 800, 80, 0, 8000))
    with pytest.raises(InputError, match=r"multiple of mel.hop_length = 256; found 1000"):
        Task(replace(SMALL, segment=1000), MEL)


def test_complains_of_what_does_not_learn():
    task = Task(replace(SMALL, period_channels=1, scale_channels=0), MEL)
    assert task.complaint(2000, {"mel_l1": 1.0}) is None
    assert "held-out copies are 2.50 away" in task.complaint(2000, {"mel_l1": 2.5})
    assert list(task.networks) == ["model", "mpd"]
