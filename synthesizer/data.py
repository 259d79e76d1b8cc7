"""Batches of texts, voices and mels of similar lengths."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from speech.batches import bucketed_stream, hold_out
from speech.errors import InputError
from speech.mel import log_mel
from speech.shards import PreparedCorpus, Shard
from synthesizer.align import alignment_path
from synthesizer.text import encode, pronounce, word_places
from training.config import Settings

HELD_OUT_SHARE, HELD_OUT_MOST = 0.05, 64
SPELLED = 0.1
"""Share of the words that stay letters though the dictionary knows them, so that letters are learned too."""


class Data:
    """Prepared corpora with embeddings; a twentieth of each is held out: speakers, or clips where those are few."""

    def __init__(self, arguments: Namespace, settings: Settings):
        command = "python -m synthesizer.preprocess CORPUS"
        self.corpus = PreparedCorpus(arguments.corpora, "synthesizer", command)
        self.mel, self.schedule, self.lexicon = settings.mel, settings.schedule, settings.model.lexicon
        rate = self.corpus.settings["sample_rate"]
        if rate != self.mel.sample_rate:
            raise InputError(f"the corpus was prepared at {rate} Hz and mel.sample_rate is {self.mel.sample_rate} Hz")
        self.embeddings, encoder = read_embeddings(self.corpus)
        self.word_times = read_word_times(self.corpus)
        self.retold, self.plain_voice = read_retold(self.corpus) if settings.model.refiner_layers else (None, None)
        self.facts = {"encoder": encoder}  # config.json keeps it: another encoder's voices mean nothing to this model
        self.train, held_out = hold_out(self.corpus, HELD_OUT_SHARE)
        # Evenly through all that is held out, so that every corpus and speaker has its part.
        self.held = held_out[:: -(-len(held_out) // HELD_OUT_MOST)]
        if len(self.train) < self.schedule.batch:
            raise InputError(
                f"a batch takes {self.schedule.batch} clips, and there are {len(self.train)} to learn from; "
                f"use --set schedule.batch={max(1, len(self.train))} or more corpora"
            )
        hours = sum(self.corpus.records[i].seconds for i in self.train) / 3600
        self.summary = f"{len(self.train)} clips, {hours:.1f} hours, {len(held_out)} clips held out"

    def batches(self, step: int, rank: int, size: int) -> Iterator[dict[str, torch.Tensor]]:
        """Endless batches for one process from step `step` on; see Task for what is in one."""
        lengths = np.array([self.corpus.records[i].length for i in self.train])
        stream = bucketed_stream(lengths, self.schedule.batch * size, self.schedule.seed, step)
        for chosen in stream:
            yield self.batch([self.train[i] for i in chosen[rank::size]])

    def held_out(self) -> list[dict[str, torch.Tensor]]:
        ordered = sorted(self.held, key=lambda i: self.corpus.records[i].length)
        return [self.batch(ordered[i : i + 16]) for i in range(0, len(ordered), 16)]

    def batch(self, indices: list[int], letters: float = SPELLED) -> dict[str, torch.Tensor]:
        """{"tokens" (B, L), "token_lengths", "voices" (B, 256), "mels" (B, T, n_mels), "mel_lengths", "paths" (B, T)},
        and for a refiner {"retold" (B, S, ...), "plain_voice" (256,)}, see retell.py. letters: share of the words that
        stay letters.

        A path says of each frame which token is said, counted from 0 at the start of the first to L at the end of the
        last; it is -1 where `python -m synthesizer.align` found no words.
        """
        texts = [self.corpus.records[i].text for i in indices]
        spoken = [pronounce(text, letters) if self.lexicon else text for text in texts]
        tokens = [torch.tensor(encode(text)) for text in spoken]
        mels = [self._mel(i) for i in indices]
        times = [np.arange(len(mel)) / self.mel.frames_per_second for mel in mels]
        paths = [
            torch.from_numpy(path_through(word_places(text), self.word_times[i], each, len(own)))
            for text, i, each, own in zip(spoken, indices, times, tokens)
        ]
        batch = {
            "tokens": torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True),
            "token_lengths": torch.tensor([len(each) for each in tokens]),
            "voices": torch.from_numpy(self.embeddings[indices]),
            "mels": torch.nn.utils.rnn.pad_sequence(mels, batch_first=True, padding_value=-11.5),
            "mel_lengths": torch.tensor([len(each) for each in mels]),
            "paths": torch.nn.utils.rnn.pad_sequence(paths, batch_first=True, padding_value=-1.0),
        }
        if self.retold:
            rows = [torch.from_numpy(self.retold[i].astype(np.float32)) for i in indices]
            batch["retold"] = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
            batch["plain_voice"] = torch.from_numpy(self.plain_voice)
        return batch

    def _mel(self, index: int) -> torch.Tensor:
        samples = torch.from_numpy(self.corpus.array(index).astype(np.float32) / 32768)
        return log_mel(samples, self.mel).T


def read_embeddings(corpus: PreparedCorpus) -> tuple[np.ndarray, str]:
    """(records, 256) embeddings that `python -m encoder.embed` wrote beside the shards, and the encoder's fingerprint.

    Raises InputError if some are missing, belong to other recordings, or come from different encoders.
    """
    rows, encoders = [], set()
    for shard in corpus.shards:
        path = embeddings_path(shard.path)
        if not path.exists():
            raise InputError(f"{path} is missing; make it with `python -m encoder.embed {path.parents[1]}`")
        embeddings = Shard(path)
        if embeddings.metadata["ids"] != [record.id for record in shard.records]:
            raise InputError(
                f"{path} belongs to other recordings; run `python -m encoder.embed {path.parents[1]}` again"
            )
        encoders.add(embeddings.metadata["encoder"])
        rows.append(np.asarray(embeddings.data))
    if len(encoders) > 1:
        raise InputError(
            "the corpora were embedded by different encoders; run `python -m encoder.embed` on all with one"
        )
    return np.concatenate(rows), encoders.pop()


def read_word_times(corpus: PreparedCorpus) -> list[np.ndarray]:
    """(words, 2) seconds of each record, of no rows where `python -m synthesizer.align` has none."""
    found = []
    for shard in corpus.shards:
        path = alignment_path(shard.path)
        times = Shard(path) if path.exists() else None
        if times is None or [record.id for record in times.records] != [record.id for record in shard.records]:
            found += [np.zeros((0, 2), np.float32)] * len(shard.records)
        else:
            found += [times.data[record.start : record.start + record.length] for record in times.records]
    return found


def read_retold(corpus: PreparedCorpus) -> tuple[list[np.ndarray], np.ndarray]:
    """(steps, ...) of each record that `python -m synthesizer.retell` wrote beside the shards, and the voice (256,).

    Raises InputError if some are missing, belong to other recordings, or were retold otherwise than the rest.
    """
    rows, voices = [], set()
    for shard in corpus.shards:
        path = shard.path.with_name(shard.path.name.replace("shard", "retold"))
        command = f"`python -m synthesizer.retell {path.parents[1]}`"
        if not path.exists():
            raise InputError(f"{path} is missing; a refiner learns from it: make it with {command}")
        told = Shard(path)
        if [record.id for record in told.records] != [record.id for record in shard.records]:
            raise InputError(f"{path} belongs to other recordings; run {command} again")
        voices.add(tuple(told.metadata["voice"]))
        rows += [told.data[record.start : record.start + record.length] for record in told.records]
    if len(voices) > 1:
        raise InputError("the corpora were retold in different voices; run `python -m synthesizer.retell` on all alike")
    return rows, np.array(voices.pop(), np.float32)


def path_through(places: list[tuple[int, int]], spans: np.ndarray, times: np.ndarray, tokens: int) -> np.ndarray:
    """Which token is said at `times` (T,), in seconds, evenly through each word and each gap between two words.

    places: first and last token of each word; spans: (words, 2) its seconds. -1 everywhere if they do not match.
    """
    if len(places) != len(spans) or not len(spans):
        return np.full(len(times), -1, np.float32)
    seconds = [0.0, *np.ravel(spans), max(float(times[-1]), float(spans[-1, 1])) + 1e-3]
    return np.interp(times, seconds, [0, *np.ravel(places), tokens]).astype(np.float32)


def embeddings_path(shard: Path) -> Path:
    return shard.with_name(shard.name.replace("shard", "embeddings"))
