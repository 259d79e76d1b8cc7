"""Batches of speakers x utterances x frames, cut from memory-mapped shards."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import torch

from speech.batches import held_out_speakers
from speech.errors import InputError
from speech.shards import PreparedCorpus
from training.config import Settings

HELD_OUT_SHARE, HELD_OUT_FEWEST = 0.05, 4


class Data:
    """Prepared corpora for the encoder's training; a twentieth of the speakers, at least four, is held out."""

    facts: dict = {}
    """What config.json keeps of the data."""

    def __init__(self, arguments: Namespace, settings: Settings):
        self.corpus = PreparedCorpus(arguments.corpora, "encoder", "python -m encoder.preprocess CORPUS")
        wrong = [
            f"{key}: {self.corpus.settings['mel'][key]} prepared, {value} asked"
            for key, value in asdict(settings.mel).items()
            if self.corpus.settings["mel"][key] != value
        ]
        if wrong:
            raise InputError(f"the corpus was prepared with other mel settings ({'; '.join(wrong)}); prepare it again")
        self.schedule, self.config = settings.schedule, settings.model
        long = {i for i, record in enumerate(self.corpus.records) if record.length >= self.config.partial_frames}
        speakers = {name: [i for i in clips if i in long] for name, clips in self.corpus.speakers().items()}
        speakers = {name: clips for name, clips in speakers.items() if clips}
        if len(speakers) < 4:
            raise InputError(
                f"telling speakers apart takes at least 4 of them, two to learn from and two held out; "
                f"found {len(speakers)} with clips of {self.config.partial_frames} frames; add corpora"
            )
        self.speakers, self.others = held_out_speakers(speakers, HELD_OUT_SHARE, HELD_OUT_FEWEST)
        if len(self.speakers) < self.schedule.batch:
            raise InputError(
                f"a batch takes {self.schedule.batch} speakers, and {len(self.speakers)} are left to learn from "
                f"({len(self.others)} are held out); use --set schedule.batch={max(2, len(self.speakers))}, "
                f"or more corpora"
            )
        hours = sum(record.seconds for record in self.corpus.records) / 3600
        counts = f"{len(self.speakers)} speakers and {len(self.others)} held out"
        self.summary = f"{len(self.corpus)} clips, {hours:.1f} hours, {counts}"

    def batches(self, step: int, rank: int, size: int) -> Iterator[dict[str, torch.Tensor]]:
        """Endless batches {"mels": (S, U, T, n_mels)} for one process; every speaker comes once before any twice."""
        names = sorted(self.speakers)
        per_epoch = len(names) // self.schedule.batch
        place = step * size + rank
        while True:
            epoch, turn = divmod(place, per_epoch)
            order = np.random.default_rng((self.schedule.seed, epoch)).permutation(len(names))
            chosen = order[turn * self.schedule.batch : (turn + 1) * self.schedule.batch]
            rng = np.random.default_rng((self.schedule.seed, epoch, turn, 1))
            yield self._batch([self.speakers[names[i]] for i in chosen], self.config.utterances, rng)
            place += size

    def held_out(self) -> list[dict[str, torch.Tensor]]:
        """Batches of held-out speakers, the same ones every time."""
        rng = np.random.default_rng(0)
        groups = list(self.others.values())
        return [self._batch(groups[i : i + 32], max(6, self.config.utterances), rng) for i in range(0, len(groups), 32)]

    def _batch(self, groups: list[list[int]], utterances: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        length, bands = self.config.partial_frames, self.corpus.settings["mel"]["n_mels"]
        mels = np.empty((len(groups), utterances, length, bands), np.float16)
        for row, clips in zip(mels, groups):
            # A speaker with few clips gives several cuts of each.
            drawn = np.resize(rng.permutation(clips), utterances)
            starts = rng.random(utterances)
            for place, clip, start in zip(row, drawn, starts):
                spare = self.corpus.records[clip].length - length
                place[:] = self.corpus.array(clip, int(start * (spare + 1)), length)
        return {"mels": torch.from_numpy(mels).float()}
