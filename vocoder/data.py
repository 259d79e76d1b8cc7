"""Crops of prepared recordings, and the mel a vocoder makes them from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from speech.batches import held_out_speakers
from speech.errors import InputError
from speech.mel import FLOOR, MelConfig, log_mel
from speech.shards import PreparedCorpus, Record, Shard

Batch = dict[str, torch.Tensor]
STAGES = ("vocoder", "synthesizer")
"""Prepared sub-folders that hold sound, in order of preference."""
HELD_OUT_CLIPS, HELD_OUT_SECONDS = 8, 2.0
GAINS = (-12.0, 6.0)
"""A crop's loudness is changed by so many dB, drawn evenly, so that quiet and loud mels are both known."""


def margin(mel: MelConfig) -> int:
    """Samples a crop has beyond its segment on both sides, so that its frames equal those of the whole recording."""
    return -(-(mel.n_fft - mel.hop_length) // 2 // mel.hop_length) * mel.hop_length


def batch_mel(batch: Batch, config: MelConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch's real samples (B, 1, N) without margins, and the mel (B, n_mels, N / hop_length) to make them from."""
    edge = margin(config)
    samples = batch["samples"]
    mel = batch.get("mel")
    if mel is None:
        # Not a network: computed in float32 whatever the networks are computed in.
        with torch.autocast(samples.device.type, enabled=False):
            frames = edge // config.hop_length
            mel = log_mel(samples, config)[..., frames : -frames or None]
    return samples[:, None, edge : samples.shape[1] - edge], mel


@dataclass(frozen=True)
class Clip:
    """One recording; `frames` times the hop length are its usable samples."""

    corpus: PreparedCorpus
    index: int
    frames: int
    mel: np.ndarray | None = None
    """(frames, n_mels): the synthesizer's, with --gta."""

    @property
    def record(self) -> Record:
        return self.corpus.records[self.index]


class Data:
    """Batches {"samples": (B, margin + segment + margin) float32} and, with --gta, {"mel": (B, n_mels, frames)}."""

    def __init__(self, arguments: argparse.Namespace, settings):
        """arguments: corpora (prepared folders), gta. settings: training.config.Settings.

        Raises InputError if a folder holds no sound, or sound of another rate, or no clip is left to learn from.
        """
        self.mel, self.schedule, self.segment = settings.mel, settings.schedule, settings.model.segment
        self.facts: dict = {}
        gta = getattr(arguments, "gta", False)
        speakers: dict[str, list[Clip]] = {}
        for folder in arguments.corpora:
            for name, clips in read_clips(Path(folder), self.mel, gta).items():
                speakers.setdefault(name, []).extend(clips)
        self._split(speakers)
        seconds = np.array([sum(clip.record.seconds for clip in clips) for clips in self.train.values()])
        # Between every speaker alike and every second alike.
        self._speakers = list(self.train.values())
        self._speaker_odds = np.cumsum(np.sqrt(seconds)) / np.sqrt(seconds).sum()
        self._clip_odds = [np.cumsum([clip.frames for clip in clips]) for clips in self._speakers]
        count = sum(map(len, self._speakers))
        self.summary = (
            f"{count} clips, {seconds.sum() / 3600:.2f} hours of {len(self.train)} speakers; "
            f"held out: {self.kept_apart}{'; mels of the synthesizer' if gta else ''}"
        )

    def _split(self, speakers: dict[str, list[Clip]]) -> None:
        """Hold whole speakers back where there are enough, recordings where not."""
        self.kept_apart = "speakers"
        if len(speakers) < 4:
            speakers = {f"{name}/{clip.record.id}": [clip] for name, clips in speakers.items() for clip in clips}
            self.kept_apart = "recordings"
        numbered = {name: list(range(len(clips))) for name, clips in speakers.items()}
        train, apart = held_out_speakers(numbered, share=0.02, fewest=HELD_OUT_CLIPS)
        if not train or not apart:
            raise InputError(f"a vocoder learns from at least 2 recordings; found {len(numbered)}: prepare more")
        self.train = {name: speakers[name] for name in train}
        self.apart = {name: speakers[name] for name in apart}
        self.kept_apart = f"{len(apart)} {self.kept_apart}"

    def batches(self, step: int, rank: int, size: int) -> Iterator[Batch]:
        """Endless batches from `step` on: each a function of seed, step and rank alone."""
        del size
        while True:
            rng = np.random.default_rng((self.schedule.seed, step, rank))
            yield self._batch([self._draw(rng) for _ in range(self.schedule.batch)])
            step += 1

    def held_out(self) -> list[Batch]:
        """One batch a clip, from the middle of one recording of each of a few speakers held back."""
        wanted = round(HELD_OUT_SECONDS * self.mel.frames_per_second)
        batches = []
        for clips in list(self.apart.values())[:HELD_OUT_CLIPS]:
            clip = max(clips, key=lambda clip: min(clip.frames, wanted))
            frames = max(min(clip.frames, wanted), -(-self.mel.n_fft // self.mel.hop_length))
            batches.append(self._batch([self._crop(clip, max(0, (clip.frames - frames) // 2), frames, 1.0)]))
        return batches

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        speaker = int(np.searchsorted(self._speaker_odds, rng.random(), side="right"))
        speaker = min(speaker, len(self._speakers) - 1)
        odds = self._clip_odds[speaker]
        clip = self._speakers[speaker][int(np.searchsorted(odds, rng.integers(odds[-1]), side="right"))]
        frames = self.segment // self.mel.hop_length
        start = int(rng.integers(max(1, clip.frames - frames + 1)))
        gain = 10 ** (rng.uniform(*GAINS) / 20)
        return self._crop(clip, start, frames, gain)

    def _crop(self, clip: Clip, start: int, frames: int, gain: float) -> tuple[np.ndarray, np.ndarray | None]:
        """Samples (margin + frames * hop + margin,) from frame `start` on, and the mel (n_mels, frames) if it is given.

        Past a recording's start it is mirrored, as its mel is; past its end follows silence.
        """
        hop, edge = self.mel.hop_length, margin(self.mel)
        begin, end = start * hop - edge, (start + frames) * hop + edge
        left, right = max(0, -begin), max(0, end - clip.record.length)
        sound = clip.corpus.array(clip.index, begin + left, end - right - begin - left).astype(np.float32) / 32768
        sound = np.pad(sound, (left, 0), mode="reflect")
        inside = start + frames <= clip.frames
        sound = np.pad(sound, (0, right), mode="reflect" if inside else "constant")
        if clip.mel is not None:
            mel = clip.mel[start : start + frames].astype(np.float32).T
            return sound, np.pad(mel, ((0, 0), (0, frames - mel.shape[1])), constant_values=np.log(FLOOR))
        return sound * np.float32(min(gain, 0.98 / max(1e-4, np.abs(sound).max()))), None

    def _batch(self, crops: list[tuple[np.ndarray, np.ndarray | None]]) -> Batch:
        batch = {"samples": torch.from_numpy(np.stack([samples for samples, _ in crops]))}
        if crops[0][1] is not None:
            batch["mel"] = torch.from_numpy(np.stack([mel for _, mel in crops]))
        return batch


def read_clips(folder: Path, mel: MelConfig, gta: bool) -> dict[str, list[Clip]]:
    """The recordings of a prepared folder by speaker; those shorter than one window are left out.

    Raises InputError if the folder holds no sound, sound of another rate, or, with `gta`, no mels that fit it.
    """
    stages = ("synthesizer",) if gta else STAGES
    stage = next((stage for stage in stages if any((folder / stage).glob("shard-?????.safetensors"))), stages[0])
    corpus = PreparedCorpus([folder], stage, f"python -m {stage}.preprocess CORPUS --out {folder}")
    found = corpus.settings.get("sample_rate")
    if found != mel.sample_rate:
        raise InputError(
            f"{folder / stage} was prepared at {found} Hz, the model's mel.sample_rate is {mel.sample_rate} Hz; "
            f"prepare it with --sample-rate {mel.sample_rate} into another --out, or --set mel.sample_rate={found}"
        )
    mels = read_gta(corpus, mel) if gta else [None] * len(corpus)
    speakers: dict[str, list[Clip]] = {}
    for name, indices in corpus.speakers().items():
        clips = [Clip(corpus, i, corpus.records[i].length // mel.hop_length, mels[i]) for i in indices]
        clips = [clip for clip in clips if clip.record.length >= mel.n_fft]
        if clips:
            speakers[f"{folder.resolve()}:{name}"] = clips
    return speakers


def read_gta(corpus: PreparedCorpus, mel: MelConfig) -> list[np.ndarray]:
    """The synthesizer's mels (frames, n_mels) of a corpus, memory-mapped, in the order of its records.

    `gta-00000.safetensors` belongs to `shard-00000.safetensors` and lists the same recordings in the same order.
    """
    mels = []
    for audio in corpus.shards:
        path = audio.path.with_name(audio.path.name.replace("shard-", "gta-"))
        if not path.exists():
            raise InputError(f"{path} does not exist; make it with `python -m synthesizer.gta`, or train without --gta")
        shard = Shard(path)
        if [record.id for record in shard.records] != [record.id for record in audio.records]:
            raise InputError(f"{path} lists other recordings than {audio.path}; run `python -m synthesizer.gta` again")
        for made, real in zip(shard.records, audio.records):
            wanted = (real.length // mel.hop_length, mel.n_mels)
            found = (made.length, *shard.data.shape[1:])
            if found != wanted:
                raise InputError(
                    f"{path}: the mel of {made.id} is {found}, not {wanted}: it was made with other mel settings"
                )
            mels.append(shard.data[made.start : made.start + made.length])
    return mels
