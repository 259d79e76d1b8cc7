"""Prepared corpora: many recordings in few files, read through one memory map a file.

A shard is one safetensors file with a single tensor, the recordings' features laid end to end along time. Its
metadata lists the recordings in order, what was left out and why, and the settings it was made with, so that a
shard is complete in itself: written whole or not at all, by any process on any machine, in any order.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from speech.errors import InputError
from speech.files import whole_file

DTYPES = {"F32": np.float32, "F16": np.float16, "I16": np.int16}


@dataclass(frozen=True)
class Record:
    """One recording of a prepared corpus."""

    id: str
    speaker: str
    start: int
    """Where it begins in its shard's tensor, in frames or samples."""
    length: int
    seconds: float
    text: str | None = None
    split: str = "train"
    emotion: str | None = None
    language: str = "en"


@dataclass(frozen=True)
class LeftOutClip:
    id: str
    audio: str
    reason: str
    detail: str


def write_shard(path: Path, arrays: list[np.ndarray], records: list[Record], metadata: dict) -> None:
    """Write arrays (time, ...) of one dtype and shape after the first axis, with their records."""
    from safetensors.numpy import save_file

    data = np.concatenate(arrays) if arrays else np.zeros(0, np.float32)
    texts = {"records": json.dumps([asdict(record) for record in records])}
    texts |= {key: json.dumps(value) for key, value in metadata.items()}
    with whole_file(path) as beside:
        save_file({"data": data}, beside, metadata=texts)


def read_header(path: Path) -> dict:
    """A safetensors file's header: {"__metadata__": {...}, name: {dtype, shape, data_offsets}} with "start" added.

    The format is eight bytes of length, that many of JSON, then the tensors.
    """
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > 1 << 30:
                raise ValueError("its header is implausibly long")
            header = json.loads(file.read(length))
            if not isinstance(header, dict):
                raise ValueError("its header is no object")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except (OSError, ValueError, struct.error) as error:
        raise InputError(f"{path} is not a whole safetensors file ({error}); make it again") from error
    header["start"] = 8 + length
    return header


def shard_metadata(path: Path) -> dict:
    return {key: json.loads(value) for key, value in read_header(path).get("__metadata__", {}).items()}


class Shard:
    """One shard, its data memory-mapped: `data` is (time, ...)."""

    def __init__(self, path: Path):
        header = read_header(path)
        tensor = header["data"]
        self.path = path
        self.metadata = {key: json.loads(value) for key, value in header["__metadata__"].items()}
        self.records = [Record(**record) for record in self.metadata["records"]]
        begin, end = tensor["data_offsets"]
        if path.stat().st_size < header["start"] + end:
            raise InputError(f"{path} is truncated; delete it and prepare the corpus again")
        shape, dtype = tuple(tensor["shape"]), DTYPES[tensor["dtype"]]
        empty = not np.prod(shape)
        offset = header["start"] + begin
        self.data = np.zeros(shape, dtype) if empty else np.memmap(path, dtype, "r", offset, shape)


class PreparedCorpus:
    """One or several prepared folders as one list of records.

    corpus.records[i] is a Record, corpus.array(i) its features (time, ...), corpus.array(i, start, length) a part.
    """

    def __init__(self, folders: list[Path], stage: str, command: str):
        """folders: what `python -m <stage>.preprocess` made, each with a sub-folder `stage`.

        Raises InputError if there is none, naming `command`, or if their settings differ, naming the fields.
        """
        self.shards: list[Shard] = []
        self.folders = [Path(folder) / stage for folder in folders]
        for folder in self.folders:
            paths = sorted(folder.glob("shard-?????.safetensors"))
            if not paths:
                raise InputError(f"{folder} holds no prepared corpus; make one with `{command}`")
            self.shards += [Shard(path) for path in paths]
        self.settings = self.shards[0].metadata["settings"]
        for shard in self.shards:
            found = shard.metadata["settings"]
            wrong = [f"{k}: {found.get(k)} against {v}" for k, v in self.settings.items() if found.get(k) != v]
            if wrong:
                raise InputError(f"{shard.path} was prepared with other settings ({'; '.join(wrong)})")
        self.records: list[Record] = [record for shard in self.shards for record in shard.records]
        self._shard_of = np.repeat(np.arange(len(self.shards)), [len(shard.records) for shard in self.shards])

    def __len__(self) -> int:
        return len(self.records)

    def shard(self, index: int) -> Shard:
        return self.shards[self._shard_of[index]]

    def folder(self, index: int) -> Path:
        """The prepared folder a record comes from: speakers of two corpora may bear the same name."""
        return self.shard(index).path.parent

    def array(self, index: int, start: int = 0, length: int | None = None) -> np.ndarray:
        """Features (length, ...) of record `index` from `start`; a view into the memory map, nothing copied."""
        record = self.records[index]
        stop = record.length if length is None else min(record.length, start + length)
        return self.shard(index).data[record.start + start : record.start + stop]

    def speakers(self) -> dict[str, list[int]]:
        """The records of each speaker; the name holds the corpus, so that no two corpora's speakers mix."""
        speakers: dict[str, list[int]] = {}
        for index, record in enumerate(self.records):
            speakers.setdefault(f"{self.folder(index).parent.name}/{record.speaker}", []).append(index)
        return speakers
