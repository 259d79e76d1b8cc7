"""A long sound in pieces that are made side by side, and joined so that nothing is heard of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fold:
    """A piece of sound `item`: `length` samples from `start` on."""

    item: int
    start: int
    length: int


def folds_of(item: int, length: int, fold: int, overlap: int) -> list[Fold]:
    """About `fold` samples each, all alike but that the last ends with the sound; each but the last goes on `overlap`
    samples into the next. One for a short sound, or where `fold` is 0."""
    count = max(1, length // fold) if fold else 1
    stride = -(-length // count)
    starts = range(0, length, stride)
    return [Fold(item, start, min(stride + overlap, length - start)) for start in starts]


def join(folds: list[Fold], pieces: list[np.ndarray], overlap: int) -> np.ndarray:
    """One sound from its folds in order. A fold is not heard in the first half of an overlap, where it knows nothing of
    what was before; in the second half it takes over, so that what both agree on comes out as it was."""
    whole = np.zeros(folds[-1].start + folds[-1].length, np.float32)
    for fold, piece in zip(folds, pieces):
        if fold.start == 0:
            whole[: fold.length] = piece
            continue
        shared = min(overlap, fold.length)
        rise = np.zeros(fold.length, np.float32)
        rise[shared - shared // 2 : shared] = (np.arange(shared // 2, dtype=np.float32) + 0.5) / max(1, shared // 2)
        rise[shared:] = 1
        here = slice(fold.start, fold.start + fold.length)
        whole[here] += rise * (piece - whole[here])
    return whole
