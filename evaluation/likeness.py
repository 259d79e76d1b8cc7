"""Does a clone sound like its speaker? Judged by a second encoder, never by the one that conditions: that one's own
opinion of what it asked for would be flattery.
"""

from __future__ import annotations

import numpy as np

from encoder.losses import equal_error_rate
from evaluation.embeddings import Embedding, centroid, embed, known
from evaluation.sounds import Row, finished_sound
from speech.waveform import Waveform


def enroll(people, judge) -> dict[str, list[Embedding | None]]:
    """The judge's embeddings of each person's enrolled recordings."""
    from tqdm import tqdm

    found = {}
    for person in tqdm(people, desc="the judge hears them", leave=False):
        waves = [finished_sound(Waveform.read(utterance.audio)) for utterance in person.enrolled]
        found[person.name] = embed(judge, waves)
    return found


def judged(row: Row, judge) -> list[Embedding | None]:
    """The judge's embeddings of a row's sounds, in their order; None for one without enough speech in it."""
    from tqdm import tqdm

    return embed(judge, [sound.wave for sound in tqdm(row.sounds, desc=f"likeness of {row.title}", leave=False)])


def similarities(
    embeddings: list[Embedding | None], speakers: list[str], enrolled: dict[str, list[Embedding | None]]
) -> dict:
    """How near sounds are to their own speaker, and to the others.

    Returns {"target": mean cosine to the speaker's enrolled recordings, "other": mean cosine to those of each other
    speaker, "margin": their difference, "sv_eer": equal error rate of "is it this speaker?", "targets", "others": the
    cosines, "unheard": sounds without enough speech}; what cannot be told is None.
    """
    centroids = {name: centroid(known(several)) for name, several in enrolled.items() if len(known(several))}
    pairs = [(s, np.array(each, np.float32)) for s, each in zip(speakers, embeddings) if each is not None]
    targets = np.array([each @ centroids[speaker] for speaker, each in pairs if speaker in centroids])
    others = np.array([each @ c for speaker, each in pairs for name, c in centroids.items() if name != speaker])
    both = len(targets) > 0 and len(others) > 0
    target = float(targets.mean()) if len(targets) else None
    other = float(others.mean()) if len(others) else None
    return {
        "target": target,
        "other": other,
        "margin": target - other if both else None,
        "sv_eer": equal_error_rate(targets, others) if both else None,
        "targets": targets.round(4).tolist(),
        "others": others.round(4).tolist(),
        "unheard": len(embeddings) - len(pairs),
    }
