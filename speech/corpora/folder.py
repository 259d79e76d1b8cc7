"""Recordings of your own: a folder a speaker, or clips directly in the folder, which is then one speaker's.

    my_voices/
        alice/                      the speaker
            hello.wav               any audio format, at any depth below
            hello.txt               what is said; or hello.lab, or hello.normalized.txt, which comes first
        bob/
            metadata.csv            or one table for a speaker, or one for all here at the top
            wavs/1.flac             folders called wavs, audio, clips, ... are not taken for speakers

`metadata.csv` (or `.tsv`) is one of these; clips that it does not list are read too:

    file|text                       as LJSpeech writes it: no header, a quote is a quote
    file|text|normalized text       the last one is used
    file,text,speaker,emotion       with a header, in any order: split at `,` (quoted as spreadsheets do), `|` or tab.
                                    Columns: file, text, normalized_text, speaker, emotion, language, split; see COLUMNS

A file is named from the table's folder on, with or without its suffix; the bare name will do where it is the only one.
"""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from speech.corpora.files import (
    folder_name,
    identifier,
    is_audio,
    label,
    list_folder,
    normal,
    read_lines,
    read_text,
    walk,
    without_suffix,
)
from speech.errors import InputError
from speech.utterance import Utterance

LAYOUT = "<speaker>/clip.wav with clip.txt beside, or metadata.csv with lines `file|text`"

TABLES = ("metadata.csv", "metadata.tsv")
TEXT_ENDINGS = (".normalized.txt", ".txt", ".lab")
NOT_SPEAKERS = frozenset(["wav", "wavs", "flac", "mp3", "opus", "audio", "audios", "clips", "recordings"])

COLUMNS = {
    "file": ["file", "path", "audio", "filename", "file_name", "file_path", "audio_file", "wav", "clip", "id"],
    "text": ["text", "sentence", "transcript", "transcription"],
    "normalized_text": ["normalized_text", "normalized", "normalized_transcript", "normalized_transcription"],
    "speaker": ["speaker", "speaker_id", "speaker_name", "spk", "client_id"],
    "emotion": ["emotion"],
    "language": ["language", "lang", "locale"],
    "split": ["split", "subset"],
}
"""Headings of a table by what they say, the first one present counts; capitals, and spaces for `_`, do not matter."""
HEADERLESS = {"file": 0, "text": 1, "normalized_text": 2}


@dataclass
class Listing:
    """What lies below the root: recordings in order, and every file's path for looking up texts."""

    root: Path
    clips: list[Path]
    files: set[Path]


def recognize(root: Path) -> bool:
    """Any folder may be a user's own, so this reader is asked last."""
    return root.is_dir()


def utterances(root: Path) -> Iterator[Utterance]:
    listing = _listing(root)
    found = list(_listed(listing))
    named = {utterance.audio for utterance in found}
    found += [_utterance(listing, clip, {}) for clip in listing.clips if clip not in named]
    yield from sorted(found, key=lambda utterance: (utterance.id, utterance.audio))


def _listing(root: Path) -> Listing:
    files = [path for _, files in walk(root) for path in files]
    return Listing(root, [path for path in files if is_audio(path.name)], set(files))


def _listed(listing: Listing) -> Iterator[Utterance]:
    """The rows of the tables at the root and in the folders of its speakers."""
    below: dict[Path, list[Path]] = defaultdict(list)
    for clip in listing.clips:
        below[listing.root / clip.relative_to(listing.root).parts[0]].append(clip)
    for folder in (listing.root, *list_folder(listing.root)[0]):
        tables = [folder / name for name in TABLES if folder / name in listing.files]
        clips = listing.clips if folder == listing.root else below[folder]
        index = _index(folder, clips) if tables else {}
        for table in tables:
            for row in _rows(table):
                yield _utterance(listing, _find(folder, row, index), row)


