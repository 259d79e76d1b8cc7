"""Settings as frozen dataclasses: from JSON and back, and changed one by one from the command line."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any

from speech.errors import InputError
from speech.mel import MelConfig
from training.schedule import Schedule


@dataclass(frozen=True)
class Settings:
    """All that a run is made with; each fact has one owner."""

    mel: MelConfig
    """Facts of the sound."""
    model: Any
    """Facts of the model: its own Config."""
    schedule: Schedule
    """Facts of the run."""


def override(settings: Settings, assignments: list[str]) -> Settings:
    """Apply `path=value` texts such as `model.lstm_dim=512` or `schedule.steps=2000`.

    Raises InputError for an unknown path, listing the known ones, or a value of another type.
    """
    changes = []
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"--set takes path=value, as in --set schedule.steps=2000; found {assignment!r}")
        changes.append((path.strip().split("."), text.strip(), path.strip()))
    return _replaced(settings, changes)


def _replaced(config: Any, changes: list[tuple[list[str], str, str]]) -> Any:
    """`config` with all (keys below it, text, whole path) made at once: settings that must fit one another, such as
    the number of rates and of kernels, are checked together."""
    hints = typing.get_type_hints(type(config))
    values: dict[str, Any] = {}
    below: dict[str, list] = {}
    for keys, text, path in changes:
        if keys[0] not in hints:
            known = ", ".join(known_settings(config, ".".join(path.split(".")[: -len(keys)])))
            raise InputError(f"there is no setting {path!r}; known are: {known}")
        value = getattr(config, keys[0])
        if len(keys) > 1 and is_dataclass(value):
            below.setdefault(keys[0], []).append((keys[1:], text, path))
        elif len(keys) > 1 or is_dataclass(value):
            known = ", ".join(known_settings(value, path)) if is_dataclass(value) else path
            raise InputError(f"{path!r} is not a single setting; known are: {known}")
        else:
            values[keys[0]] = _parsed(text, hints[keys[0]], path)
    values |= {key: _replaced(getattr(config, key), inner) for key, inner in below.items()}
    return replace(config, **values)


def known_settings(config: Any, prefix: str = "") -> list[str]:
    """Every path that `override` takes."""
    paths = []
    for field in fields(config):
        path = f"{prefix}.{field.name}" if prefix else field.name
        value = getattr(config, field.name)
        paths += known_settings(value, path) if is_dataclass(value) else [path]
    return paths


def _parsed(text: str, kind: Any, path: str) -> Any:
    if kind is str:
        return text
    try:
        value = json.loads({"True": "true", "False": "false", "None": "null"}.get(text, text))
    except json.JSONDecodeError:
        raise InputError(f"{path} takes {_kind_name(kind)}; found {text!r}") from None
    return typed(value, kind, path)


def typed(value: Any, kind: Any, path: str) -> Any:
    """`value`, as JSON gives it, as the annotated type `kind`: lists become tuples, objects dataclasses."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return typed(value, next(a for a in arguments if a is not type(None)), path)
    if is_dataclass(kind) and isinstance(value, dict):
        return from_json(kind, value, path)
    if origin is tuple and isinstance(value, list):
        kinds = arguments[:1] * len(value) if arguments[1:] == (Ellipsis,) else arguments
        if len(kinds) == len(value):
            return tuple(typed(item, inner, f"{path}[{i}]") for i, (item, inner) in enumerate(zip(value, kinds)))
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind in (int, bool, str) and type(value) is kind:
        return value
    raise InputError(f"{path} takes {_kind_name(kind)}; found {value!r}")


def _kind_name(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return names.get(kind, f"a value such as {kind}")


def from_json(kind: type, data: dict, path: str) -> Any:
    """A dataclass from a JSON object. Raises InputError naming a field that is unknown, missing or of another type."""
    if not isinstance(data, dict):
        raise InputError(f"{path} takes an object of settings; found {data!r}")
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise InputError(f"{path} has unknown settings {', '.join(unknown)}; known are: {', '.join(hints)}")
    missing = sorted(set(hints) - set(data))
    if missing:
        raise InputError(f"{path} lacks the settings {', '.join(missing)}")
    return kind(**{key: typed(value, hints[key], f"{path}.{key}") for key, value in data.items()})


def differences(found: dict, wanted: dict, path: str = "") -> list[str]:
    """Field by field, how two nested settings differ."""
    result = []
    for key in sorted(found.keys() | wanted.keys()):
        here, there = found.get(key), wanted.get(key)
        name = f"{path}.{key}" if path else key
        if isinstance(here, dict) and isinstance(there, dict):
            result += differences(here, there, name)
        elif isinstance(here, list) and isinstance(there, list) and here != there:
            only_here, only_there = ([x for x in a if x not in b] for a, b in ((here, there), (there, here)))
            result.append(
                f"{name}: there alone {only_here}, asked alone {only_there}"
                if only_here or only_there
                else f"{name}: in another order"
            )
        elif here != there:
            result.append(f"{name}: {here} there, {there} asked")
    return result


def to_json(config: Any) -> dict:
    """A dataclass as plain JSON data: tuples become lists."""
    return json.loads(json.dumps(asdict(config)))
