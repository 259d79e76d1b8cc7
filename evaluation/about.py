"""How a report was made: commit, checkpoints, settings, packages, machine."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import asdict
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from evaluation.loading import Models, Settings
from training.checkpoint import read_checkpoint

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "numpy", "librosa", "pocketsphinx", "pesq", "pystoi", "speechmos", "onnxruntime", "transformers")


def about(settings: Settings, models: Models, speakers: list[str], recognizer: str | None) -> dict:
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(),
        "settings": asdict(settings),
        "checkpoints": _checkpoints(settings, models),
        "vocoders": {throat.title: throat.fingerprint for throat in models.throats},
        "speakers": speakers,
        "recognizer": recognizer,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "machine": {"system": platform.platform(terse=True), "python": platform.python_version()},
    }


def commit() -> str | None:
    """Of the checkout, with a plus where files differ from it; None where there is no git."""
    try:
        run = partial(subprocess.run, cwd=ROOT, capture_output=True, text=True, check=True)
        name = run(["git", "rev-parse", "--short=12", "HEAD"]).stdout.strip()
        changed = run(["git", "status", "--porcelain", "--untracked-files=no"]).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return name + ("+" if changed else "")


def _checkpoints(settings: Settings, models: Models) -> dict[str, dict]:
    folders = {"encoder": settings.encoder, "synthesizer": settings.synthesizer, "vocoder": settings.vocoders[0]}
    folders["judge"] = settings.judge
    found = {}
    for stage, folder in folders.items():
        found[stage] = {"folder": Path(folder).name, "fingerprint": models.fingerprints[stage]}
        if Path(folder).is_dir():  # griffin_lim needs none
            checkpoint = read_checkpoint(folder, "encoder" if stage == "judge" else stage)
            found[stage] |= {"model": checkpoint.name, "step": checkpoint.step}
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
