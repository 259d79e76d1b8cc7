"""What networks in use share: the fastest float type of the processor, and copies that are made once."""

import torch
from torch import nn


def fast_bfloat16(device: torch.device) -> bool:
    """Does the processor multiply bfloat16 in hardware?"""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))


def fast_autocast(device: torch.device, wanted: bool = True) -> torch.autocast:
    """Matrix products in bfloat16 inside, if wanted and the processor has it: without, they are a hundred times slower
    than in float32, and recurrent layers fail.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and fast_bfloat16(device))


def weight_marks(network: nn.Module) -> list[tuple[int, int]]:
    """Changes when a weight does: a copy of the network made for use is as good as its marks are the same."""
    return [(parameter.data_ptr(), parameter._version) for parameter in network.parameters()]
