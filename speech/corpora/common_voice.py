"""Common Voice: volunteers reading sentences in more than a hundred languages, mp3 at 32 or 48 kHz.

    cv-corpus-17.0-2024-03-15/      this folder, or one language of it
        en/
            clips/common_voice_en_1.mp3
            validated.tsv           client_id, path, sentence, ..., locale, tab-separated: a quote is a quote
            train.tsv dev.tsv test.tsv      parts of validated.tsv: the split; what is in none is `validated`
            clip_durations.tsv      clip, duration[ms]; in newer versions

Clips that listeners refused or have not heard yet (invalidated.tsv, other.tsv) are not read.

License: CC0. Ardila et al.: "Common Voice: A Massively-Multilingual Speech Corpus", LREC 2020.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.corpora.files import (
    by_stem,
    identifier,
    is_audio,
    label,
    list_audio,
    list_folders,
    normal,
    peek,
    read_lines,
)
from speech.errors import InputError
from speech.utterance import Utterance

LAYOUT = "<language>/clips/*.mp3, with validated.tsv (or train.tsv, dev.tsv, test.tsv) beside clips/"
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]+)*")
SPLITS = ("train", "dev", "test", "validated")


def recognize(root: Path) -> bool:
    return _is_language(root) or any(
        _is_language(folder) for folder in peek(root)[0] if LANGUAGE.fullmatch(folder.name)
    )


def utterances(root: Path) -> Iterator[Utterance]:
    for folder in [root] if _is_language(root) else filter(_is_language, list_folders(root)):
        yield from _language(folder)


def _is_language(folder: Path) -> bool:
    return (folder / "clips").is_dir() and any((folder / f"{split}.tsv").is_file() for split in SPLITS)


def _language(folder: Path) -> list[Utterance]:
    clips = by_stem(list_audio(folder / "clips"))
    seconds = _seconds(folder / "clip_durations.tsv")
    found: dict[str, Utterance] = {}
    for split in SPLITS:
        for row in _rows(folder / f"{split}.tsv"):
            file = normal(row["path"].strip())
            name = Path(file).stem if is_audio(file) else file  # the first versions wrote no `.mp3`
            if not name or name in found:
                continue
            found[name] = Utterance(
                id=identifier(name),
                audio=clips.get(name, folder / "clips" / f"{name}.mp3"),
                speaker=label(row["client_id"]) or name,  # who is not known is nobody else
                text=label(row["sentence"]),
                language=label(row.get("locale")) or folder.resolve().name,
                split=split,
                seconds=seconds.get(name),
            )
    return sorted(found.values(), key=lambda utterance: utterance.id)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows by column, cells missing at a line's end empty; none if there is no such file."""
    if not path.is_file():
        return
    lines = read_lines(path)
    columns = next(lines, "").rstrip("\n").split("\t")
    missing = [name for name in ("client_id", "path", "sentence") if name not in columns]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)} in its first line ({', '.join(columns)}); "
            "Common Voice's tables start with client_id, path, sentence"
        )
    for line in lines:
        cells = line.rstrip("\n").split("\t")
        yield dict(zip(columns, cells + [""] * (len(columns) - len(cells))))


def _seconds(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    cells = (line.split("\t") for line in read_lines(path))
    return {Path(clip).stem: int(rest[0]) / 1000 for clip, *rest in cells if rest and rest[0].strip().isdecimal()}
