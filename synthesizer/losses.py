"""Masked losses of the synthesizer, and how well its attention aligns."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def length_mask(lengths: torch.Tensor, longest: int) -> torch.Tensor:
    """(B, longest) True where a sequence is, False where its padding is."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over what `mask` holds; mask (B, T) for values (B, T) or (B, T, C)."""
    if values.dim() == 3:
        values = values.mean(dim=-1)
    return (values * mask).sum() / mask.sum()


def mel_loss(predicted: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Absolute plus squared error: sharpness, and no large mistakes. (B, T, n_mels), mask (B, T)."""
    difference = (predicted - target).float()
    return masked_mean(difference.abs() + difference.square(), mask)


def stop_loss(logits: torch.Tensor, step_lengths: torch.Tensor, weight: float) -> torch.Tensor:
    """Cross-entropy of "this is the last decoder step or later"; the rare stops weigh `weight` times more.

    logits: (B, S). A few steps of padding count too, so that having passed the end still says stop.
    """
    steps = torch.arange(logits.shape[1], device=logits.device)
    target = (steps >= step_lengths[:, None] - 1).float()
    mask = steps < step_lengths[:, None] + 5
    loss = F.binary_cross_entropy_with_logits(
        logits.float(), target, reduction="none", pos_weight=torch.tensor(weight, device=logits.device)
    )
    return masked_mean(loss, mask)


PATH_WIDTH = 0.6
"""Tokens that attention looks at to both sides of a known path: one standard deviation."""


def attention_of_paths(paths: torch.Tensor, token_lengths: torch.Tensor, tokens: int) -> torch.Tensor:
    """The attention (B, S, tokens) that follows paths (B, S), its weights summing to one at each step."""
    centers = torch.arange(tokens, device=paths.device) + 0.5
    nearness = -((centers - paths[..., None]) / PATH_WIDTH).square() / 2
    return nearness.masked_fill(~length_mask(token_lengths, tokens)[:, None], -torch.inf).softmax(dim=-1)


def guided_attention_loss(
    alignment: torch.Tensor,
    step_lengths: torch.Tensor,
    token_lengths: torch.Tensor,
    width: float,
    paths: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean attention far from the diagonal (arXiv 1710.08969, section 4.1), or where it is known when each token is
    said, the cross-entropy of the attention that follows. alignment: (B, S steps, L tokens), paths: (B, S) the token at
    each step, -1 if it is not known."""
    _, steps, tokens = alignment.shape
    distance = _distance_from_diagonal(steps, tokens, step_lengths, token_lengths)
    penalty = 1 - torch.exp(-distance.square() / (2 * width**2))
    far = (alignment * penalty).sum(dim=-1)
    if paths is not None:
        wanted = attention_of_paths(paths, token_lengths, tokens)
        surprise = -(wanted * alignment.clamp_min(1e-6).log()).sum(dim=-1)
        far = torch.where(paths >= 0, surprise, far)
    return masked_mean(far, length_mask(step_lengths, steps))


def diagonality(alignment: torch.Tensor, step_lengths: torch.Tensor, token_lengths: torch.Tensor) -> torch.Tensor:
    """Share of attention within a fifth of the text of the diagonal; about 0.36 for none, near 1 when aligned."""
    _, steps, tokens = alignment.shape
    near = _distance_from_diagonal(steps, tokens, step_lengths, token_lengths) < 0.2
    return masked_mean((alignment * near).sum(dim=-1), length_mask(step_lengths, steps))


def coverage(alignment: torch.Tensor, step_lengths: torch.Tensor, token_lengths: torch.Tensor) -> torch.Tensor:
    """Share of the tokens that received half a decoder step of attention or more: words skipped lower it."""
    _, steps, tokens = alignment.shape
    received = (alignment * length_mask(step_lengths, steps)[..., None]).sum(dim=1)
    return masked_mean((received >= 0.5).float(), length_mask(token_lengths, tokens))


def _distance_from_diagonal(
    steps: int, tokens: int, step_lengths: torch.Tensor, token_lengths: torch.Tensor
) -> torch.Tensor:
    """(B, steps, tokens) how far apart the places in the sound and in the text are, each from 0 to 1."""
    device = step_lengths.device
    in_sound = torch.arange(steps, device=device) / step_lengths[:, None]
    in_text = torch.arange(tokens, device=device) / token_lengths[:, None]
    return (in_text[:, None, :] - in_sound[:, :, None]).abs()
