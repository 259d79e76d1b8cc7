"""Files that are whole or not there: written beside, then renamed."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from speech.errors import InputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it over `path` when the block ends well, remove it when not.

    Raises InputError if the folder cannot be written or the disk is full; what stood at `path` stays as it was.
    """
    path = Path(path)
    beside = path.with_name(f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        with open(beside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot write {path}: {reason}; what stood there is untouched") from error
    finally:
        with suppress(OSError):  # where nothing could be written there is nothing to remove
            beside.unlink()


def check_can_write(path: str | Path) -> None:
    """Raise InputError now if `path` could not be written later."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError(f"cannot write {path}: it is a folder; give the path of a file")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
    except OSError as error:  # a name that is too long, say
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"cannot write {path}: {folder} cannot be written to")
