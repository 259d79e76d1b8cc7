"""What there is to choose from: corpora under a folder, checkpoints under another."""

from __future__ import annotations

import json
from pathlib import Path

from speech.corpora import read_corpus
from speech.corpora.files import list_folder, list_folders
from speech.errors import InputError
from speech.utterance import Utterance

STAGES = ("encoder", "synthesizer", "vocoder")
NO_CHECKPOINT = "griffin_lim"
"""The vocoder that needs none. (To ask the registry which do not would import torch.)"""
PREPARED = "prepared"
"""Under the corpora, what preparation makes of them: nothing to listen to."""


def corpora(root: Path) -> list[Path]:
    """Folders under `root` that may hold corpora; none if it is not there."""
    try:
        return [folder for folder in list_folders(root) if folder.name != PREPARED]
    except InputError:
        return []


def speakers(corpus: Path) -> dict[str, list[Utterance]]:
    """The utterances of each speaker, by name. Raises InputError if there is nothing to hear in `corpus`."""
    found: dict[str, list[Utterance]] = {}
    for utterance in read_corpus(corpus):
        found.setdefault(utterance.speaker, []).append(utterance)
    return dict(sorted(found.items()))


def sounds(folder: Path) -> list[Path]:
    """Recordings and voices anywhere in a folder, in order."""
    from speech.corpora.files import is_audio, walk

    return [path for _, files in walk(folder) for path in files if is_audio(path.name) or path.suffix == ".voice"]


def checkpoints(models: Path) -> dict[str, list[Path]]:
    """Folders under `models`, at most three deep, whose config.json names a stage; the defaults come first."""
    found: dict[str, list[Path]] = {stage: [] for stage in STAGES}
    waiting = [(models, 0)]
    while waiting:
        folder, depth = waiting.pop(0)
        try:
            folders, files = list_folder(folder)
        except InputError:
            continue
        stage = _stage(folder / "config.json") if folder / "config.json" in files else None
        if stage in found and folder / "model.safetensors" in files:
            found[stage].append(folder)
        elif depth < 3:
            waiting += [(below, depth + 1) for below in folders]
    for paths in found.values():
        paths.sort(key=lambda path: (path.relative_to(models).parts[:1] != ("default",), path.name not in STAGES, path))
    return found


def _stage(config: Path) -> str | None:
    try:
        return json.loads(config.read_text(encoding="utf-8"))["stage"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
