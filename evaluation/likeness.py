"""Does a clone sound like its speaker? Judged by a second encoder, never by the one that conditions: that one's own
opinion of what it asked for would be flattery.
"""

from __future__ import annotations

import numpy as np

from encoder.losses import equal_error_rate
from evaluation.embeddings import centroid, embed
from evaluation.sounds import Row, finished_sound
from speech.waveform import Waveform


def enroll(people, judge) -> dict[str, list[list[float]]]:
    """The judge's embeddings of each person's enrolled recordings."""
    from tqdm import tqdm

    found = {}
    for person in tqdm(people, desc="the judge hears them", leave=False):
        waves = [finished_sound(Waveform.read(utterance.audio)) for utterance in person.enrolled]
        found[person.name] = plain(embed(judge, waves))
    return found


def judged(row: Row, judge) -> list[list[float]]:
    """The judge's embeddings of a row's sounds, in their order."""
    from tqdm import tqdm

    return plain(embed(judge, [sound.wave for sound in tqdm(row.sounds, desc=f"likeness of {row.title}", leave=False)]))


def similarities(embeddings: list, speakers: list[str], enrolled: dict[str, list]) -> dict:
    """How near sounds are to their own speaker, and to the others.

    Returns {"target": mean cosine to the speaker's enrolled recordings, "other": mean cosine to those of each other
    speaker, "margin": their difference, "sv_eer": equal error rate of "is it this speaker?", "targets", "others": the
    cosines}; what cannot be told with one speaker is None.
    """
    names = sorted(enrolled)
    centroids = np.stack([centroid(np.array(enrolled[name], np.float32)) for name in names])
    cosines = np.array(embeddings, np.float32) @ centroids.T
    own = np.array(speakers)[:, None] == np.array(names)
    targets, others = _known(cosines[own]), _known(cosines[~own])
    several = len(names) > 1 and len(targets) and len(others)
    target = float(targets.mean()) if len(targets) else None
    other = float(others.mean()) if several else None
    return {
        "target": target,
        "other": other,
        "margin": target - other if several else None,
        "sv_eer": equal_error_rate(targets, others) if several else None,
        "targets": targets.round(4).tolist(),
        "others": others.round(4).tolist(),
    }


def plain(embeddings: np.ndarray) -> list[list[float | None]]:
    """For JSON; NaN becomes null."""
    return [[None if np.isnan(value) else round(float(value), 5) for value in row] for row in embeddings]


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]
