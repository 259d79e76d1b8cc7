"""What is made of every recording of prepared corpora, in files beside their shards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from speech.errors import InputError
from speech.shards import PreparedCorpus, Record, Shard, write_shard


def write_beside(
    corpus: PreparedCorpus,
    name: str,
    made_by: dict,
    batch: int,
    make: Callable[[list[int]], list[np.ndarray]],
    doing: str,
) -> int:
    """For each shard-NNNNN.safetensors a <name>-NNNNN.safetensors of what `make` gives for recordings of like lengths,
    arrays (time, ...), unless one of the same recordings by the same `made_by` is there. Returns how many recordings.
    """
    first = 0
    for shard in tqdm(corpus.shards, unit="shard", desc=doing):
        indices = list(range(first, first + len(shard.records)))
        first += len(shard.records)
        out = shard.path.with_name(shard.path.name.replace("shard", name))
        if _is_made(out, [record.id for record in shard.records], made_by):
            continue
        arrays: dict[int, np.ndarray] = {}
        by_length = sorted(indices, key=lambda i: corpus.records[i].length)
        for start in range(0, len(by_length), batch):
            chosen = by_length[start : start + batch]
            arrays |= zip(chosen, make(chosen))
        records, at = [], 0
        for index, own in zip(indices, shard.records):
            records.append(Record(own.id, own.speaker, at, len(arrays[index]), own.seconds, own.text))
            at += len(arrays[index])
        write_shard(out, [arrays[i] for i in indices], records, {"settings": {}} | made_by)
    return first


def _is_made(path, ids: list[str], made_by: dict) -> bool:
    try:
        found = Shard(path) if path.exists() else None
    except (InputError, KeyError):
        return False
    return bool(found) and found.metadata.items() >= made_by.items() and [each.id for each in found.records] == ids
