"""Which recordings make a batch, as a function of seed and step alone; and making batches ahead of their use."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

import numpy as np

from speech.shards import PreparedCorpus

T = TypeVar("T")


def held_out_speakers(speakers: dict[str, list[int]], share: float, fewest: int, seed: int = 0) -> tuple[dict, dict]:
    """Split {speaker: records} into (training, held out) by speakers, the same way every time."""
    names = sorted(speakers)
    count = min(max(fewest, round(share * len(names))), len(names) // 2)
    chosen = set(np.random.default_rng(seed).permutation(names)[:count].tolist())
    train = {name: speakers[name] for name in names if name not in chosen}
    return train, {name: speakers[name] for name in names if name in chosen}


def hold_out(corpus: PreparedCorpus, share: float) -> tuple[list[int], list[int]]:
    """Split a corpus's records into (training, held out), the same way every time.

    Of each prepared folder with at least eight speakers, `share` of them (at least one) is held out; of one with
    fewer speakers, `share` of its clips.
    """
    train: list[int] = []
    held: list[int] = []
    folders: dict[str, dict[str, list[int]]] = {}
    for speaker, records in corpus.speakers().items():
        folders.setdefault(speaker.partition("/")[0], {})[speaker] = records
    for speakers in folders.values():
        if len(speakers) >= 8:
            ours, others = held_out_speakers(speakers, share, 1)
            train += [i for records in ours.values() for i in records]
            held += [i for records in others.values() for i in records]
        else:
            records = sorted(i for records in speakers.values() for i in records)
            order = np.random.default_rng(0).permutation(records).tolist()
            count = max(1, round(share * len(order))) if len(order) > 1 else 0
            held += order[:count]
            train += order[count:]
    return sorted(train), sorted(held)


def length_buckets(lengths: np.ndarray, batch: int, seed: int, epoch: int) -> list[np.ndarray]:
    """One epoch as batches of similar lengths, so that little is padding, in an order of their own.

    lengths: (items,). Returns index arrays (batch,); every item occurs once, but for the last few that fill no batch.
    """
    rng = np.random.default_rng((seed, epoch))
    noisy = lengths * rng.uniform(0.9, 1.1, len(lengths))
    order = np.argsort(noisy, kind="stable")
    whole = len(order) // batch * batch
    # Those that fill no batch are drawn anew each epoch.
    order = np.delete(order, rng.choice(len(order), len(order) - whole, replace=False))
    batches = order.reshape(-1, batch)
    return list(batches[rng.permutation(len(batches))])


def bucketed_stream(lengths: np.ndarray, batch: int, seed: int, step: int) -> Iterator[np.ndarray]:
    """Endless batches of indices (batch,) from step `step` on: what a run that never stopped would see."""
    per_epoch = len(lengths) // batch
    epoch, place = divmod(step, per_epoch)
    while True:
        yield from length_buckets(lengths, batch, seed, epoch)[place:]
        epoch, place = epoch + 1, 0


def prefetch(items: Iterable[T], depth: int = 2) -> Generator[T, None, None]:
    """The same items, made up to `depth` ahead in a thread: reading and cutting overlap with learning."""
    waiting: queue.Queue = queue.Queue(depth)
    stopped = threading.Event()
    end = object()

    def put(item) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work():
        try:
            for item in items:
                if not put(item):
                    return
            put(end)
        except BaseException as error:  # handed over to the thread that reads
            put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
