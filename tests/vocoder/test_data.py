from types import SimpleNamespace

import numpy as np
import pytest
import torch

from speech.errors import InputError
from speech.mel import FLOOR, MelConfig, log_mel
from speech.shards import Record, Shard, write_shard
from tests.vocoder.conftest import RATE, tone, write_corpus
from training.config import Settings
from training.schedule import Schedule
from vocoder.data import Data, batch_mel, margin
from vocoder.models.hifigan import Config

MEL = MelConfig()
HOP = MEL.hop_length
SETTINGS = Settings(MEL, Config(segment=2048), Schedule(batch=4, seed=5))


def data(*folders, gta=False, settings=SETTINGS) -> Data:
    return Data(SimpleNamespace(corpora=list(folders), gta=gta), settings)


def make_gta(folder, n_mels=80, ids=None):
    """Mels that count the frames of a recording, so that a slice says where it is from."""
    audio = Shard(folder / "synthesizer/shard-00000.safetensors")
    arrays, records, start = [], [], 0
    for record in audio.records:
        frames = record.length // HOP
        arrays.append(np.repeat(np.arange(frames, dtype=np.float16)[:, None], n_mels, axis=1))
        records.append(Record((ids or {}).get(record.id, record.id), record.speaker, start, frames, record.seconds))
        start += frames
    write_shard(folder / "synthesizer/gta-00000.safetensors", arrays, records, {"settings": {}, "left_out": []})


@pytest.mark.parametrize("start", [0, 1, 2, 40, 84, 85, 86])
def test_frames_of_a_crop_are_those_of_the_whole_recording(tones, start):
    made = data(tones)
    clip = max((clip for clips in made.train.values() for clip in clips), key=lambda clip: clip.frames)
    whole = torch.from_numpy(clip.corpus.array(clip.index).astype(np.float32) / 32768)
    crop, _ = made._crop(clip, start, 8, 1.0)
    real, mel = batch_mel({"samples": torch.from_numpy(crop)[None]}, MEL)
    assert clip.frames == 94
    assert crop.shape == (8 * HOP + 2 * margin(MEL),)
    torch.testing.assert_close(mel[0], log_mel(whole, MEL)[:, start : start + 8])
    torch.testing.assert_close(real[0, 0], whole[start * HOP : (start + 8) * HOP])


def test_a_short_clip_is_followed_by_silence(tmp_path):
    short = tone(200, 0.06)
    folder = write_corpus(tmp_path, {"a": [short, short]})
    batch = next(data(folder).batches(0, 0, 1))
    real, mel = batch_mel(batch, MEL)
    assert real.shape == (4, 1, 2048)
    assert mel.shape == (4, 80, 8)
    assert real[:, :, len(short) :].abs().max() == 0
    assert real[:, :, : len(short)].abs().max() > 0.01


def test_batches_are_a_function_of_seed_step_and_rank(tones):
    stream = data(tones).batches(0, 0, 1)
    batches = [next(stream)["samples"] for _ in range(4)]
    again = data(tones).batches(2, 0, 1)
    assert torch.equal(next(again)["samples"], batches[2])
    assert torch.equal(next(again)["samples"], batches[3])
    assert not torch.equal(batches[2], batches[3])
    assert not torch.equal(next(data(tones).batches(0, 1, 2))["samples"], batches[0])
    assert max(batch.abs().max() for batch in batches) <= 0.98 + 1e-6


def test_speakers_are_held_back(tones):
    made = data(tones)
    assert not made.train.keys() & made.apart.keys()
    assert len(made.train) + len(made.apart) == 10
    held_out = made.held_out()
    assert 1 <= len(held_out) <= 8
    assert all(batch["samples"].shape == (1, 94 * HOP + 2 * margin(MEL)) for batch in held_out)
    assert "5 speakers" in made.summary


def test_recordings_are_held_back_where_there_are_few_speakers(tmp_path):
    folder = write_corpus(tmp_path, {"only": [tone(100 + i, 0.6) for i in range(20)]})
    made = data(folder)
    assert "8 recordings" in made.summary
    assert len(made.train) == 12


