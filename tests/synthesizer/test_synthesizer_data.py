"""Batches, and the embeddings that must belong to them."""

from argparse import Namespace
from itertools import islice

import numpy as np
import pytest
import torch

from speech.errors import InputError
from speech.mel import MelConfig, log_mel
from synthesizer.data import SPELLED, Data
from synthesizer.models.tacotron2 import MEL, PRESETS, SCHEDULE
from synthesizer.text import encode, pronounce
from tests.synthesizer.made import RATE, SETTINGS, made_voice, spell, write_embeddings, write_spelled
from training.config import Settings, override


def data(*folders, changes: tuple[str, ...] = ()) -> Data:
    settings = override(Settings(MEL, PRESETS["paper"], SCHEDULE), [*SETTINGS, *changes])
    return Data(Namespace(corpora=list(folders)), settings)


@pytest.fixture(scope="module")
def spelled(tmp_path_factory):
    return write_spelled(tmp_path_factory.mktemp("prepared") / "spelled")


def test_a_batch(spelled):
    source = data(spelled)
    batch = source.batch([0, 3, 7])
    records = [source.corpus.records[i] for i in (0, 3, 7)]
    for row, record in enumerate(records):
        tokens = encode(pronounce(record.text, SPELLED))
        assert batch["tokens"][row, : batch["token_lengths"][row]].tolist() == tokens
        assert (batch["tokens"][row, len(tokens) :] == 0).all()
        wanted = log_mel(
            torch.from_numpy(spell(record.text, 200 if record.speaker.endswith("s0") else 320) / np.float32(32768)),
            MelConfig(),
        )
        frames = int(batch["mel_lengths"][row])
        assert frames == wanted.shape[1]
        torch.testing.assert_close(batch["mels"][row, :frames], wanted.T)
        assert (batch["mels"][row, frames:] == -11.5).all()
        np.testing.assert_array_equal(batch["voices"][row], made_voice(int(record.speaker[-1])).embedding)
    assert batch["tokens"].dtype == torch.int64
    assert batch["mels"].shape == (3, int(batch["mel_lengths"].max()), 80)


def test_the_stream_can_be_entered_anywhere(spelled):
    source = data(spelled)
    whole = list(islice(source.batches(0, 0, 1), 7))
    for one, other in zip(whole[4:], source.batches(4, 0, 1)):
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_processes_share_a_batch(spelled):
    source = data(spelled, changes=("schedule.batch=2",))
    alone = next(data(spelled).batches(0, 0, 1))  # four clips
    parts = [next(source.batches(0, rank, 2)) for rank in range(2)]
    assert [len(part["tokens"]) for part in parts] == [2, 2]
    lengths = torch.cat([part["mel_lengths"] for part in parts]).sort().values
    assert torch.equal(lengths, alone["mel_lengths"].sort().values)


def test_held_out_clips_are_not_learned_from(spelled):
    source = data(spelled)
    assert source.held
    assert not set(source.held) & set(source.train)
    assert sum(len(batch["tokens"]) for batch in source.held_out()) == len(source.held)


def test_missing_embeddings_name_the_command(tmp_path):
    folder = write_spelled(tmp_path / "spelled")
    (folder / "synthesizer" / "embeddings-00001.safetensors").unlink()
    with pytest.raises(
        InputError, match=r"embeddings-00001\.safetensors is missing.*python -m encoder\.embed .*spelled`"
    ):
        data(folder)


def test_embeddings_of_other_recordings(tmp_path):
    folder = write_spelled(tmp_path / "spelled")
    write_embeddings(folder, 1, "e1", ids=["other"] * 6)
    with pytest.raises(InputError, match=r"belongs to other recordings; run `python -m encoder\.embed"):
        data(folder)


def test_embeddings_of_another_encoder(tmp_path):
    folders = [write_spelled(tmp_path / name, encoder=name) for name in ("one", "two")]
    assert data(folders[0]).facts == {"encoder": "one"}
    with pytest.raises(InputError, match="embedded by different encoders"):
        data(*folders)


def test_another_rate(tmp_path):
    folder = write_spelled(tmp_path / "spelled", rate=16000)
    with pytest.raises(InputError, match=f"prepared at 16000 Hz and mel.sample_rate is {RATE} Hz"):
        data(folder)


def test_too_few_clips_for_a_batch(spelled):
    with pytest.raises(InputError, match="a batch takes 64 clips, and there are 11"):
        data(spelled, changes=("schedule.batch=64",))


def test_nothing_prepared(tmp_path):
    with pytest.raises(InputError, match=r"python -m synthesizer\.preprocess"):
        data(tmp_path)
