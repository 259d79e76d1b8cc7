import librosa
import numpy as np
import pytest
import torch

from speech.errors import InputError
from speech.mel import ENCODER_MEL, FLOOR, MelConfig, log_mel, mel_filters, window
from tests.voices import voice

BOTH = pytest.mark.parametrize("mel", [MelConfig(), ENCODER_MEL], ids=["80 bands", "40 bands"])


def by_librosa(samples: np.ndarray, mel: MelConfig) -> np.ndarray:
    pad = (mel.n_fft - mel.hop_length) // 2
    spectrum = librosa.stft(
        y=np.pad(samples, pad, mode="reflect"), n_fft=mel.n_fft, hop_length=mel.hop_length,
        win_length=mel.win_length, center=False,
    )  # fmt: skip
    filters = librosa.filters.mel(sr=mel.sample_rate, n_fft=mel.n_fft, n_mels=mel.n_mels, fmin=mel.fmin, fmax=mel.fmax)
    return np.log(np.maximum(filters @ np.abs(spectrum), FLOOR))


@BOTH
def test_is_librosas_mel(mel):
    noise = 0.1 * np.random.default_rng(0).standard_normal(mel.sample_rate // 2).astype(np.float32)
    samples = voice(3, 1.0, mel.sample_rate).samples
    samples[: len(noise)] += noise
    found, wanted = log_mel(torch.from_numpy(samples), mel).numpy(), by_librosa(samples, mel)
    assert found.shape == wanted.shape
    loud = wanted > -7  # nearer to silence, log(FLOOR) = -11.5, the number under the root shows
    assert loud.mean() > 0.5
    np.testing.assert_allclose(found[loud], wanted[loud], atol=1e-4, rtol=0)
    np.testing.assert_allclose(found, wanted, atol=0.05, rtol=0)
    filters = librosa.filters.mel(sr=mel.sample_rate, n_fft=mel.n_fft, n_mels=mel.n_mels, fmin=mel.fmin, fmax=mel.fmax)
    np.testing.assert_allclose(mel_filters(mel, torch.device("cpu")), filters, atol=1e-6)


@pytest.mark.parametrize("samples", [400, 512, 1023, 1024, 1025, 5000, 22050])
@BOTH
def test_a_frame_for_each_whole_hop(mel, samples):
    assert log_mel(torch.zeros(2, samples), mel).shape == (2, mel.n_mels, samples // mel.hop_length)


@BOTH
def test_silence_is_the_floor(mel):
    assert log_mel(torch.zeros(4000), mel).unique().tolist() == pytest.approx([np.log(FLOOR)], abs=0.1)


@BOTH
def test_gradients_are_finite_and_right(mel):
    samples = torch.randn(1500, generator=torch.manual_seed(0)).mul_(0.1).requires_grad_()
    log_mel(samples, mel).mean().backward()
    found = samples.grad.clone()
    assert found.abs().max() > 0
    direction = torch.randn(1500, generator=torch.manual_seed(1))
    with torch.no_grad():
        up, down = (log_mel(samples + step * direction, mel).double().mean() for step in (1e-4, -1e-4))
    assert ((up - down) / 2e-4).item() == pytest.approx((found @ direction).item(), rel=0.02)
    silence = torch.zeros(1500, requires_grad=True)
    log_mel(silence, mel).mean().backward()
    assert silence.grad.isfinite().all()


def test_using_a_model_first_does_not_spoil_learning():
    mel = MelConfig(sample_rate=16000, n_fft=512, hop_length=128, win_length=512, n_mels=20)
    with torch.inference_mode():
        log_mel(torch.zeros(2000), mel)
    samples = torch.randn(2000, requires_grad=True)
    log_mel(samples, mel).sum().backward()
    assert samples.grad.isfinite().all()
    assert not window(mel, torch.device("cpu")).is_inference()


@BOTH
def test_too_short_a_sound_is_refused(mel):
    fewest = max(mel.hop_length, (mel.n_fft - mel.hop_length) // 2 + 1)
    assert log_mel(torch.zeros(fewest), mel).shape[-1] == fewest // mel.hop_length
    for count in (0, 1, fewest - 1):
        with pytest.raises(InputError, match=f"at least {fewest} samples; found {count}"):
            log_mel(torch.zeros(count), mel)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hop_length": 0}, "hop_length=0"),
        ({"win_length": 2048}, "win_length=2048"),
        ({"hop_length": 255}, "even"),
        ({"fmax": 12000.0}, "11025 Hz; found fmin=0, fmax=12000"),
        ({"fmin": -1.0}, "fmin=-1"),
        ({"fmin": 8000.0}, "fmin=8000"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        MelConfig(**changes)


def test_differences_name_the_fields():
    assert MelConfig().differences(MelConfig()) == []
    assert MelConfig().differences(MelConfig(n_mels=40, fmax=7600.0)) == [
        "n_mels: 80 against 40",
        "fmax: 8000 against 7600",
    ]
