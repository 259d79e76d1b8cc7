"""Packages that a report gains from and does not need: where one is absent, its column is, and the rest is done."""

from __future__ import annotations

import importlib
from types import ModuleType

INSTALL = "pip install -r requirements-evaluation.txt"


class Missing(Exception):
    """An optional package is absent. The message says which, and how to get it."""


def need(name: str, what: str, install: str = INSTALL) -> ModuleType:
    """Import an optional package. Raises Missing, saying what is left out without it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Missing(f"{what} needs the package {name.partition('.')[0]}: `{install}`") from error
