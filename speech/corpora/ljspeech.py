"""LJSpeech: one woman reading non-fiction, 24 hours in 13100 clips at 22.05 kHz.

    LJSpeech-1.1/
        metadata.csv            `LJ001-0001|Printing, in 1436|Printing, in fourteen thirty-six`: a quote is a quote
        wavs/LJ001-0001.wav

Recognized by its names (`LJ001-0001`): a corpus of your own in this layout is read by `folder`, which needs none.

License: public domain. Ito, Johnson: "The LJ Speech Dataset", 2017.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from speech.corpora.files import (
    by_stem,
    folder_name,
    identifier,
    label,
    list_audio,
    normal,
    peek,
    read_lines,
    without_suffix,
)
from speech.errors import InputError
from speech.utterance import Utterance

LAYOUT = "metadata.csv with lines `LJ001-0001|text|normalized text`, and wavs/LJ001-0001.wav"


def recognize(root: Path) -> bool:
    try:
        listed = (root / "metadata.csv").is_file() and any(
            line.startswith("LJ") and "|" in line for line in islice(read_lines(root / "metadata.csv"), 5)
        )
    except InputError:
        listed = any(path.name.startswith("LJ") for path in peek(root / "wavs")[1])
    return listed and (root / "wavs").is_dir()


def utterances(root: Path) -> Iterator[Utterance]:
    clips = by_stem(list_audio(root / "wavs"))
    found: list[Utterance] = []
    if (root / "metadata.csv").is_file():
        for line in read_lines(root / "metadata.csv"):
            name, *texts = line.split("|")
            name = normal(without_suffix(name.strip()))
            text = next(filter(None, map(label, reversed(texts[:2]))), None)
            audio = clips.get(name, root / "wavs" / f"{name}.wav")
            found.append(_utterance(root, name, audio, text))
    listed = {utterance.audio for utterance in found}
    found += [_utterance(root, name, audio, None) for name, audio in clips.items() if audio not in listed]
    yield from sorted(found, key=lambda utterance: utterance.id)


def _utterance(root: Path, name: str, audio: Path, text: str | None) -> Utterance:
    return Utterance(identifier(name), audio, "LJ" if name.startswith("LJ") else folder_name(root), text)
