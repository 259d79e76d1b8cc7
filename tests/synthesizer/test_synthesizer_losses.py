"""Every loss against a loop over its items."""

import math

import pytest
import torch

from synthesizer.losses import (
    coverage,
    diagonality,
    guided_attention_loss,
    length_mask,
    masked_mean,
    mel_loss,
    stop_loss,
)

STEPS, TOKENS = torch.tensor([9, 4, 6]), torch.tensor([5, 7, 2])


@pytest.fixture
def alignment():
    torch.manual_seed(0)
    alignment = torch.rand(3, 11, 8) * length_mask(TOKENS, 8)[:, None]
    return alignment / alignment.sum(dim=-1, keepdim=True)


def test_mask_and_mean():
    mask = length_mask(torch.tensor([2, 0, 3]), 3)
    assert mask.tolist() == [[True, True, False], [False] * 3, [True] * 3]
    values = torch.arange(9.0).view(3, 3)
    assert masked_mean(values, mask).item() == pytest.approx((0 + 1 + 6 + 7 + 8) / 5)
    assert masked_mean(values[..., None].expand(-1, -1, 4), mask).item() == pytest.approx((0 + 1 + 6 + 7 + 8) / 5)


def test_mel_loss_takes_no_padding():
    torch.manual_seed(0)
    predicted, target = torch.randn(3, 11, 4), torch.randn(3, 11, 4)
    terms = []
    for item, length in enumerate(STEPS.tolist()):
        for frame in range(length):
            for band in range(4):
                error = (predicted[item, frame, band] - target[item, frame, band]).item()
                terms.append(abs(error) + error**2)
    mask = length_mask(STEPS, 11)
    loss = mel_loss(predicted, target, mask)
    assert loss.item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    predicted[~mask] = 100.0
    assert torch.equal(mel_loss(predicted, target, mask), loss)


def test_stop_loss():
    torch.manual_seed(0)
    logits = torch.randn(3, 11)
    terms = []
    for item, length in enumerate(STEPS.tolist()):
        for step in range(min(11, length + 5)):
            chance = 1 / (1 + math.exp(-logits[item, step]))
            terms.append(-8 * math.log(chance) if step >= length - 1 else -math.log(1 - chance))
    assert stop_loss(logits, STEPS, 8.0).item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)


def test_stop_loss_is_small_only_where_it_stops_at_the_last_step():
    def loss(stop_at: int) -> float:
        logits = torch.where(torch.arange(11) >= stop_at, 10.0, -10.0).expand(1, -1)
        return stop_loss(logits, torch.tensor([6]), 8.0).item()

    assert loss(5) < 0.01 < loss(4)
    assert loss(5) < 0.01 < loss(6)


def far(item: int, step: int, token: int) -> float:
    return abs(token / TOKENS[item].item() - step / STEPS[item].item())


def test_guided_attention_loss(alignment):
    total = sum(
        (alignment[item, step, token] * (1 - math.exp(-(far(item, step, token) ** 2) / (2 * 0.2**2)))).item()
        for item in range(3)
        for step in range(STEPS[item])
        for token in range(TOKENS[item])
    )
    found = guided_attention_loss(alignment, STEPS, TOKENS, 0.2).item()
    assert found == pytest.approx(total / STEPS.sum().item(), rel=1e-5)


def test_diagonality(alignment):
    total = sum(
        alignment[item, step, token].item()
        for item in range(3)
        for step in range(STEPS[item])
        for token in range(TOKENS[item])
        if far(item, step, token) < 0.2
    )
    assert diagonality(alignment, STEPS, TOKENS).item() == pytest.approx(total / STEPS.sum().item(), rel=1e-5)


def test_diagonal_attention_is_the_best_there_is():
    steps, tokens = torch.tensor([40]), torch.tensor([20])
    diagonal = torch.nn.functional.one_hot(torch.arange(40) // 2, 20).float()[None]
    even = torch.full((1, 40, 20), 1 / 20)
    stuck = torch.zeros(1, 40, 20)
    stuck[..., 0] = 1
    assert guided_attention_loss(diagonal, steps, tokens, 0.2).item() < 0.01
    assert guided_attention_loss(even, steps, tokens, 0.2).item() > 0.3
    assert diagonality(diagonal, steps, tokens).item() == pytest.approx(1)
    assert diagonality(even, steps, tokens).item() == pytest.approx(0.36, abs=0.03)
    assert coverage(diagonal, steps, tokens).item() == 1
    assert coverage(stuck, steps, tokens).item() == pytest.approx(1 / 20)


def test_coverage(alignment):
    covered = [
        sum(alignment[item, step, token].item() for step in range(STEPS[item])) >= 0.5
        for item in range(3)
        for token in range(TOKENS[item])
    ]
    assert coverage(alignment, STEPS, TOKENS).item() == pytest.approx(sum(covered) / len(covered))
