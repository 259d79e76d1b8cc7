"""RAVDESS, its speech: 24 actors saying two sentences in eight emotions, at 48 kHz.

    Audio_Speech_Actors_01-24/
        Actor_01/
            03-01-06-01-02-01-12.wav    modality-channel-emotion-intensity-statement-repetition-actor

Its songs (channel 02) are not read: a singing voice would be learned as a way of speaking.

License: CC BY-NC-SA 4.0, not for commercial use. Livingstone, Russo: "The Ryerson Audio-Visual Database of Emotional
Speech and Song (RAVDESS)", PLoS ONE 13(5), 2018.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.corpora.files import identifier, list_audio, list_folders, peek
from speech.utterance import Utterance

LAYOUT = (
    "Actor_01/03-01-06-01-02-01-01.wav, the name's fields being modality, channel, emotion, ..., statement, ..., actor"
)

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
STATEMENTS = ("Kids are talking by the door", "Dogs are sitting by the door")
ACTOR = re.compile(r"Actor_\d\d")
NAME = re.compile(r"0[123]-0(?P<channel>[12])-0(?P<emotion>[1-8])-0[12]-0(?P<statement>[12])-0[12]-\d\d")


def recognize(root: Path) -> bool:
    actors = [folder for folder in peek(root)[0] if ACTOR.fullmatch(folder.name)]
    return any(NAME.fullmatch(path.stem) for actor in actors for path in peek(actor)[1])


def utterances(root: Path) -> Iterator[Utterance]:
    for actor in list_folders(root):
        if ACTOR.fullmatch(actor.name):
            yield from filter(None, (_utterance(audio, actor.name) for audio in list_audio(actor)))


def _utterance(audio: Path, speaker: str) -> Utterance | None:
    """None for a song; a clip whose name says nothing has no text and no emotion."""
    match = NAME.fullmatch(audio.stem)
    if match is None:
        return Utterance(identifier(f"{speaker}-{audio.stem}"), audio, speaker)
    if match["channel"] == "2":
        return None
    text, emotion = STATEMENTS[int(match["statement"]) - 1], EMOTIONS[int(match["emotion"]) - 1]
    return Utterance(audio.stem, audio, speaker, text, emotion=emotion)
