"""The quick layers against plain ones, forwards and backwards."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from synthesizer.models.tacotron2.layers import (
    TORCH_GATES,
    AttentionScores,
    LstmCell,
    SharedMemory,
    SharedWeight,
    dropout,
    few_rows,
    run_lstm,
    shifted_sum,
    step_lstm,
)
from synthesizer.models.tacotron2.network import reversed_in_place


def same(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def leaves(*shapes, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("with_bias", [True, False])
def test_few_rows_is_linear(rows, with_bias):
    x, weight, bias = leaves((rows, 7), (5, 7), (5,))
    bias = bias if with_bias else None
    same(few_rows(x, weight, bias), F.linear(x, weight, bias))


def test_a_shared_weights_gradient_is_autograds():
    x, weight = leaves((3, 6), (6, 6))

    def through(linear) -> list[torch.Tensor]:
        state = x
        for _ in range(5):
            state = torch.tanh(linear(state))
        return torch.autograd.grad(state.square().sum(), [x, weight])

    shared = SharedWeight(weight)
    for found, wanted in zip(through(shared), through(lambda state: F.linear(state, weight))):
        same(found, wanted)
    assert not shared.uses  # nothing is kept alive


def test_a_shared_memorys_gradient_is_autograds():
    start, memory, back = leaves((2, 4), (2, 4, 3), (3, 4))

    def through(read) -> list[torch.Tensor]:
        state, total = start, 0.0
        for _ in range(5):
            context = read(torch.softmax(state, dim=-1))
            total = total + context.square().sum()
            state = context @ back
        return torch.autograd.grad(total, [start, memory, back])

    plain = through(lambda alignment: torch.bmm(alignment[:, None], memory).squeeze(1))
    for found, wanted in zip(through(SharedMemory(memory)), plain):
        same(found, wanted)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), TORCH_GATES])
def test_lstm_cell(order):
    gates, cell, by_hidden, by_cell = leaves((3, 20), (3, 5), (3, 5), (3, 5))

    def plain(gates, cell):
        chunks = gates.chunk(4, dim=-1)
        keep, write, show, new = (chunks[place] for place in order)
        after = torch.sigmoid(keep) * cell + torch.sigmoid(write) * torch.tanh(new)
        return torch.sigmoid(show) * torch.tanh(after), after

    def through(step):
        hidden, after = step(gates, cell)
        gradients = torch.autograd.grad((hidden * by_hidden + after * by_cell).sum(), [gates, cell])
        return hidden, after, *gradients

    for found, wanted in zip(through(lambda *state: LstmCell.apply(*state, order)), through(plain)):
        same(found, wanted)


def test_attention_scores():
    shapes = (2, 2, 9), (2, 4), (2, 9, 4), (4, 2, 5), (4,)
    inputs = leaves(*shapes)
    (by,) = leaves((2, 9))

    def plain(history, query, keys, location, energy):
        features = F.conv1d(history, location, padding=2).mT
        return torch.tanh(keys + query[:, None] + features) @ energy

    def quick(history, query, keys, location, energy):
        return AttentionScores.apply(history, query, keys, location.flatten(1), energy)

    wanted, found = plain(*inputs), quick(*inputs)
    same(found, wanted)
    for one, other in zip(
        torch.autograd.grad((found * by).sum(), inputs), torch.autograd.grad((wanted * by).sum(), inputs)
    ):
        same(one, other)


def test_shifted_sum():
    x = torch.randn(2, 3, 5, 7)
    wanted = torch.zeros(2, 3, 7)
    for row in range(5):
        for place in range(7):
            if 0 <= place + row - 2 < 7:
                wanted[..., place + row - 2] += x[..., row, place]
    same(shifted_sum(x), wanted)


def test_run_lstm_is_torchs_and_steps_are_the_run():
    torch.manual_seed(0)
    layer, x = nn.LSTM(6, 5, batch_first=True), torch.randn(3, 8, 6, requires_grad=True)
    inputs = [x, *layer.parameters()]
    wanted, found = layer(x)[0], run_lstm(layer, x)
    same(found, wanted)
    for one, other in zip(
        torch.autograd.grad(found.square().sum(), inputs), torch.autograd.grad(wanted.square().sum(), inputs)
    ):
        same(one, other)
    hidden = cell = torch.zeros(3, 5)
    for step in range(8):
        hidden, cell = step_lstm(layer, x[:, step], hidden, cell)
        same(hidden, wanted[:, step])


def test_bfloat16_layers_stay_near(monkeypatch):
    torch.manual_seed(0)
    layer, x = nn.LSTM(6, 5, batch_first=True), torch.randn(3, 8, 6)
    with torch.autocast("cpu", torch.bfloat16):
        found = run_lstm(layer, x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), layer(x)[0], rtol=0, atol=0.02)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_dropout(share):
    torch.manual_seed(0)
    x = torch.ones(200, 501, requires_grad=True)
    dropped = dropout(x, share, True)
    kept = dropped != 0
    assert kept.float().mean().item() == pytest.approx(1 - share, abs=0.01)
    same(dropped[kept], torch.full((int(kept.sum()),), 1 / (1 - share)))
    (gradient,) = torch.autograd.grad(dropped.sum(), x)
    same(gradient, dropped.detach())
    torch.manual_seed(0)
    assert torch.equal(dropout(x, share, True), dropped)
    assert torch.equal(dropout(x, share, False), x)
    assert torch.equal(dropout(x, 0.0, True), x)


def test_reversed_in_place():
    x = torch.arange(10.0).view(2, 5, 1)
    turned = reversed_in_place(x, torch.tensor([3, 5]))
    assert turned[..., 0].tolist() == [[2, 1, 0, 3, 4], [9, 8, 7, 6, 5]]
    assert torch.equal(reversed_in_place(turned, torch.tensor([3, 5])), x)
