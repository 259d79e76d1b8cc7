"""What the speaker encoder learns by (GE2E, arXiv 1710.10467), and how well it tells speakers apart."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Similarity(nn.Module):
    """Scaled cosine of every embedding with every speaker's centroid (section 2.1, equations 5 and 9)."""

    def __init__(self, scale: float = 10.0, bias: float = -5.0):
        super().__init__()
        # The paper needs a positive scale; its logarithm may be anything.
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """embeddings: (S, U, C) unit length. Returns (S, U, S)."""
        return self.log_scale.exp() * cosines_to_centroids(embeddings) + self.bias


def cosines_to_centroids(embeddings: torch.Tensor) -> torch.Tensor:
    """Cosine of each utterance with each speaker's centroid; its own speaker's centroid leaves it out (equation 8).

    embeddings: (S speakers, U >= 2 utterances, C) unit length. Returns (S, U, S).
    """
    speakers, utterances, _ = embeddings.shape
    total = embeddings.sum(dim=1)
    centroids = F.normalize(total, dim=-1)
    others = F.normalize(total[:, None] - embeddings, dim=-1)
    cosines = torch.einsum("suc,kc->suk", embeddings, centroids)
    own = (embeddings * others).sum(dim=-1)
    same = torch.eye(speakers, dtype=torch.bool, device=embeddings.device)[:, None].expand(-1, utterances, -1)
    return torch.where(same, own[..., None], cosines)


def softmax_loss(similarities: torch.Tensor) -> torch.Tensor:
    """GE2E softmax loss (equation 6), the mean over all utterances. similarities: (S, U, S)."""
    speakers, utterances, _ = similarities.shape
    targets = torch.arange(speakers, device=similarities.device).repeat_interleave(utterances)
    return F.cross_entropy(similarities.reshape(-1, speakers), targets)


def verification_scores(cosines: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """(scores of same-speaker trials, of different-speaker trials) from cosines (S, U, S)."""
    speakers, utterances, _ = cosines.shape
    scores = cosines.float().cpu().numpy()
    same = np.broadcast_to(np.eye(speakers, dtype=bool)[:, None], (speakers, utterances, speakers))
    return scores[same], scores[~same]


def equal_error_rate(same: np.ndarray, different: np.ndarray) -> float:
    """Where as many impostors are accepted as true speakers are refused, in [0, 1]; between thresholds, linearly."""
    scores = np.concatenate([same, different])
    labels = np.concatenate([np.ones(len(same), bool), np.zeros(len(different), bool)])
    order = np.argsort(scores, kind="stable")
    scores, labels = scores[order], labels[order]
    # Thresholds only between different scores: equal scores are decided alike.
    last = np.append(scores[1:] != scores[:-1], True)
    refused = np.append(0, np.cumsum(labels)[last] / len(same))
    accepted = np.append(1, 1 - np.cumsum(~labels)[last] / len(different))
    gap = refused - accepted
    after = int(np.argmax(gap >= 0))
    if gap[after] == 0 or after == 0:
        return float(refused[after])
    weight = -gap[after - 1] / (gap[after] - gap[after - 1])
    return float(refused[after - 1] + weight * (refused[after] - refused[after - 1]))
