"""Texts that make such systems stumble: is every word said, once, to the end, without falling silent?

Each text of hard_texts.txt is split as `Cloner` splits it, and each sentence is looked at alone. Its faults:

    skipped     the attention gave some word less than SHORTEST_WORD seconds
    repeated    it went back to a word before the one it had reached, for REPEATED seconds or more
    cut         it did not reach the last tokens, or the model did not stop by itself
    silent      there are more than LONGEST_PAUSE seconds of silence inside
    babbled     the recognizer, told all these texts, understands less than half of three words or more

The first three need a synthesizer that shows its attention, the last a recognizer.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from evaluation.corpus import read_lines
from evaluation.sounds import file_name
from evaluation.words import mistakes, words_of
from speech.trim import longest_pause
from speech.waveform import Waveform
from synthesizer.text import split_sentences

SHORTEST_WORD, REPEATED, LONGEST_PAUSE = 0.03, 0.1, 0.8
"""Seconds."""
END_TOKENS = 3
"""The last tokens, of which the attention must reach one: the end mark may go unheard."""
BABBLED = 0.5
"""Word error rate above which a sentence is not understood. Of flite's voice slt, none is above 0.3."""
FAULTS = ("skipped", "repeated", "cut", "silent", "babbled")


def hard_texts() -> list[tuple[str, str]]:
    """(kind, text) of each line of hard_texts.txt."""
    pairs = (line.split(" | ", 1) for line in read_lines("hard_texts.txt"))
    return [(kind.strip(), text.strip()) for kind, text in pairs]


def speak(own: Path, people, cloner, seed: int) -> list[dict]:
    """Clone every sentence and look at its attention. The people take turns, also within a text: else the voice of the
    longest would count for most.

    Returns [{"speaker", "file", "text", "kind", "faults"}]; babbling is not known yet.
    """
    from tqdm import tqdm

    fps = cloner.synthesizer.mel.frames_per_second
    jobs = []
    for kind, text in hard_texts():
        for piece in split_sentences(text):
            jobs.append((people[len(jobs) % len(people)], kind, piece.text))
    voices = {
        person.name: cloner.voice([utterance.audio for utterance in person.reference], name=person.name)
        for person in people[: len(jobs)]
    }
    made = []
    with tqdm(total=len(jobs), desc="hard texts", leave=False) as bar:
        for start in range(0, len(jobs), 16):
            some = jobs[start : start + 16]
            clones = cloner.make([text for *_, text in some], [voices[person.name] for person, *_ in some], seed)
            for number, ((person, kind, text), clone) in enumerate(zip(some, clones), start=start):
                file = f"{number:03d}-{file_name(kind)}.flac"
                clone.wave.write(own / file)
                faults = [fault for piece in clone.pieces for fault in attention_faults(piece, fps)]
                if longest_pause(clone.wave) > LONGEST_PAUSE:
                    faults.append("silent")
                facts = {"speaker": person.name, "file": file, "text": text, "kind": kind}
                made.append(facts | {"faults": sorted(set(faults))})
                bar.update()
    return made


def attention_faults(piece, frames_per_second: float) -> list[str]:
    """Which of skipped, repeated and cut a Synthesis shows."""
    alignment, words = piece.alignment, piece.words
    faults = [] if piece.finished else ["cut"]
    if alignment is None:
        return faults
    seconds = piece.mel.shape[1] / frames_per_second / max(len(alignment), 1)
    heard = [float(alignment[:, start:stop].sum()) * seconds for start, stop in words]
    if any(each < SHORTEST_WORD for each in heard):
        faults.append("skipped")
    place = alignment.argmax(axis=1)
    if place.max(initial=0) < alignment.shape[1] - 1 - END_TOKENS:
        faults.append("cut")
    if _seconds_gone_back(place, words) * seconds >= REPEATED:
        faults.append("repeated")
    return faults


def _seconds_gone_back(place: np.ndarray, words: list[tuple[int, int]]) -> int:
    """Decoder steps spent on a word before the farthest one reached."""
    ends = np.array([stop for _, stop in words])
    word = np.searchsorted(ends, place, side="right")
    return int((word < np.maximum.accumulate(word)).sum())


def understand(made: list[dict], own: Path, recognizer) -> list[str | None]:
    """What a recognizer that is told all the texts hears in each sentence; None where it has too few words to tell."""
    from tqdm import tqdm

    texts = sorted({facts["text"] for facts in made})
    heard = []
    for facts in tqdm(made, desc="understanding hard texts", leave=False):
        known = [word for word in words_of(facts["text"]) if recognizer.knows(word)]
        heard.append(recognizer.transcribe(Waveform.read(own / facts["file"]), texts) if len(known) >= 3 else None)
    return heard


def summed(made: list[dict], heard: list[str | None] | None, recognizer) -> dict:
    """{"sentences": [...], "faultless": share, "counts": {fault: sentences}, "listened": was there a recognizer?}"""
    sentences = []
    for index, facts in enumerate(made):
        faults, answer = list(facts["faults"]), heard[index] if heard else None
        if answer is not None:
            known = [word for word in words_of(facts["text"]) if recognizer.knows(word)]
            rate = mistakes(known, words_of(answer) if answer else []) / len(known)
            faults += ["babbled"] if rate > BABBLED else []
        sentences.append(facts | {"faults": faults, "heard": answer})
    counts = Counter(fault for sentence in sentences for fault in sentence["faults"])
    return {
        "sentences": sentences,
        "faultless": sum(not sentence["faults"] for sentence in sentences) / max(len(sentences), 1),
        "counts": {fault: counts[fault] for fault in FAULTS if heard or fault != "babbled"},
        "listened": heard is not None,
    }
