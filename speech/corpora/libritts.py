"""LibriTTS and LibriTTS-R: LibriSpeech's books cut at sentences, punctuated; 585 hours of 2456 speakers at 24 kHz.

    LibriTTS/                                           this folder, or one split of it
        train-clean-100/                                the split
            103/1241/                                   speaker / chapter
                103_1241_000000_000001.wav
                103_1241_000000_000001.normalized.txt   the text as spoken: `Doctor Smith`
                103_1241_000000_000001.original.txt     the text as printed: `Dr. Smith`; used where the first is absent

License: CC BY 4.0. Zen et al.: "LibriTTS: A Corpus Derived from LibriSpeech for Text-to-Speech", Interspeech 2019;
Koizumi et al.: "LibriTTS-R: A Restored Multi-Speaker Text-to-Speech Corpus", Interspeech 2023.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.corpora.files import identifier, is_audio, list_folder, read_text
from speech.corpora.librispeech import chapters, first_chapter_files
from speech.utterance import Utterance

LAYOUT = "<split>/<speaker>/<chapter>/<speaker>_<chapter>_000000_000001.wav, with .normalized.txt beside"


def recognize(root: Path) -> bool:
    return any(_is_ours(path) for path in first_chapter_files(root))


def utterances(root: Path) -> Iterator[Utterance]:
    for split, speaker, chapter in chapters(root):
        files = list_folder(chapter)[1]
        there = set(files)
        for audio in filter(lambda path: is_audio(path.name), files):
            texts = (audio.with_name(audio.stem + ending) for ending in (".normalized.txt", ".original.txt"))
            text = next((read_text(path) for path in texts if path in there), None)
            yield Utterance(identifier(audio.stem), audio, speaker, text, split=split)


def _is_ours(path: Path) -> bool:
    start = re.escape(f"{path.parents[1].name}_{path.parent.name}_")
    return re.match(rf"{start}\d+_\d+\.", path.name) is not None
