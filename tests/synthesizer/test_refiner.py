"""The refiner: where two mels are equally true it says one of them, not their mean."""

import math
from dataclasses import replace

import pytest
import torch

from synthesizer.models.tacotron2 import PRESETS
from synthesizer.models.tacotron2.refiner import Refiner

CONFIG = replace(PRESETS["small"], lstm_dim=4, token_dim=2, voice_dim=2, reduction=((0, 2),), refiner_layers=2)
CONFIG = replace(CONFIG, refiner_dim=32, refiner_kernel=7, refiner_warmth=1.0, refiner_noise=0.5, refiner_steps=8)
FRAMES, MELS = 4, 3


@pytest.fixture(scope="module")
def refiner() -> Refiner:
    """Has learned that an item is 1 everywhere or -1 everywhere, and that its decoder says 0."""
    torch.manual_seed(0)
    refiner = Refiner(CONFIG, MELS)
    adam = torch.optim.Adam(refiner.parameters(), lr=3e-3)
    said = blank(64)
    for _ in range(200):
        target = torch.randn(64, 1, 1).sign().expand(64, FRAMES, MELS)
        loss = refiner.loss(target, *said)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return refiner.eval()


def blank(batch: int, frames: int = FRAMES) -> tuple[torch.Tensor, ...]:
    """Frames, outputs, voices and mask of decoders that say nothing."""
    mask = torch.ones(batch, frames, dtype=torch.bool)
    return torch.zeros(batch, frames, MELS), torch.zeros(batch, frames // 2, 6), torch.zeros(batch, 2), mask


@torch.inference_mode()
def test_it_says_one_of_what_could_be_and_not_the_mean(refiner):
    said = torch.cat([refiner(*blank(1), seed=seed) for seed in range(40)])
    means = said.mean(dim=(1, 2))
    assert (means.abs() > 0.6).float().mean() > 0.8
    assert 0.2 < (means > 0).float().mean() < 0.8
    assert said.std(dim=(1, 2)).median() < 0.3  # all of it is of one kind


@torch.inference_mode()
def test_a_seed_says_the_same_again_and_another_something_else(refiner):
    one, again, other = (refiner(*blank(1), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert (one - other).abs().max() > 0.1


@torch.inference_mode()
def test_an_item_is_the_same_in_a_longer_batch(refiner):
    short, (*longer, mask) = refiner(*blank(1), seed=3), blank(2, 200)
    mask[0, FRAMES:] = False
    torch.testing.assert_close(refiner(*longer, mask, seed=3)[:1, :FRAMES], short, rtol=0, atol=1e-4)


@torch.inference_mode()
def test_few_steps_end_where_many_would(refiner, monkeypatch):
    monkeypatch.setattr(refiner, "_velocity", lambda x, told, times, keep: -2 * x)
    begun = refiner(*blank(1), seed=4)
    monkeypatch.setattr(refiner, "_velocity", lambda x, told, times, keep: 0 * x)
    ratio = (begun / refiner(*blank(1), seed=4)).mean().item()
    assert ratio == pytest.approx(math.exp(-2), rel=0.15)  # as many plain steps are 26 % off


def test_a_new_one_adds_noise_alone():
    with torch.inference_mode():
        said = Refiner(CONFIG, MELS)(*blank(1, 400), seed=0)
    assert said.std() == pytest.approx(0.5, rel=0.1)
