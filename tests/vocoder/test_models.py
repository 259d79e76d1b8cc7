"""What every vocoder promises: a new file in vocoder/models/ is tested here without being named."""

import numpy as np
import pytest
import torch

from speech.errors import InputError
from speech.mel import FLOOR, log_mel
from training.registry import model_module, model_names, preset

pytestmark = pytest.mark.parametrize("name", model_names("vocoder"))


def make(name):
    module = model_module("vocoder", name)
    torch.manual_seed(0)
    return module.Model(preset(module, None), module.MEL).eval()


@pytest.mark.parametrize("frames", [1, 2, 17])
def test_gives_a_hop_of_samples_for_each_frame(name, frames):
    model = make(name)
    wave = model.vocode(torch.randn(model.mel.n_mels, frames) - 4)
    assert wave.sample_rate == model.mel.sample_rate
    assert wave.samples.shape == (frames * model.mel.hop_length,)
    assert wave.samples.dtype == np.float32


@pytest.mark.parametrize("level", [np.log(FLOOR), -100.0, 60.0])
def test_is_finite_and_within_range_whatever_the_mel(name, level):
    model = make(name)
    samples = model.vocode(torch.full((model.mel.n_mels, 4), float(level))).samples
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1


def test_depends_on_nothing_but_the_mel(name):
    model = make(name)
    one, other = (torch.randn(model.mel.n_mels, 6) - 4 for _ in range(2))
    torch.manual_seed(3)
    first = model.vocode(one).samples
    model.vocode(other)
    torch.manual_seed(3)
    np.testing.assert_array_equal(first, model.vocode(one).samples)


def test_takes_the_mel_of_a_recording_as_it_is(name):
    model = make(name)
    mel = log_mel(0.1 * torch.randn(2000), model.mel)
    assert len(model.vocode(mel).samples) == 2000 // model.mel.hop_length * model.mel.hop_length


@pytest.mark.parametrize("shape", [(79, 5), (80, 0), (1, 80, 5)])
def test_refuses_what_is_no_mel_of_its_kind(name, shape):
    with pytest.raises(InputError, match="takes a mel of"):
        make(name).vocode(torch.zeros(shape))
