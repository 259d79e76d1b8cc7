"""How well does the conditioning encoder tell unseen speakers apart, by the seconds of speech it is given?

Excerpts of exactly so many seconds of speech (pauses removed, a speaker's recordings joined where one is too short, no
recording in two excerpts) are compared two by two; and each with the mean of its speaker's others, as GE2E validates.
"""

from __future__ import annotations

import random
from collections import defaultdict

import numpy as np
import torch

from encoder.losses import cosines_to_centroids, equal_error_rate, verification_scores
from evaluation.embeddings import embed, known
from speech.errors import InputError
from speech.trim import remove_silence
from speech.utterance import Utterance
from speech.waveform import Waveform

LENGTHS = (1, 2, 3, 5, 10)
"""Seconds of speech."""
RATE = 16000
SPEAKERS, EXCERPTS = 60, 6
"""Most speakers, and excerpts of each, that are compared."""
RECORDINGS = 30
"""Most recordings opened of a speaker."""
DET_POINTS = 200


def verify(utterances: list[Utterance], encoder, seed: int, lengths=LENGTHS) -> dict[str, dict]:
    """{"3": {"eer", "centroid_eer", "speakers", "same", "different", "det"}}, or {"skipped": why}, by seconds.

    det: false acceptance and false refusal rates at thresholds from loose to strict.
    """
    from tqdm import tqdm

    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        by_speaker[utterance.speaker].append(utterance)
    names = [name for name in sorted(by_speaker) if len(by_speaker[name]) >= 2]
    random.Random(seed).shuffle(names)
    found: dict[int, list[np.ndarray]] = {length: [] for length in lengths}
    for name in tqdm(names[:SPEAKERS], desc="telling speakers apart", leave=False):
        speech = _speech(by_speaker[name], f"{seed} {name}", max(lengths))
        for length in lengths:
            embeddings = known(embed(encoder, excerpts(speech, length)))
            if len(embeddings) >= 2:
                found[length].append(embeddings)
    return {str(length): _figures(found[length], length) for length in lengths}


def excerpts(speech: list[Waveform], seconds: float) -> list[Waveform]:
    """Up to EXCERPTS pieces of exactly `seconds`, each from recordings of its own, joined where one is too short."""
    wanted, found = round(seconds * RATE), []
    pieces: list[np.ndarray] = []
    for wave in speech:
        pieces.append(wave.samples)
        if sum(map(len, pieces)) >= wanted:
            found.append(Waveform(np.concatenate(pieces)[:wanted], RATE))
            pieces = []
            if len(found) == EXCERPTS:
                break
    return found


def trials(embeddings: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of all pairs of excerpts: (of one speaker, of two)."""
    every = np.concatenate(embeddings)
    owner = np.repeat(np.arange(len(embeddings)), [len(each) for each in embeddings])
    first, second = np.triu_indices(len(every), 1)
    cosines = (every @ every.T)[first, second]
    same = owner[first] == owner[second]
    return cosines[same], cosines[~same]


def det_curve(same: np.ndarray, different: np.ndarray) -> list[list[float]]:
    """[[false acceptance rate, false refusal rate], ...] from loose thresholds to strict ones."""
    thresholds = np.quantile(np.concatenate([same, different]), np.linspace(0, 1, DET_POINTS))
    same, different = np.sort(same), np.sort(different)
    refused = np.searchsorted(same, thresholds) / len(same)
    accepted = 1 - np.searchsorted(different, thresholds) / len(different)
    return np.stack([accepted, refused], axis=1).round(5).tolist()


def _figures(found: list[np.ndarray], length: int) -> dict:
    if len(found) < 2:
        return {"skipped": f"{len(found)} speakers have two excerpts of {length} s of speech; two are needed"}
    same, different = trials(found)
    return {
        "eer": equal_error_rate(same, different),
        "centroid_eer": _centroid_rate(found),
        "speakers": len(found),
        "same": len(same),
        "different": len(different),
        "det": det_curve(same, different),
    }


def _centroid_rate(found: list[np.ndarray]) -> float:
    """Equal error rate of an excerpt against the mean of others, of as many for each speaker."""
    most = max(2, int(np.median([len(each) for each in found])))
    chosen = [each[:most] for each in found if len(each) >= most]
    cosines = cosines_to_centroids(torch.from_numpy(np.stack(chosen)))
    return equal_error_rate(*verification_scores(cosines))


def _speech(utterances: list[Utterance], seed: str, longest: float) -> list[Waveform]:
    """A speaker's recordings without pauses, in an order of the seed, as many as the longest excerpts can use."""
    order = sorted(utterances, key=lambda utterance: utterance.id)
    random.Random(seed).shuffle(order)
    speech, seconds = [], 0.0
    for utterance in order[:RECORDINGS]:
        try:
            wave = remove_silence(Waveform.read(utterance.audio, 60).at(RATE))
        except InputError:
            continue
        if wave.seconds >= 0.5:
            speech.append(wave)
            seconds += min(wave.seconds, longest)
        if seconds > longest * EXCERPTS * 1.2 and len(speech) >= EXCERPTS:
            break
    return speech
