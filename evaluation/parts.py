"""What is finished stays: each part of an evaluation is a JSON file, used again where nothing it depends on changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from speech.files import whole_file

SHOWING = ("__main__.py", "report.py", "page.py", "targets.py", "mos.py")
"""Files that only show what was measured: a change in them makes nothing old."""


class Parts:
    """Finished parts in a folder, each by its name and the key of what it was made from."""

    def __init__(self, folder: Path):
        self.folder = folder

    def of(self, name: str, key: Any, make: Callable[[], Any], whole: Callable[[Any], bool] = lambda _: True) -> Any:
        """What `make` gives, or gave when it last ran with the same `key` (any JSON data) and the same code.

        `whole` may look at a kept part and refuse it, when files that belong to it are gone.
        """
        digest = digest_of([key, _code()])
        path = self.folder / f"{re.sub(r'[^a-zA-Z0-9]+', '-', name).strip('-')}.json"
        kept = _read(path)
        if kept.get("key") == digest and whole(kept["value"]):
            return kept["value"]
        value = make()
        with whole_file(path) as beside:
            beside.write_text(json.dumps({"name": name, "key": digest, "value": value}), encoding="utf-8")
        return json.loads(json.dumps(value))  # the same the first time as ever after


def digest_of(data: Any) -> str:
    """Sixteen hexadecimal digits of any JSON data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _code() -> str:
    """Of everything here that measures: a figure is as good as the code that made it."""
    files = sorted(path for path in Path(__file__).parent.rglob("*.py") if path.name not in SHOWING)
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _read(path: Path) -> dict:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return kept if isinstance(kept, dict) and "value" in kept else {}
    except (OSError, ValueError):  # none yet, or something else's
        return {}
