"""What a map of voices can be drawn of: prepared corpora, folders of recordings, sound files, saved voices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from encoder.models.ge2e import features
from speech.corpora import read_corpus
from speech.corpora.files import read_lines
from speech.errors import InputError
from speech.shards import PreparedCorpus
from speech.voice import Voice
from speech.waveform import Waveform
from training.checkpoint import Checkpoint

UNKNOWN = "unknown"
SPEAKER_TABLES = ("SPEAKERS.TXT", "speakers.tsv", "speaker-info.txt", "speaker_info.csv")
"""In which LibriSpeech, LibriTTS, VCTK and speechocean762 tell who is a woman and who a man."""
GENDERS = {"f": "female", "female": "female", "m": "male", "male": "male"}
LONGEST = 60.0
"""Seconds of a recording; longer ones are left out, and told."""


@dataclass(frozen=True, eq=False)
class Clip:
    embedding: np.ndarray
    """(C,), unit length."""
    speaker: str
    corpus: str
    gender: str
    """female, male, or unknown where the corpus does not tell."""
    label: str


def embed_all(
    paths: list[Path],
    model: nn.Module,
    checkpoint: Checkpoint,
    speakers: int,
    clips: int,
    table: Path | None = None,
) -> tuple[list[Clip], list[str]]:
    """Clips of at most `speakers` speakers of each path, at most `clips` of each; and a sentence for what was left out.

    table: who is a woman and who a man, where it does not lie beside the corpus.
    Raises InputError if a path is none of what can be drawn, or nothing could be heard in any.
    """
    found: list[Clip] = []
    left_out: list[str] = []
    for path in paths:
        genders = read_genders(table) if table else genders_of(path)
        if (path / "encoder").is_dir():
            found += _prepared(path, model, speakers, clips, genders)
        elif path.suffix == ".voice" or (path.is_dir() and _voices(path)):
            found += [_voice(each, model, checkpoint) for each in ([path] if path.is_file() else _voices(path))]
        else:
            found += _recordings(path, model, speakers, clips, genders, left_out)
    if not found:
        raise InputError(f"nothing could be heard in {', '.join(map(str, paths))}: {'; '.join(left_out[:3])}")
    return found, left_out


def _prepared(folder: Path, model: nn.Module, speakers: int, clips: int, genders: dict[str, str]) -> list[Clip]:
    corpus = PreparedCorpus([folder], "encoder", "python -m encoder.preprocess CORPUS")
    chosen = [
        (name.partition("/")[2], index)
        for name, records in _most_heard(corpus.speakers(), speakers)
        for index in records[:clips]
    ]
    mels = [torch.from_numpy(corpus.array(index).astype("float32")) for _, index in chosen]
    return [
        Clip(embedding, speaker, folder.name, genders.get(speaker, UNKNOWN), corpus.records[index].id)
        for embedding, (speaker, index) in zip(model.embed_features(mels).numpy(), chosen)
    ]


def _recordings(
    path: Path, model: nn.Module, speakers: int, clips: int, genders: dict[str, str], left_out: list[str]
) -> list[Clip]:
    """A corpus as it was unpacked, a folder of recordings, or one sound file."""
    found: dict[str, list[tuple[str, Path]]] = {}
    if path.is_dir():
        for utterance in read_corpus(path):
            found.setdefault(utterance.speaker, []).append((utterance.id, utterance.audio))
    else:
        found[path.stem] = [(path.stem, path)]
    made = []
    for speaker, utterances in _most_heard(found, speakers):
        for name, audio in utterances[:clips]:
            try:
                mel = features(Waveform.read(audio, LONGEST), model.mel)
            except InputError as error:
                left_out.append(str(error) if str(audio) in str(error) else f"{audio}: {error}")
                continue
            embedding = model.embed_features([mel])[0].numpy()
            made.append(Clip(embedding, speaker, path.stem, genders.get(speaker, UNKNOWN), name))
    return made


def _voice(path: Path, model: nn.Module, checkpoint: Checkpoint) -> Clip:
    """A saved voice; one that another encoder made is heard again."""
    voice = Voice.read(path)
    same = voice.encoder == checkpoint.fingerprint
    embedding = voice.embedding if same else model.embed([voice.reference])[0].numpy()
    return Clip(embedding, str(voice.name), "voices", UNKNOWN, path.stem)


def _voices(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix == ".voice"]


def _most_heard(speakers: dict[str, list], count: int) -> list[tuple[str, list]]:
    return sorted(speakers.items(), key=lambda item: -len(item[1]))[:count]


def genders_of(place: Path) -> dict[str, str]:
    """Speakers' genders by the table of the corpus that `place` lies in, at most four folders up; none without one."""
    for folder in (place, *place.absolute().parents[:4]):
        for name in SPEAKER_TABLES:
            if (folder / name).is_file():
                return read_genders(folder / name)
    return {}


def read_genders(path: Path) -> dict[str, str]:
    """A table of speakers: a name first, somewhere after it F or M, in columns split by |, commas, tabs or blanks."""
    found = {}
    for line in read_lines(path):
        name, *columns = [column.strip() for column in re.split(r"[|,\t]|\s+", line) if column.strip()] or [""]
        gender = next((GENDERS[column.lower()] for column in columns if column.lower() in GENDERS), None)
        if gender and not name.startswith(";"):
            found[name] = gender
            found[f"p{name}"] = gender  # VCTK's table drops the p of its folders
    return found
