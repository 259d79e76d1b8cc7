from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from encoder.data import Data
from encoder.models.ge2e import Config
from speech.errors import InputError
from speech.mel import ENCODER_MEL
from speech.shards import Record, write_shard
from training.config import Settings
from training.schedule import Schedule


def corpus(folder, clips: dict[str, list[int]]):
    """A prepared corpus of clips by speaker and length, whose frames say whose they are and where."""
    from dataclasses import asdict

    arrays, records, start = [], [], 0
    for number, (speaker, lengths) in enumerate(clips.items()):
        for index, length in enumerate(lengths):
            frames = np.zeros((length, 40), np.float16)
            frames[:, 0], frames[:, 1], frames[:, 2] = number, index, np.arange(length)
            arrays.append(frames)
            records.append(Record(f"{speaker}-{index}", speaker, start, length, length / 100))
            start += length
    metadata = {"settings": {"mel": asdict(ENCODER_MEL)}, "left_out": [], "source": []}
    write_shard(folder / "encoder/shard-00000.safetensors", arrays, records, metadata)
    return folder


def data(folder, batch=4, **model) -> Data:
    settings = Settings(ENCODER_MEL, Config(partial_frames=20, utterances=3, **model), Schedule(batch=batch))
    return Data(SimpleNamespace(corpora=[folder]), settings)


@pytest.fixture
def twelve(tmp_path):
    return corpus(tmp_path / "made", {f"s{i}": [20, 60, 45, 30] for i in range(12)})


def test_a_batch_is_cuts_of_its_speakers(twelve):
    mels = next(data(twelve).batches(0, 0, 1))["mels"]
    assert mels.shape == (4, 3, 20, 40)
    assert mels.dtype == torch.float32
    speakers, clips, places = mels[..., 0], mels[..., 1], mels[..., 2]
    assert (speakers == speakers[:, :1, :1]).all()
    assert len(speakers[:, 0, 0].unique()) == 4
    assert all(len(clip[:, 0].unique()) == 3 for clip in clips)  # three clips of four, none twice
    assert (places.diff(dim=-1) == 1).all()  # and each cut is one piece


def test_every_speaker_comes_once_before_any_twice(twelve):
    made = data(twelve)
    batches = [batch["mels"][:, 0, 0, 0].tolist() for batch in islice(made.batches(0, 0, 1), 4)]
    assert len(set(batches[0] + batches[1])) == len(set(batches[2] + batches[3])) == 8
    assert batches[:2] != batches[2:]


def test_held_out_speakers_are_never_learned_from(twelve):
    made = data(twelve)
    assert len(made.others) == 4
    held = {value for batch in made.held_out() for value in batch["mels"][:, 0, 0, 0].tolist()}
    seen = {value for batch in islice(made.batches(0, 0, 1), 20) for value in batch["mels"][:, 0, 0, 0].tolist()}
    assert (len(held), len(seen), len(held & seen)) == (4, 8, 0)
    again = data(twelve).held_out()
    assert all(torch.equal(a["mels"], b["mels"]) for a, b in zip(made.held_out(), again))


@pytest.mark.parametrize("step", [1, 2, 5])
def test_a_stream_from_a_step_is_the_stream_that_never_stopped(twelve, step):
    whole = [batch["mels"] for batch in islice(data(twelve).batches(0, 0, 1), 8)]
    later = [batch["mels"] for batch in islice(data(twelve).batches(step, 0, 1), 8 - step)]
    assert all(torch.equal(a, b) for a, b in zip(whole[step:], later))


def test_processes_share_the_stream_out(twelve):
    alone = [batch["mels"] for batch in islice(data(twelve).batches(0, 0, 1), 6)]
    pair = [[batch["mels"] for batch in islice(data(twelve).batches(0, rank, 2), 3)] for rank in range(2)]
    assert all(torch.equal(alone[2 * i + rank], pair[rank][i]) for i in range(3) for rank in range(2))


def test_a_speaker_of_one_clip_gives_several_cuts(tmp_path):
    made = data(corpus(tmp_path / "x", {f"s{i}": [90] for i in range(8)}))
    starts = next(made.batches(0, 0, 1))["mels"][:, :, 0, 2]
    assert max(len(row.unique()) for row in starts) == 3


def test_clips_shorter_than_a_partial_are_left_out(tmp_path):
    made = data(corpus(tmp_path / "x", {**{f"s{i}": [19, 25] for i in range(8)}, "short": [10, 19]}))
    assert not any("short" in name for name in [*made.speakers, *made.others])
    for batch in islice(made.batches(0, 0, 1), 6):
        assert (batch["mels"][..., 1] == 1).all()


@pytest.mark.parametrize("speakers", [1, 2, 3])
def test_too_few_speakers_are_a_sentence(tmp_path, speakers):
    folder = corpus(tmp_path / "x", {f"s{i}": [60] for i in range(speakers)})
    with pytest.raises(
        InputError, match=f"at least 4 of them.*; found {speakers} with clips of 20 frames; add corpora"
    ):
        data(folder, batch=2)


def test_four_speakers_are_enough(tmp_path):
    made = data(corpus(tmp_path / "x", {f"s{i}": [60] for i in range(4)}), batch=2)
    assert (len(made.speakers), len(made.others)) == (2, 2)
    assert "2 speakers and 2 held out" in made.summary
