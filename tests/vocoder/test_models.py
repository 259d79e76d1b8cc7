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
    first = model.vocode(one).samples
    model.vocode(other)
    np.testing.assert_array_equal(first, model.vocode(one).samples)


def test_takes_the_mel_of_a_recording_as_it_is(name):
    model = make(name)
    mel = log_mel(0.1 * torch.randn(2000), model.mel)
    assert len(model.vocode(mel).samples) == 2000 // model.mel.hop_length * model.mel.hop_length


def several(model) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randn(model.mel.n_mels, frames) - 4 for frames in (11, 1, 19, 5)]


@torch.no_grad()
def test_several_at_once_sound_as_each_does_alone(name):
    """The same seed gives each the same sound, whatever stands before, behind or beside it.

    A 300th of the loudest sample is 50 dB below it: nobody hears that behind the sound itself.
    """
    model = make(name)
    mels = several(model)
    together = model.vocode_many(mels, seed=3)
    assert len(together) == len(mels)
    for mel, wave in zip(mels, together):
        alone = model.vocode(mel, seed=3)
        assert wave.samples.shape == alone.samples.shape
        assert np.abs(wave.samples - alone.samples).max() <= np.abs(alone.samples).max() / 300


def test_none_at_all_give_none(name):
    assert make(name).vocode_many([]) == []


def test_random_numbers_come_from_the_seed_and_leave_torchs_own_alone(name):
    model = make(name)
    mel = several(model)[0]
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = model.vocode(mel, seed=5).samples
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    np.testing.assert_array_equal(one, model.vocode(mel, seed=5).samples)


def test_progress_is_told_to_the_end_and_can_end_the_work(name):
    model = make(name)
    told = []
    model.vocode_many(several(model), progress=lambda done, total: told.append((done, total)))
    totals = {total for _, total in told}
    assert len(totals) == 1
    assert told[-1][0] == told[-1][1] > 0
    assert told == sorted(told)

    def stop(done, total):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        model.vocode(several(model)[0], progress=stop)


@pytest.mark.parametrize("shape", [(79, 5), (80, 0), (1, 80, 5)])
def test_refuses_what_is_no_mel_of_its_kind(name, shape):
    with pytest.raises(InputError, match="takes a mel of"):
        make(name).vocode(torch.zeros(shape))
    with pytest.raises(InputError, match="takes a mel of"):
        make(name).vocode_many([torch.zeros(80, 5), torch.zeros(shape)])
