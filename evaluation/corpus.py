"""Who is heard: speakers, and of each a reference to clone, recordings to compare with, and recordings to be known by.

A checkpoint does not record whom it learned from, so nothing here can check that these speakers are new to it: keep
their folder out of every training.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from speech.corpora import read_corpus
from speech.errors import InputError
from speech.trim import longest_pause, remove_silence
from speech.utterance import Utterance
from speech.waveform import Waveform

SHORTEST, LONGEST = 2.0, 10.0
"""Seconds of a recording that clones are compared with: whole, never cut."""
SHORTEST_REFERENCE, LONGEST_REFERENCE = 1.0, 20.0
"""Seconds, without pauses and with them, of a recording that says whose voice it is."""
REFERENCE_SECONDS = 8.0
"""Recordings are added to a reference until it is this long."""
ENROLLED = 3
"""Recordings a speaker is known by to the judge; the clone never hears them."""
LONGEST_PAUSE = 0.8
LOOKED_AT = 80
"""Recordings of a speaker that are opened, at most, to find good ones."""


@dataclass(frozen=True)
class Person:
    """One speaker's recordings, none in two of the lists unless there are too few (then `notes` of Choice says so)."""

    name: str
    reference: list[Utterance]
    """What the clone is made from."""
    enrolled: list[Utterance]
    """What the judge knows the speaker by."""
    tests: list[Utterance]
    """What is measured beside the clones; where there are transcripts, the clones say the same."""


@dataclass
class Choice:
    people: list[Person]
    notes: list[str] = field(default_factory=list)


def read_corpora(folders: tuple[str, ...]) -> list[Utterance]:
    """Every utterance of each corpus; of several, ids and speakers carry the corpus' name."""
    if len(folders) == 1:
        return read_corpus(folders[0])
    found = []
    for folder in folders:
        name = Path(folder).resolve().name
        found += [replace(u, id=f"{name}/{u.id}", speaker=f"{name}/{u.speaker}") for u in read_corpus(folder)]
    return found


def choose(
    utterances: list[Utterance], speakers: int, sentences: int, seed: int, known: Callable[[str], bool]
) -> Choice:
    """`speakers` people and up to `sentences` recordings to compare with of each, the same for the same seed.

    known: can the recognizer spell this text? Recordings of texts it cannot come last. Raises InputError if there is
    no speaker with a recording that can be used.
    """
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        by_speaker[utterance.speaker].append(utterance)
    # Those with transcripts and enough recordings first, in an order of the seed.
    names = sorted(by_speaker)
    random.Random(seed).shuffle(names)
    names.sort(key=lambda name: -min(len(by_speaker[name]), sentences + 2))
    names.sort(key=lambda name: not any(utterance.text for utterance in by_speaker[name]))
    transcribed = any(utterance.text for utterance in utterances)
    people = []
    for name in names:
        if len(people) == speakers:
            break
        person = _person(name, by_speaker[name], sentences, f"{seed} {name}", known if transcribed else None)
        if person:
            people.append(person)
    if not people:
        raise InputError(
            f"no speaker has a recording of {LONGEST_REFERENCE:g} s or less with {SHORTEST_REFERENCE:g} s of speech; "
            f"an evaluation needs at least one, better ten speakers with ten recordings each"
        )
    people.sort(key=lambda person: person.name)
    return Choice(people, _notes(people, speakers, sentences, transcribed))


def _person(
    name: str, utterances: list[Utterance], sentences: int, seed: str, known: Callable[[str], bool] | None
) -> Person | None:
    order = sorted(utterances, key=lambda utterance: utterance.id)
    random.Random(seed).shuffle(order)
    if known:
        order.sort(key=lambda utterance: not (utterance.text and known(utterance.text)))
    tests, others, seconds = [], [], {}
    for utterance in order[:LOOKED_AT]:
        try:
            wave = Waveform.read(utterance.audio, LONGEST_REFERENCE)
        except InputError:
            continue
        if remove_silence(wave).seconds < SHORTEST_REFERENCE:
            continue
        seconds[utterance.id] = wave.seconds
        wanted = len(tests) < sentences and SHORTEST <= wave.seconds <= LONGEST and (utterance.text or not known)
        if wanted and longest_pause(wave) <= LONGEST_PAUSE:
            tests.append(utterance)
        else:
            others.append(utterance)
        enough = sum(seconds[other.id] for other in others) >= REFERENCE_SECONDS and len(others) >= ENROLLED + 1
        if enough and len(tests) == sentences:
            break
    # Where there are few recordings, first one to clone, then one to compare with, then one to be known by.
    found = len(tests) + len(others)
    while tests and len(others) < (1 if found <= 2 else 2):
        others.append(tests.pop())
    if not others:
        return None
    reference = [others.pop(0)]
    while len(others) > ENROLLED and sum(seconds[each.id] for each in reference) < REFERENCE_SECONDS:
        reference.append(others.pop(0))
    return Person(name, reference, others[:ENROLLED] or reference, tests)


def _notes(people: list[Person], speakers: int, sentences: int, transcribed: bool) -> list[str]:
    notes = []
    if len(people) < speakers:
        notes.append(f"the corpus has {len(people)} speakers that can be used; {speakers} were asked for")
    if len(people) == 1:
        notes.append("with one speaker there is no wrong one: other similarities and SV-EER are left out")
    if not transcribed:
        notes.append(
            "the corpus has no transcripts: clones say our sentences; word error rates of real speech, prosody, "
            "distortion of clones and teacher-forced figures are left out"
        )
    alone = [person.name for person in people if person.enrolled == person.reference]
    if alone:
        notes.append(
            f"too few recordings of {_named(alone)}: the judge knows them by the very recording they are cloned from, "
            f"so their similarities are too high"
        )
    silent = [person.name for person in people if not person.tests]
    if silent:
        notes.append(f"no recording is left to compare with of {_named(silent)}: they have clones alone")
    few = [person.name for person in people if 0 < len(person.tests) < sentences]
    if few:
        notes.append(f"fewer than {sentences} recordings of {SHORTEST:g} to {LONGEST:g} s of {_named(few)}")
    return notes


def _named(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def read_lines(name: str) -> list[str]:
    """Lines of a text file in this folder, without blank ones and comments."""
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
