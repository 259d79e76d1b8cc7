"""LibriSpeech: read English books, about 1000 hours of 2484 speakers at 16 kHz.

    LibriSpeech/                            this folder, or one split of it
        dev-clean/                          the split
            84/121123/                      speaker / chapter
                84-121123.trans.txt         `84-121123-0000 GO DO YOU HEAR`, one line a clip; may be absent
                84-121123-0000.flac         or any other audio format

License: CC BY 4.0. Panayotov, Chen, Povey, Khudanpur: "Librispeech: an ASR corpus based on public domain audio books",
ICASSP 2015.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.corpora.files import (
    folder_name,
    identifier,
    is_audio,
    label,
    list_audio,
    list_folder,
    list_folders,
    peek,
    read_pairs,
)
from speech.utterance import Utterance

LAYOUT = "<split>/<speaker>/<chapter>/<speaker>-<chapter>-0000.flac, with <speaker>-<chapter>.trans.txt beside"


def recognize(root: Path) -> bool:
    return any(_is_ours(path) for path in first_chapter_files(root))


def utterances(root: Path) -> Iterator[Utterance]:
    for split, speaker, chapter in chapters(root):
        texts: dict[str, str] = {}
        for path in list_folder(chapter)[1]:
            if path.name.endswith(".trans.txt"):
                texts |= read_pairs(path)
        for audio in list_audio(chapter):
            yield Utterance(identifier(audio.stem), audio, speaker, label(texts.get(audio.stem)), split=split)


def _is_ours(path: Path) -> bool:
    start = re.escape(f"{path.parents[1].name}-{path.parent.name}")
    if is_audio(path.name):
        return re.fullmatch(rf"{start}-\d+", path.stem) is not None
    return re.fullmatch(rf"{start}\.trans\.txt", path.name) is not None


def chapters(root: Path) -> Iterator[tuple[str, str, Path]]:
    """(split, speaker, chapter folder), where `root` holds splits or is one. LibriTTS is laid out in the same way."""
    splits = [root] if any(_numbered(speaker) for speaker in _numbered(root)) else list_folders(root)
    for split in splits:
        for speaker in _numbered(split):
            for chapter in _numbered(speaker):
                yield folder_name(split), speaker.name, chapter


def first_chapter_files(root: Path) -> list[Path]:
    """Files of the first chapters of each split, enough to tell the corpora of this layout apart."""
    found: list[Path] = []
    for split in (root, *peek(root)[0]):
        for speaker in _peek_numbered(split)[:3]:
            for chapter in _peek_numbered(speaker)[:3]:
                found += peek(chapter)[1]
    return found


def _numbered(folder: Path) -> list[Path]:
    return [path for path in list_folders(folder) if re.fullmatch("[0-9]+", path.name)]


def _peek_numbered(folder: Path) -> list[Path]:
    return [path for path in peek(folder)[0] if re.fullmatch("[0-9]+", path.name)]
