"""The folder of kept voices: for each, `<id>.voice` and `<id>.json`, its record with the consent that was given.

The id is a hash of the recordings and the encoder, so the same recordings are kept once, whoever sends them; names
are labels and never part of a path. Nothing is remembered between requests but the content of an id, which never
changes: any number of services may share the folder.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path

from cloning import Voice
from speech.errors import InputError
from speech.files import whole_file
from web.problems import Problem

CONSENT = "This is my voice, or I have the speaker's leave."
"""What whoever makes a voice has said yes to."""
LONGEST_NAME = 60
BUNDLED = "default"
"""The name of the voice that is always there."""


@dataclass(frozen=True)
class Record:
    """What is known of a kept voice."""

    id: str
    name: str
    created: str
    """ISO 8601, UTC."""
    seconds: float
    """Of its recordings."""
    recordings: list[str]
    """SHA-256 of each file that was sent."""
    encoder: str
    """Fingerprint of the encoder that made it."""
    consent: str
    """What was said yes to, then."""


class VoiceFolder:
    """The kept voices that the loaded encoder made, and the bundled one."""

    def __init__(self, folder: Path, bundled: Voice):
        self.folder, self.bundled, self.encoder = folder, bundled, bundled.encoder
        self._read = lru_cache(maxsize=16)(Voice.read)  # by path, thus by content

    def records(self) -> list[Record]:
        """All, the oldest first."""
        found = [_read_record(path) for path in self.folder.glob("*.json")]
        return sorted(
            (each for each in found if each and each.encoder == self.encoder), key=lambda r: (r.created, r.id)
        )

    def find(self, label: str) -> Record:
        """By name or id. Raises Problem (404) if there is none."""
        for record in self.records():
            if label in (record.name, record.id):
                return record
        raise _unknown(label)

    def load(self, label: str) -> Voice:
        """By name or id. Raises Problem (404) if there is none, or its file is broken."""
        if label == BUNDLED:
            return self.bundled
        record = self.find(label)
        try:
            return self._read(self.folder / f"{record.id}.voice")
        except InputError:
            raise Problem(404, f"the voice {label!r} can no longer be read; make it again", "voice") from None

    def id_of(self, sent: list[bytes]) -> str:
        hashes = sorted(hashlib.sha256(content).hexdigest() for content in sent)
        return hashlib.sha256(" ".join([self.encoder, *hashes]).encode()).hexdigest()[:32]

    def check_name(self, name: str, id: str) -> None:
        """Raise Problem (409) if another voice has this name."""
        if name == BUNDLED or any(each.name == name and each.id != id for each in self.records()):
            raise Problem(409, f"there is another voice called {name!r}; choose a name of its own", "name")

    def keep(self, voice: Voice, sent: list[bytes]) -> Record:
        """Write a voice and its record; the same recordings sent again only change the name."""
        record = Record(
            self.id_of(sent),
            voice.name,
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
            round(voice.reference.seconds, 2),
            [hashlib.sha256(content).hexdigest() for content in sent],
            voice.encoder,
            CONSENT,
        )
        voice.write(self.folder / f"{record.id}.voice")
        with whole_file(self.folder / f"{record.id}.json") as beside:
            beside.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
        return record

    def remove(self, label: str) -> None:
        """Raises Problem: 404 if there is no such voice, 403 for the bundled one."""
        if label == BUNDLED:
            raise Problem(403, "the bundled voice cannot be deleted", "voice")
        record = self.find(label)
        for suffix in (".json", ".voice"):
            (self.folder / f"{record.id}{suffix}").unlink(missing_ok=True)


def valid_name(name: str) -> str:
    """A label people can read. Raises ValueError if it is none."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"a name has 1 to {LONGEST_NAME} characters")
    if not name[0].isalnum() or not all(character.isalnum() or character in " .-_'" for character in name):
        raise ValueError("a name begins with a letter or digit and holds letters, digits, spaces and . - _ ' alone")
    return name


def _read_record(path: Path) -> Record | None:
    """None for what is no record, or has just been deleted."""
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return record if record.id == path.stem else None


def _unknown(label: str) -> Problem:
    return Problem(404, f"there is no voice {label[:LONGEST_NAME]!r}; GET /v1/voices lists those there are", "voice")
