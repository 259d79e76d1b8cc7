"""Layers that are quick on a CPU, where a decoder step is many small operations and two large matrices.

What a loop uses at every step of it, a weight or the memory, gets its gradient in one product after the loop; an
LSTM's gates are one operation with a backward of its own; a matrix meets its few rows in the order in which it lies.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn
from torch.ops import aten

Uses = list[tuple[torch.Tensor, torch.Tensor]]

TORCH_GATES = (1, 0, 3, 2)
"""Where the gates keep, write, show and new stand in torch's LSTMs, which call them f, i, o and g."""


def few_rows(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """F.linear(x, weight, bias) for x (B, in) of so few rows that reading the weight (out, in) is what takes time."""
    if len(x) == 1:
        row = torch.mv(weight, x[0]) if bias is None else torch.addmv(bias, weight, x[0])
        return row[None]
    return (weight @ x.T if bias is None else torch.addmm(bias[:, None], weight, x.T)).T


def dropout(x: torch.Tensor, share: float, training: bool) -> torch.Tensor:
    """F.dropout; on a CPU by sixteen random bits an element, which is five times as fast."""
    if not training or not share or x.device.type != "cpu":
        return F.dropout(x, share, training)
    bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    kept = bits[: x.numel()].view(x.shape) >= round(share * 2**16) - 2**15
    return x * kept.to(x.dtype).div_(1 - share)


class LstmCell(torch.autograd.Function):
    """An LSTM's gates (B, 4 * H) and cell (B, H) as its hidden state, of the gates' type, and next cell, float32."""

    @staticmethod
    def forward(ctx, gates, cell, order):
        """order: where keep, write, show and new stand in the gates."""
        chunks = gates.float().chunk(4, dim=-1)
        keep, write, show = (torch.sigmoid(chunks[place]) for place in order[:3])
        new = torch.tanh(chunks[order[3]])
        after = torch.addcmul(keep * cell, write, new)
        shown = torch.tanh(after)
        ctx.save_for_backward(keep, write, show, new, cell, shown)
        ctx.order, ctx.dtype = order, gates.dtype
        return (show * shown).to(gates.dtype), after

    @staticmethod
    def backward(ctx, hidden, after):
        keep, write, show, new, cell, shown = ctx.saved_tensors
        hidden = hidden.float()
        after = after + aten.tanh_backward(hidden * show, shown)
        gates = (
            aten.sigmoid_backward(after * cell, keep),
            aten.sigmoid_backward(after * new, write),
            aten.sigmoid_backward(hidden * shown, show),
            aten.tanh_backward(after * write, new),
        )
        gates = torch.cat([gates[ctx.order.index(place)] for place in range(4)], dim=-1)
        return gates.to(ctx.dtype), after * keep, None


class AttentionScores(torch.autograd.Function):
    """Location-sensitive attention's scores (B, L), float32, before the softmax (arXiv 1506.07503, section 2.2)."""

    @staticmethod
    def forward(ctx, history, query, keys, location, energy):
        """history: (B, 2, L), query: (B, A), keys: (B, L, A), location: (A, 2 * kernel), energy: (A,).

        Keys and energy are float32: on a CPU, tanh takes four times as long in bfloat16.
        """
        kernel = location.shape[1] // 2
        padded = F.pad(history.to(location.dtype), (kernel // 2, kernel // 2))
        around = padded.unfold(-1, kernel, 1).transpose(1, 2).flatten(2)  # (B, L, 2 * kernel)
        lit = F.linear(around, location).float().add_(keys).add_(query[:, None]).tanh_()
        ctx.save_for_backward(around, lit, location, energy)
        ctx.dtypes = history.dtype, query.dtype
        return torch.matmul(lit, energy)

    @staticmethod
    def backward(ctx, scores):
        around, lit, location, energy = ctx.saved_tensors
        keys = aten.tanh_backward(scores[..., None] * energy, lit)
        narrow = keys.to(location.dtype)
        history = shifted_sum(torch.matmul(location.T, narrow.mT).unflatten(1, (2, -1)))
        return (
            history.to(ctx.dtypes[0]),
            keys.sum(dim=1).to(ctx.dtypes[1]),
            keys,
            narrow.flatten(0, 1).T @ around.flatten(0, 1),
            torch.mv(lit.flatten(0, 1).T, scores.flatten()),
        )


def shifted_sum(x: torch.Tensor) -> torch.Tensor:
    """(B, C, kernel, L) -> (B, C, L), row k of the kernel moved by k - kernel // 2: what unfolding did, backwards."""
    kernel, length = x.shape[2:]
    # In rows of one element less, each row begins one element later than the row before.
    moved = F.pad(x, (0, kernel)).flatten(2)[..., :-kernel].unflatten(2, (kernel, -1))
    return moved.sum(dim=2)[..., kernel // 2 : kernel // 2 + length]


def run_lstm(layer: nn.LSTM, x: torch.Tensor) -> torch.Tensor:
    """(B, T, in) -> (B, T, H), as `layer(x)[0]`, for a layer of one direction."""
    if x.device.type != "cpu":
        return layer(x)[0]
    gates = F.linear(x, layer.weight_ih_l0, layer.bias_ih_l0 + layer.bias_hh_l0)
    recurrent = SharedWeight(layer.weight_hh_l0.to(gates.dtype))
    hidden, cell = gates.new_zeros(len(x), layer.hidden_size), x.new_zeros(len(x), layer.hidden_size).float()
    outputs = []
    with torch.autocast(x.device.type, enabled=False):
        for gate in gates.unbind(1):
            hidden, cell = LstmCell.apply(gate + recurrent(hidden), cell, TORCH_GATES)
            outputs.append(hidden)
    return torch.stack(outputs, dim=1)


def step_lstm(
    layer: nn.LSTM, x: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step of `run_lstm`, for use. x: (B, in), hidden: (B, H), cell: (B, H) float32; the next two are returned."""
    gates = few_rows(x, layer.weight_ih_l0, layer.bias_ih_l0)
    gates = gates + few_rows(hidden, layer.weight_hh_l0, layer.bias_hh_l0)
    return LstmCell.apply(gates, cell, TORCH_GATES)


class SharedWeight:
    """A weight matrix used at every step of a loop, whose gradient is one product after the loop, not one a step."""

    def __init__(self, weight: torch.Tensor):
        self.uses: Uses = []
        self.weight = GatherGradient.apply(weight, self.uses, _weight_gradient)
        # Backward, too, should read the matrix as it lies.
        self.turned = weight.detach().T.contiguous() if torch.is_grad_enabled() else None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x: (B, in). Returns (B, out)."""
        if self.turned is None:
            return few_rows(x, self.weight)
        return LinearNotingUse.apply(x, self.weight, self.turned, self.uses)


class SharedMemory:
    """What attention reads at every step of a loop; as with a SharedWeight, its gradient is worked out afterwards."""

    def __init__(self, memory: torch.Tensor):
        self.uses: Uses = []
        self.memory = GatherGradient.apply(memory, self.uses, _memory_gradient)

    def __call__(self, alignment: torch.Tensor) -> torch.Tensor:
        """alignment: (B, L). Returns (B, M)."""
        return ReadNotingUse.apply(alignment, self.memory, self.uses)


class GatherGradient(torch.autograd.Function):
    """A tensor as it is; backward runs after that of every use, and works out the gradient of all of them."""

    @staticmethod
    def forward(ctx, tensor: torch.Tensor, uses: Uses, gradient: Callable[[Uses], torch.Tensor]):
        ctx.uses, ctx.gradient = uses, gradient
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx, _):
        gradient = ctx.gradient(ctx.uses)
        ctx.uses.clear()
        return gradient, None, None


class LinearNotingUse(torch.autograd.Function):
    """x @ weight.T, whose backward leaves the weight's gradient to GatherGradient."""

    @staticmethod
    def forward(ctx, x, weight, turned, uses):
        ctx.save_for_backward(x, turned)
        ctx.uses = uses
        return few_rows(x, weight)

    @staticmethod
    def backward(ctx, gradient):
        x, turned = ctx.saved_tensors
        ctx.uses.append((gradient, x))
        return few_rows(gradient, turned), None, None, None


class ReadNotingUse(torch.autograd.Function):
    """The sum of the memory (B, L, M) by alignment (B, L); the memory's gradient is left to GatherGradient."""

    @staticmethod
    def forward(ctx, alignment, memory, uses):
        ctx.save_for_backward(alignment, memory)
        ctx.uses = uses
        return torch.bmm(alignment[:, None], memory).squeeze(1)

    @staticmethod
    def backward(ctx, gradient):
        alignment, memory = ctx.saved_tensors
        ctx.uses.append((gradient, alignment))
        return torch.bmm(memory, gradient[..., None]).squeeze(-1), None, None


def _weight_gradient(uses: Uses) -> torch.Tensor:
    gradients, inputs = (torch.cat(each) for each in zip(*uses))
    return gradients.mT @ inputs


def _memory_gradient(uses: Uses) -> torch.Tensor:
    gradients, alignments = (torch.stack(each, dim=1) for each in zip(*uses))
    return torch.bmm(alignments.mT, gradients)
