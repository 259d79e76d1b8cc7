"""VCTK: 110 speakers with many accents of English, each reading about 400 sentences, at 48 kHz.

    VCTK-Corpus-0.92/                           VCTK-Corpus/ (0.80)
        wav48_silence_trimmed/p225/                 wav48/p225/
            p225_001_mic1.flac                          p225_001.wav
            p225_001_mic2.flac  (not used)
        txt/p225/p225_001.txt                       txt/p225/p225_001.txt    p315 has none: its texts were lost

The second microphone heard the same sentence from farther away, so a clip would count twice.

License: CC BY 4.0 (0.92), ODC-By 1.0 (0.80). Yamagishi, Veaux, MacDonald: "CSTR VCTK Corpus: English Multi-speaker
Corpus for CSTR Voice Cloning Toolkit", University of Edinburgh, 2019.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.corpora.files import identifier, list_audio, list_folder, list_folders, peek, read_text
from speech.utterance import Utterance

LAYOUT = "wav48_silence_trimmed/<speaker>/<speaker>_001_mic1.flac or wav48/<speaker>/<speaker>_001.wav, and txt/"
AUDIO_FOLDERS = ("wav48_silence_trimmed", "wav48")


def recognize(root: Path) -> bool:
    return any(re.fullmatch(r"[ps]\d+", path.name) for name in AUDIO_FOLDERS for path in peek(root / name)[0])


def utterances(root: Path) -> Iterator[Utterance]:
    folder = next((root / name for name in AUDIO_FOLDERS if (root / name).is_dir()), root / AUDIO_FOLDERS[0])
    for speaker in list_folders(folder):
        texts = root / "txt" / speaker.name
        there = {path.stem: path for path in list_folder(texts)[1]} if texts.is_dir() else {}
        for audio in list_audio(speaker):
            if audio.stem.endswith("_mic2"):
                continue
            name = audio.stem.removesuffix("_mic1")
            text = read_text(there[name]) if name in there else None
            yield Utterance(identifier(name), audio, identifier(speaker.name), text)
