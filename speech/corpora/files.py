"""What every reader needs: folders in a fixed order, and text files that are UTF-8 or named in an error."""

import codecs
import logging
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from speech.errors import InputError

AUDIO_SUFFIXES = frozenset(
    [".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".webm", ".aif", ".aiff", ".au", ".caf"]
)
"""Corpora are often re-encoded to save space, so readers take a recording by its name whatever its format."""

SKIPPED = frozenset(["__MACOSX", "lost+found"])
"""What archivers and file systems leave behind. Hidden files (`._clip.wav`) are skipped too."""

logger = logging.getLogger(__name__)


def is_audio(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES


def without_suffix(name: str) -> str:
    """`a/clip.01.wav` -> `a/clip.01`; what does not end as audio does is left as it is (`clip.01`)."""
    return os.path.splitext(name)[0] if is_audio(name) else name


def list_folder(folder: Path, limit: int | None = None) -> tuple[list[Path], list[Path]]:
    """(folders, files) directly in `folder`, each sorted by name; with `limit`, of its first entries only.

    Raises InputError if it cannot be listed.
    """
    folders, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, limit):
                if entry.name.startswith(".") or entry.name in SKIPPED:
                    continue
                if _is(entry.is_dir):
                    folders.append(folder / entry.name)
                elif _is(entry.is_file) or _is_broken_link(entry):
                    files.append(folder / entry.name)
    except OSError as error:
        raise InputError(f"cannot list the folder {folder}: {error.strerror or error}") from error
    return sorted(folders), sorted(files)


def _is(question) -> bool:
    try:
        return question()
    except OSError:  # a link to itself
        return False


def _is_broken_link(entry: os.DirEntry) -> bool:
    # Kept, so that preparation reports the clip as unreadable. A pipe is not: to read one is to wait forever.
    return entry.is_symlink() and not os.path.exists(entry.path)


def list_folders(folder: Path) -> list[Path]:
    """Folders directly in `folder`, sorted; none if it is not there."""
    return list_folder(folder)[0] if folder.is_dir() else []


def list_audio(folder: Path) -> list[Path]:
    """Recordings directly in `folder`, sorted; none if it is not there."""
    return [path for path in list_folder(folder)[1] if is_audio(path.name)] if folder.is_dir() else []


def peek(folder: Path) -> tuple[list[Path], list[Path]]:
    """A glance for `recognize`: as `list_folder`, of a few hundred entries, and nothing where there is no folder."""
    try:
        return list_folder(folder, limit=300)
    except InputError:
        return [], []


def walk(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """(folder, its files) for `root` and every folder below, in a fixed order, links followed.

    Each folder is visited once, so links in a circle end; what a link shows twice belongs to its real place.
    """
    real = root.resolve()
    seen = {*real.parents, real}
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        folders, files = list_folder(folder)
        yield folder, files
        new = []
        for below in sorted(folders, key=lambda path: (path.is_symlink(), path)):
            if below.resolve() not in seen:
                seen.add(below.resolve())
                new.append(below)
        waiting += reversed(new)


def folder_name(folder: Path) -> str:
    """Its name, also for `.` and `..`."""
    return identifier(folder.resolve().name)


def normal(name: str) -> str:
    """One spelling of a file name: macOS writes e and its accent apart, tables mostly as one character."""
    return unicodedata.normalize("NFC", name)


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Recordings by name without suffix, the first one where formats repeat it."""
    stems: dict[str, Path] = {}
    for path in paths:
        stems.setdefault(normal(path.stem), path)
    return stems


def identifier(name: str) -> str:
    """A name as an id: printable, on one line, the same on every system."""
    readable = os.fsencode(name).decode("utf-8", errors="replace")
    return label(normal(readable)) or "unnamed"


def label(text: str | None) -> str | None:
    """On one line, without control characters, spaces collapsed; None if nothing is left."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text or "").split()) or None


def read_lines(path: Path) -> Iterator[str]:
    """Lines that are not blank, each with its newline. Raises InputError if the file is not UTF-8 or cannot be read."""
    try:
        with open(path, encoding=_encoding(path)) as file:
            yield from (line for line in file if line.strip())
    except UnicodeError as error:
        raise InputError(f"{path} is not UTF-8 text{_bad_line(path)}; save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _encoding(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(2)
    # Windows programs call UTF-16 "Unicode"; its mark tells it apart without a guess.
    return "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _bad_line(path: Path) -> str:
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return f" (line {number}, byte 0x{line[error.start]:02x})"
    return ""


def read_text(path: Path) -> str | None:
    """A clip's text from its own file. One that cannot be read is a missing one: it must not stop a corpus."""
    try:
        return label(" ".join(read_lines(path)))
    except InputError as error:
        logger.warning("%s; its clip goes without text", error)
        return None


def read_pairs(path: Path) -> dict[str, str]:
    """`key, blanks, rest of the line` as transcripts in Kaldi's manner write it; empty if there is no such file."""
    if not path.is_file():
        return {}
    pairs = (line.split(maxsplit=1) for line in read_lines(path))
    return {key: " ".join(rest) for key, *rest in pairs}
