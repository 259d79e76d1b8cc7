"""What a run leaves on disk: safetensors and JSON, never a pickle, always whole.

saved_models/<run>/<stage>/
    config.json          stage, model, mel, model settings, schedule, symbols: written once, when the run starts
    model.safetensors    the weights to use: the best by held-out data, or the newest where nothing says what is best
    last.safetensors     everything needed to go on: networks, optimizers, running means, step
    journal.jsonl        figures by step       samples/   things to see and hear       curves.png
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from speech.errors import InputError
from speech.files import whole_file
from speech.mel import MelConfig
from training.config import Settings, differences, from_json, to_json
from training.registry import extra_of, model_module
from training.schedule import Schedule

WEIGHTS, LAST, CONFIG = "model.safetensors", "last.safetensors", "config.json"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder's settings, read and checked; the weights are still on disk."""

    folder: Path
    stage: str
    name: str
    """Of the model, as in `<stage>/models/<name>.py`."""
    settings: Settings
    extra: dict
    """What else the model must agree on with its user, e.g. the symbols a synthesizer knows."""

    @property
    def step(self) -> int:
        return int(read_metadata(self.folder / WEIGHTS).get("step", 0))

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when the weights do, and only then."""
        digest = hashlib.sha256()
        for key, value in sorted(load_tensors(self.folder / WEIGHTS).items()):
            digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:12]


def write_config(folder: Path, stage: str, name: str, settings: Settings, extra: Mapping) -> None:
    content = {"stage": stage, "model": name, **extra, "settings": to_json(settings)}
    with whole_file(folder / CONFIG) as beside:
        beside.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_checkpoint(folder: str | Path, stage: str) -> Checkpoint:
    """Read and check config.json.

    Raises InputError if the folder is no checkpoint, or one of another stage, or its settings are not those of
    its model.
    """
    folder = Path(folder)
    if folder.is_file():
        raise InputError(
            f"{folder} is a file; a {stage} checkpoint is a folder with {CONFIG} and {WEIGHTS} "
            f"(pickled checkpoints are never opened: they could run code)"
        )
    path = folder / CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found, name = content.pop("stage"), content.pop("model")
        settings = content.pop("settings")
    except FileNotFoundError:
        raise InputError(f"{folder} holds no {stage} checkpoint: there is no {CONFIG} in it") from None
    except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
        raise InputError(f"{path} is not a checkpoint's {CONFIG} ({error})") from error
    if found != stage:
        raise InputError(f"{folder} is a checkpoint of the {found}; one of the {stage} is needed here")
    extra = extra_of(model_module(stage, name))
    wrong = differences({key: content.get(key) for key in extra}, extra)
    if wrong:
        raise InputError(f"{folder} was made for other code: {'; '.join(wrong)}")
    return Checkpoint(folder, stage, name, settings_of(stage, name, settings, str(path)), content)


def settings_of(stage: str, name: str, data: dict, path: str) -> Settings:
    """Settings from JSON, by the Config of the model they are for."""
    if not isinstance(data, dict) or set(data) != {"mel", "model", "schedule"}:
        raise InputError(f"{path}: settings need mel, model and schedule")
    config = model_module(stage, name).Config
    return Settings(
        from_json(MelConfig, data["mel"], f"{path}: mel"),
        from_json(config, data["model"], f"{path}: model"),
        from_json(Schedule, data["schedule"], f"{path}: schedule"),
    )


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping) -> None:
    """Write tensors and JSON metadata as one safetensors file, whole or not at all."""
    plain = {key: tensor.detach().contiguous().cpu().clone() for key, tensor in tensors.items()}
    with whole_file(path) as beside:
        save_file(plain, beside, metadata={key: json.dumps(value) for key, value in metadata.items()})


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file. Raises InputError if it is missing, truncated, or anything else (a pickle, say)."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: the checkpoint is not complete") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is not a whole safetensors file ({error}); copy or train it again") from error


def read_metadata(path: Path) -> dict:
    try:
        with safe_open(path, "pt") as file:
            return {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: the checkpoint is not complete") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is not a whole safetensors file ({error}); copy or train it again") from error


def load_weights(network: nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put weights, of whatever float type, into a network. Raises InputError naming what does not fit."""
    wanted = network.state_dict()
    problems = [f"{key} is missing" for key in wanted.keys() - tensors.keys()]
    problems += [f"{key} is not known" for key in tensors.keys() - wanted.keys()]
    problems += [
        f"{key} is {tuple(tensors[key].shape)}, not {tuple(wanted[key].shape)}"
        for key in wanted.keys() & tensors.keys()
        if tensors[key].shape != wanted[key].shape
    ]
    if problems:
        some = "; ".join(sorted(problems)[:4]) + (f"; and {len(problems) - 4} more" if len(problems) > 4 else "")
        raise InputError(f"{path} does not fit its {CONFIG}: {some}")
    network.load_state_dict(tensors)


def load_model(folder: str | Path, stage: str, device: torch.device | str = "cpu") -> tuple[nn.Module, Checkpoint]:
    """A stage's network from its checkpoint folder, in evaluation mode on `device`, and the checkpoint."""
    checkpoint = read_checkpoint(folder, stage)
    model = model_module(stage, checkpoint.name).Model(checkpoint.settings.model, checkpoint.settings.mel)
    path = checkpoint.folder / WEIGHTS
    load_weights(model, load_tensors(path), path)
    return model.to(device).eval(), checkpoint
