"""speechocean762: 250 Mandarin speakers, half of them children, reading English sentences, at 16 kHz.

    speechocean762/
        WAVE/SPEAKER0001/000010011.wav
        train/text          `000010011 WE CALL IT BEAR`
        train/utt2spk       `000010011 0001`
        test/text, test/utt2spk

License: CC BY 4.0. Zhang et al.: "speechocean762: An Open-Source Non-native English Speech Corpus For Pronunciation
Assessment", Interspeech 2021.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.corpora.files import identifier, label, list_audio, list_folders, peek, read_pairs
from speech.utterance import Utterance

LAYOUT = "WAVE/SPEAKER0001/000010011.wav, with train/text and train/utt2spk (and test/) beside WAVE/"
SPLITS = ("train", "test")


def recognize(root: Path) -> bool:
    return any(re.fullmatch(r"SPEAKER\d+", folder.name) for folder in peek(root / "WAVE")[0])


def utterances(root: Path) -> Iterator[Utterance]:
    texts, speakers, splits = {}, {}, {}
    for split in SPLITS:
        split_texts, split_speakers = read_pairs(root / split / "text"), read_pairs(root / split / "utt2spk")
        texts |= split_texts
        speakers |= split_speakers
        splits |= dict.fromkeys([*split_texts, *split_speakers], split)
    for folder in list_folders(root / "WAVE"):
        for audio in list_audio(folder):
            name = audio.stem
            speaker = label(speakers.get(name)) or identifier(folder.name.removeprefix("SPEAKER"))
            text, split = label(texts.get(name)), splits.get(name, SPLITS[0])
            yield Utterance(identifier(name), audio, speaker, text, split=split)
