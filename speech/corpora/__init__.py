"""Corpora as they lie on disk. One file here reads one corpus, and the folder is the registry: nothing else lists them.

A reader is a module with

    LAYOUT                                      its files in one line, for error messages
    recognize(root: Path) -> bool               a glance at names: is this folder that corpus?
    utterances(root: Path) -> Iterator[Utterance]       in a fixed order; no audio is opened

A reader yields what the corpus lists: a missing text is None, a missing or repeated recording is yielded as it is, for
preparation leaves it out and reports it by name.
"""

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

from speech.corpora.files import AUDIO_SUFFIXES, list_folder, peek
from speech.errors import InputError
from speech.utterance import Utterance

LAST_RESORT = "folder"


def names() -> list[str]:
    """The readers there are, sorted."""
    return sorted(_readers())


def read_corpus(root: str | Path, name: str | None = None) -> list[Utterance]:
    """Every utterance of the corpus in `root`, by the reader called `name` or the one that recognizes the folder.

    Where an archive was unpacked into a folder of its own (`LJSpeech/LJSpeech-1.1/`), the outer one will do.
    Raises InputError if there is no such folder or reader, no recording, or several corpora instead of one.
    """
    root = Path(root).expanduser()
    _check_folder(root)
    if name is not None and name not in names():
        raise InputError(f"there is no corpus reader {name!r}; the readers are {', '.join(names())}")
    candidates = [name] if name else [other for other in names() if other != LAST_RESORT]
    at, reader = _choose(root, candidates)
    if reader is None:
        reader = name or LAST_RESORT
        if name is None:
            _refuse_several(root, candidates)
    found = list(_readers()[reader].utterances(at))
    if not found:
        raise _nothing_found(root, reader, name)
    return found


@cache
def _readers() -> dict[str, ModuleType]:
    modules = {info.name: importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)}
    return {name: module for name, module in modules.items() if hasattr(module, "recognize")}


def _check_folder(root: Path) -> None:
    try:
        if root.is_dir():
            return
        found = f"{root} is a file, not a folder; give the folder of the corpus" if root.exists() else None
    except OSError as error:
        found = f"cannot open {root}: {error.strerror or error}"
    raise InputError(found or f"there is no folder {root}; give the folder into which the corpus was unpacked")


def _choose(root: Path, candidates: list[str]) -> tuple[Path, str | None]:
    """(folder, reader): the root, or the one folder inside it, with the reader that recognizes it."""
    at = root
    for _ in range(3):
        for candidate in candidates:
            if _readers()[candidate].recognize(at):
                return at, candidate
        folders = peek(at)[0]
        if len(folders) != 1:
            break
        at = folders[0]
    return root, None


def _refuse_several(root: Path, candidates: list[str]) -> None:
    """Read as a folder of speakers, datasets_root/ would make one voice of each corpus."""
    inside = []
    for folder in list_folder(root)[0][:50]:
        reader = _choose(folder, candidates)[1]
        if reader:
            inside.append((folder, reader))
    if inside:
        listed = ", ".join(f"{folder.name} ({reader})" for folder, reader in inside)
        raise InputError(f"{root} holds corpora and is none itself: {listed}; give one of them, such as {inside[0][0]}")


def _nothing_found(root: Path, reader: str, name: str | None) -> InputError:
    suffixes = " ".join(sorted(AUDIO_SUFFIXES))
    layout = f"{reader} expects {_readers()[reader].LAYOUT}"
    if name is None:
        return InputError(f"no audio found in {root}: looked in all its folders for {suffixes}; {layout}")
    return InputError(f"no audio found in {root} as {reader} lays it out: {layout}; formats: {suffixes}")
