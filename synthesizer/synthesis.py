"""What a synthesizer answers with."""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, eq=False)
class Synthesis:
    text: str
    """As it was spoken: normalized."""
    mel: torch.Tensor
    """(n_mels, T) log mel."""
    alignment: np.ndarray
    """(decoder steps, tokens): how much each step attended to each token."""
    words: list[tuple[int, int]]
    """Of each word, its first token and the one after its last."""
    finished: bool
    """False if the model did not stop by itself and was cut off."""
