"""The folder is the registry: every file or package in `<stage>/models/` is a model.

Such a module gives Config (its numbers), Model (its network, for use) and, if it is trained, Task (what it learns),
PRESETS (named Configs, the first one the default), MEL (its MelConfig), SCHEDULE (its usual run) and, where there is
more that a checkpoint must agree on with the code (symbols, say), EXTRA, plain JSON data.
"""

import importlib
import pkgutil
from types import ModuleType

from speech.errors import InputError


def model_names(stage: str) -> list[str]:
    """Names of a stage's models, found without importing them."""
    package = importlib.import_module(f"{stage}.models")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def trainable_names(stage: str) -> list[str]:
    return [name for name in model_names(stage) if hasattr(model_module(stage, name), "Task")]


def model_module(stage: str, name: str) -> ModuleType:
    """The module of a model. Raises InputError, listing the known ones, if there is none of that name."""
    if name not in model_names(stage):
        raise InputError(f"{stage} has no model {name!r}; known are: {', '.join(model_names(stage))}")
    return importlib.import_module(f"{stage}.models.{name}")


def preset(module: ModuleType, name: str | None):
    """A model's named Config, the first one if no name is given."""
    if name is None:
        return next(iter(module.PRESETS.values()))
    if name not in module.PRESETS:
        raise InputError(f"there is no preset {name!r}; known are: {', '.join(module.PRESETS)}")
    return module.PRESETS[name]


def extra_of(module: ModuleType) -> dict:
    """What a checkpoint of this model must have stored besides its settings."""
    return getattr(module, "EXTRA", {})
