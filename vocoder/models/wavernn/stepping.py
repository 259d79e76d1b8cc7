"""One step of WaveRNN at a time with torch alone: runs anywhere, and says what the fast way should."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from training.inference import fast_bfloat16
from vocoder.models.wavernn.outputs import draw_level, draw_mixture


class Steps:
    """See `generation.Engine`. Products are in bfloat16 where the processor has it, states in float32."""

    def __init__(self, model, dtype: torch.dtype | None = None):
        self.config = model.config
        device = model.fc3.bias.device
        dtype = dtype or (torch.bfloat16 if fast_bfloat16(device) else torch.float32)
        rnn = model.config.rnn_dims
        cast = lambda weight: weight.detach().to(dtype).contiguous()  # noqa: E731
        self.dtype, self.sample = dtype, model.first.weight[:, 0].detach().float()
        self.inputs = [cast(model.rnn1.weight_ih_l0), cast(model.rnn2.weight_ih_l0[:, :rnn])]
        self.hidden = [cast(model.rnn1.weight_hh_l0), cast(model.rnn2.weight_hh_l0)]
        self.input_bias = model.rnn1.bias_ih_l0.detach().float()
        self.hidden_bias = [layer.bias_hh_l0.detach().float() for layer in (model.rnn1, model.rnn2)]
        self.fc1 = cast(model.fc1.weight[:, :rnn])
        self.fc2 = cast(model.fc2.weight[:, : model.config.fc_dims])
        self.fc3, self.fc3_bias = cast(model.fc3.weight), model.fc3.bias.detach().float()

    def start(self, conditions, starts: torch.Tensor, chances: torch.Tensor) -> None:
        device, rows = self.sample.device, len(starts)
        self.conditions, self.starts, self.chances = conditions, starts.to(device), chances.to(device)
        self.states = [torch.zeros(rows, self.config.rnn_dims, device=device) for _ in range(2)]
        self.before, self.step = torch.zeros(rows, device=device), 0

    def go(self, rows: int, steps: int) -> torch.Tensor:
        self.states, self.before = [state[:rows] for state in self.states], self.before[:rows]
        out = torch.empty(rows, steps, device=self.before.device)
        for step in range(steps):
            outputs = self.outputs()
            chances = self.chances[:rows, self.step]
            mixed = self.config.output == "mol"
            self.before = draw_mixture(outputs, chances) if mixed else draw_level(outputs, chances[:, 0])
            out[:, step] = self.before
            self.step += 1
        return out

    def outputs(self) -> torch.Tensor:
        """What the next sample is drawn from (rows, outputs), given `before`; moves the states on."""
        known, hop = self.conditions, len(self.conditions.taps)
        at = self.starts[: len(self.before)] + self.step
        frame, reach = (at // hop).clamp_max(len(known.first) - 1), known.taps.shape[1] // 2
        around = frame[:, None] + torch.arange(-reach, reach + 1, device=at.device)
        heard = known.first[around.clamp(0, len(known.first) - 1)]
        x = (known.taps[at % hop][:, :, None] * heard).sum(dim=1) + known.first_own[frame]
        x = x + self.before[:, None] * self.sample
        for layer, bias in enumerate((self.input_bias, known.gates[frame])):
            self.states[layer] = self._gru(layer, x, bias, self.states[layer])
            x = x + self.states[layer]
        x = F.relu(self._product(x, self.fc1) + known.fc1[frame])
        x = F.relu(self._product(x, self.fc2) + known.fc2[frame])
        return self._product(x, self.fc3) + self.fc3_bias

    def _gru(self, layer: int, x: torch.Tensor, bias: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        of_input = (self._product(x, self.inputs[layer]) + bias).chunk(3, dim=-1)
        of_state = (self._product(state, self.hidden[layer]) + self.hidden_bias[layer]).chunk(3, dim=-1)
        reset, keep = (torch.sigmoid(a + b) for a, b in zip(of_input[:2], of_state[:2]))
        new = torch.tanh(of_input[2] + reset * of_state[2])
        return new + keep * (state - new)

    def _product(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return F.linear(x.to(self.dtype), weight).float()