def _utterance(listing: Listing, audio: Path, row: dict[str, str]) -> Utterance:
    """One clip; what its row does not say is taken from where it lies."""
    relative = Path(os.path.relpath(audio, listing.root))
    inside = [part for part in relative.parts if part not in ("..", "/")]
    speakers = [part for part in inside[:-1] if part.lower() not in NOT_SPEAKERS]
    text = label(row.get("normalized_text")) or label(row.get("text"))
    return Utterance(
        id=identifier(without_suffix(PurePosixPath(*inside).as_posix())),
        audio=audio,
        speaker=label(row.get("speaker")) or (identifier(speakers[0]) if speakers else folder_name(listing.root)),
        text=text or _text_beside(audio, listing.files),
        language=label(row.get("language")) or "en",
        emotion=label(row.get("emotion")),
        split=label(row.get("split")) or "train",
    )


def _text_beside(audio: Path, files: set[Path]) -> str | None:
    beside = (audio.with_name(audio.stem + ending) for ending in TEXT_ENDINGS)
    return next((read_text(path) for path in beside if path in files), None)


def _index(folder: Path, clips: list[Path]) -> dict[str, Path]:
    """Recordings by the names that a table in `folder` may give them."""
    paths = {normal(clip.relative_to(folder).as_posix()): clip for clip in clips}
    short = {without_suffix(name): clip for name, clip in reversed(paths.items())}  # a.flac stands for a, not a.wav
    count = Counter(PurePosixPath(name).name for name in short)
    bare = {PurePosixPath(name).name: clip for name, clip in short.items() if count[PurePosixPath(name).name] == 1}
    return bare | short | paths


def _find(folder: Path, row: dict[str, str], index: dict[str, Path]) -> Path:
    """The recording a row names; a path to nothing where there is none, which preparation reports as unreadable."""
    # `./a.wav`, and `wavs\\a.wav` from Windows, are names of recordings too.
    file = os.path.normpath(normal(row["file"].strip().replace("\\", "/")))
    speaker = label(row.get("speaker")) or "."
    for name in (file, without_suffix(file), f"{speaker}/{file}", f"{speaker}/{without_suffix(file)}"):
        if name in index:
            return index[name]
    path = folder / file
    bare = without_suffix(PurePosixPath(file).name)
    return path if _exists(path) else index.get(bare, path)


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _rows(table: Path) -> Iterator[dict[str, str]]:
    """Rows by the names of COLUMNS; rows that name no file are left out."""
    lines = (line.replace("\0", " ") for line in read_lines(table))  # csv would refuse the whole table for one NUL
    first = next(lines, "")
    separator = next((sign for sign in "|\t" if sign in first), ",")
    # Only spreadsheets quote: where a bar or a tab separates, a quote mark belongs to the sentence.
    quoting = csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE
    try:
        header = next(csv.reader([first], delimiter=separator, quoting=quoting), [])
        columns = _columns(table, header, separator)
        body = lines if columns else chain([first], lines)
        for row in csv.reader(body, delimiter=separator, quoting=quoting):
            cells = {name: row[place] for name, place in (columns or HEADERLESS).items() if place < len(row)}
            if label(cells.get("file")):
                yield cells
    except csv.Error as error:
        raise InputError(f"{table} is not a table ({error}); write lines such as `file|text`") from error


def _columns(table: Path, header: list[str], separator: str) -> dict[str, int]:
    """The place of each column that a header names; none if the first line is no header."""
    headings = [normal(cell).strip().lower().replace(" ", "_").replace("-", "_") for cell in header]
    columns = {
        name: headings.index(next(filter(headings.__contains__, known)))
        for name, known in COLUMNS.items()
        if not set(known).isdisjoint(headings)
    }
    if "file" in columns and (len(columns) > 1 or separator == ","):
        return columns
    if separator == "," and any(headings):
        raise InputError(
            f"{table} is split at commas and its first line ({', '.join(header)[:80]}) names no file column; "
            "write a header such as `file,text,speaker`, or lines such as `file|text`"
        )
    return {}
