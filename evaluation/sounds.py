"""The rows of a report: real recordings, their copies through each vocoder, clones. All as files, all finished alike.

Every sound is trimmed and brought to one loudness as clones are, so that no measure sees a difference in level.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from speech.waveform import Waveform

PICTURED = 1
"""Clones of each person whose attention is drawn."""


@dataclass(frozen=True)
class Sound:
    speaker: str
    path: Path
    text: str | None
    """Normalized, as it is spoken."""
    real: Path | None = None
    """The recording of the same words by the same speaker, if there is one."""
    finished: bool = True
    alignment: str | None = None
    """A picture of the attention, beside the sounds."""

    @property
    def wave(self) -> Waveform:
        return Waveform.read(self.path)


@dataclass(frozen=True)
class Row:
    title: str
    kind: str
    """real, copy or clone."""
    sounds: list[Sound]
    key: str
    """Changes when a sound does."""


def make_row(parts, folder: Path, title: str, kind: str, key: str, make: Callable[[Path], list[dict]]) -> Row:
    """The row that `make` writes into a folder of its own below `folder`, or wrote in an earlier run.

    `make` gives for each sound {"speaker", "file", "text"} and perhaps more of Sound's fields, files relative.
    """
    own = folder / file_name(title)

    def there(made: list[dict]) -> bool:
        return all((own / sound["file"]).is_file() for sound in made)

    made = parts.of(f"sounds {title}", key, lambda: make(own), there)
    sounds = []
    for facts in made:
        real = folder / facts["real"] if facts.get("real") else None
        alignment = str(own / facts["alignment"]) if facts.get("alignment") else None
        finished = facts.get("finished", True)
        sounds.append(Sound(facts["speaker"], own / facts["file"], facts["text"], real, finished, alignment))
    return Row(title, kind, sounds, key)


def write_real(own: Path, people) -> list[dict]:
    """Recordings to compare with."""
    made = []
    for index, person in enumerate(_shown(people, "real recordings")):
        for number, utterance in enumerate(person.tests):
            file = _file(index, person.name, number)
            finished_sound(Waveform.read(utterance.audio)).write(own / file)
            made.append(_facts(person.name, file, spoken(utterance.text), None))
    return made


def write_references(own: Path, people) -> list[dict]:
    """What the clones are made from: each person's recordings, joined."""
    made = []
    for index, person in enumerate(_shown(people, "references")):
        waves = [Waveform.read(utterance.audio) for utterance in person.reference]
        rate = max(wave.sample_rate for wave in waves)
        joined = finished_sound(Waveform.join([wave.at(rate) for wave in waves]))
        file = _file(index, person.name, "reference")
        joined.write(own / file)
        made.append(_facts(person.name, file, None, None))
    return made


def write_copies(own: Path, real: Row, vocoder) -> list[dict]:
    """Copy synthesis: the mel of each recording, made into sound again."""
    import torch

    from speech.mel import log_mel

    made = []
    for sound in _shown(real.sounds, "copies"):
        wave = sound.wave.at(vocoder.mel.sample_rate)
        with torch.inference_mode():
            mel = log_mel(torch.from_numpy(wave.samples), vocoder.mel)
            copy = vocoder.vocode(mel.to(next(vocoder.parameters(), mel).device))
        copy.peak_limited().write(own / sound.path.name)
        made.append(_facts(sound.speaker, sound.path.name, sound.text, sound.path))
    return made


def write_clones(own: Path, people, real: Row, cloner, sentences: list[str], count: int, seed: int) -> list[dict]:
    """Each person's voice saying what their recordings say, or `count` of our sentences if nothing is transcribed."""
    from evaluation.pictures import draw_alignment

    said = {(sound.speaker, sound.text): sound.path for sound in real.sounds if sound.text}
    jobs = []
    for index, person in enumerate(people):
        texts = [text for speaker, text in said if speaker == person.name]
        if not texts:
            texts = [sentences[(index * count + i) % len(sentences)] for i in range(min(count, len(sentences)))]
        jobs.append((person, texts))
    made = []
    for index, (person, texts) in enumerate(_shown(jobs, "clones")):
        voice = cloner.voice([utterance.audio for utterance in person.reference], name=person.name)
        for number, (text, clone) in enumerate(zip(texts, cloner.make(texts, [voice] * len(texts), seed))):
            path = said.get((person.name, text))
            file = path.name if path else _file(index, person.name, number)
            clone.wave.write(own / file)
            facts = _facts(person.name, file, text, path)
            facts["finished"] = all(piece.finished for piece in clone.pieces)
            if number < PICTURED:
                facts["alignment"] = file.replace(".flac", ".png")
                draw_alignment([piece.alignment for piece in clone.pieces], own / facts["alignment"])
            made.append(facts)
    return made


def finished_sound(wave: Waveform) -> Waveform:
    """As a clone is: trimmed, of an even loudness, its ends faded."""
    from cloning.joining import finished

    return finished(wave, 0.0)


def spoken(text: str | None) -> str | None:
    """A transcript as it is said; None where nothing in it can be."""
    from speech.errors import InputError
    from synthesizer.text import encode, normalize

    try:
        return normalize(text) if text and encode(text) else None
    except InputError:
        return None


def file_name(title: str) -> str:
    return re.sub(r"[^\w.-]+", "-", title).strip("-.")[:80] or "sound"


def _file(index: int, speaker: str, which: int | str) -> str:
    return f"{index:03d}-{file_name(speaker)}-{which}.flac"


def _facts(speaker: str, file: str, text: str | None, real: Path | None) -> dict:
    relative = f"{real.parent.name}/{real.name}" if real else None
    return {"speaker": speaker, "file": file, "text": text, "real": relative}


def _shown(items, what: str):
    from tqdm import tqdm

    return tqdm(items, desc=what, leave=False)
