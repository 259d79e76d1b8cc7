"""Griffin-Lim on learned magnitudes."""

from dataclasses import replace

import pytest
import torch

from speech.errors import InputError
from speech.mel import MelConfig, log_mel, magnitudes
from tests.vocoder.conftest import tone
from vocoder.data import margin
from vocoder.models.learned_griffin_lim import Config, Model, Task, batch_magnitudes, magnitude_distance

MEL = MelConfig()
TINY = Config(width=16, layers=1, judge_channels=2)


def batch(frames: int = 20) -> dict[str, torch.Tensor]:
    samples = torch.from_numpy(tone(200, 1.0)).float() / 32768
    return {"samples": samples[None, : 2 * margin(MEL) + frames * MEL.hop_length]}


def test_targets_are_the_recordings_own_magnitudes():
    real, mel = batch_magnitudes(batch(), MEL)
    samples, edge = batch()["samples"], margin(MEL) // MEL.hop_length
    torch.testing.assert_close(real.exp(), magnitudes(samples, MEL)[..., edge:-edge].clamp_min(1e-7))
    assert mel.shape == (1, 80, 20)
    assert real.shape == (1, 513, 20)


def test_given_mels_are_taken_as_they_are():
    """The synthesizer's, in training on what it really makes."""
    own = torch.zeros(1, 80, 20)
    assert batch_magnitudes(batch() | {"mel": own}, MEL)[1] is own


def test_an_untrained_model_begins_near_the_mels_inverse():
    model = Model(TINY, MEL).eval()
    real, mel = batch_magnitudes(batch(), MEL)
    torch.nn.init.zeros_(model.last.weight)
    torch.nn.init.zeros_(model.last.bias)
    with torch.no_grad():
        assert magnitude_distance(model(mel), real) < 0.5 * magnitude_distance(torch.zeros_like(real), real)


def test_copies_keep_the_mel_whatever_the_network_thinks():
    model, (_, mel) = Model(TINY, MEL).eval(), batch_magnitudes(batch(60), MEL)
    near, far = (
        (log_mel(torch.from_numpy(each.vocode(mel[0]).samples), MEL) - mel[0]).abs()[:, 5:-5].mean()
        for each in (model, Model(replace(TINY, mel_iterations=0), MEL).eval())
    )
    assert near < 0.5 * far


def test_what_is_too_quiet_to_hear_costs_nothing():
    faint, fainter = torch.full((1, 4, 4), -9.0), torch.full((1, 4, 4), -16.0)
    assert magnitude_distance(faint, fainter) == 0
    assert magnitude_distance(faint + 5, fainter) > 0


def test_items_of_a_batch_do_not_mix():
    torch.manual_seed(0)
    model, mel = Model(TINY, MEL).eval(), torch.randn(3, 80, 9) - 4
    with torch.no_grad():
        # As magnitudes: where the mel's inverse cancels to nearly nothing, its logarithm is all rounding.
        torch.testing.assert_close(model(mel)[1:2].exp(), model(mel[1:2]).exp(), rtol=1e-4, atol=1e-6)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="must be odd"):
        Config(kernel=4)
    with pytest.raises(InputError, match=r"multiple of mel.hop_length = 256; found 1000"):
        Task(Config(segment=1000), MEL)


def test_complains_of_what_does_not_learn():
    task = Task(TINY, MEL)
    assert task.complaint(1000, {"log_magnitude_l1": 0.7}) is None
    assert "are 2.00 away" in task.complaint(1000, {"log_magnitude_l1": 2.0})