def test_one_recording_is_not_enough(tmp_path):
    folder = write_corpus(tmp_path, {"only": [tone(100, 0.6)]})
    with pytest.raises(InputError, match="at least 2 recordings; found 1"):
        data(folder)


def test_other_rates_and_missing_folders_are_refused(tmp_path, tones):
    folder = write_corpus(tmp_path / "slow", {"a": [tone(100, 0.6, 16000)] * 2}, rate=16000)
    with pytest.raises(InputError, match=r"16000 Hz.*22050 Hz"):
        data(tones, folder)
    with pytest.raises(InputError, match=r"python -m vocoder\.preprocess"):
        data(tmp_path / "nothing")


def test_the_synthesizers_sound_will_do(tmp_path, tones):
    folder = write_corpus(tmp_path, {"x": [tone(90, 0.6)] * 3}, stage="synthesizer")
    made = data(tones, folder)
    assert sum(map(len, [*made.train.values(), *made.apart.values()])) == 23


def test_gta_mels_lie_beside_their_sound(tmp_path):
    folder = write_corpus(tmp_path, {"x": [tone(90, 0.6), tone(120, 0.05)] * 4}, stage="synthesizer")
    with pytest.raises(InputError, match=r"gta-00000.safetensors does not exist.*synthesizer.gta"):
        data(folder, gta=True)
    make_gta(folder)
    made = data(folder, gta=True)
    clip = max((clip for clips in made.train.values() for clip in clips), key=lambda clip: clip.frames)
    samples, mel = made._crop(clip, 7, 8, 1.0)
    np.testing.assert_array_equal(mel, np.repeat(np.arange(7, 15, dtype=np.float32)[None], 80, axis=0))
    whole = clip.corpus.array(clip.index).astype(np.float32) / 32768
    np.testing.assert_array_equal(samples[margin(MEL) : -margin(MEL)], whole[7 * HOP : 15 * HOP])
    short = min((clip for clips in made.train.values() for clip in clips), key=lambda clip: clip.frames)
    _, mel = made._crop(short, 0, 8, 1.0)
    np.testing.assert_allclose(mel[0], [0, 1, 2, 3, *[np.log(FLOOR)] * 4], rtol=1e-6)
    real, mel = batch_mel(next(made.batches(0, 0, 1)), MEL)
    assert (real.shape, mel.shape) == ((4, 1, 2048), (4, 80, 8))
    assert all("mel" in batch for batch in made.held_out())


def test_gta_mels_of_something_else_are_refused(tmp_path):
    folder = write_corpus(tmp_path, {"x": [tone(90, 0.6)] * 4}, stage="synthesizer")
    make_gta(folder, n_mels=40)
    with pytest.raises(InputError, match=r"\(51, 40\), not \(51, 80\)"):
        data(folder, gta=True)
    make_gta(folder, ids={"x-2": "y"})
    with pytest.raises(InputError, match="lists other recordings"):
        data(folder, gta=True)


def test_preprocess_writes_what_data_reads(tmp_path, monkeypatch, capsys):
    import soundfile

    from vocoder.preprocess import command

    (tmp_path / "mine/anna").mkdir(parents=True)
    for index, seconds in enumerate([1.0, 0.8, 0.2]):
        soundfile.write(tmp_path / f"mine/anna/{index}.wav", tone(200, seconds, 44100), 44100)
    out = tmp_path / "prepared"
    arguments = ["preprocess", str(tmp_path / "mine"), "--out", str(out), "--jobs", "1"]
    monkeypatch.setattr("sys.argv", arguments)
    command()
    assert "left out: too short 1" in capsys.readouterr().out
    made = data(out)
    (clip,) = (clip for clips in made.train.values() for clip in clips)
    assert clip.record.speaker == "anna"
    whole = clip.corpus.array(clip.index)
    assert abs(len(whole) - clip.record.seconds * RATE) <= 1
    # The same tone as if it had been made at this rate, but for the resampler's ends.
    expected = tone(200, clip.record.seconds)[500:10000].astype(float)
    assert np.abs(whole[500:10000] - expected).max() < 60
