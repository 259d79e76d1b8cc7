"""A tiny training as synthesizer_train.py does it, what it leaves, and what is made with that."""

import json
import shutil
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
import torch

from speech.errors import InputError
from speech.mel import MelConfig, log_mel
from speech.shards import Shard
from synthesizer.data import Data
from synthesizer.gta import write_gta
from synthesizer.models.tacotron2 import PRESETS, Config, Task
from synthesizer.models.tacotron2.network import MEL_MEAN, MEL_SCALE
from synthesizer.retell import disguise, retell_shards
from tests.synthesizer.made import RATE, made_voice, train_tiny, write_spelled
from training.checkpoint import load_model, load_tensors, read_checkpoint
from training.config import Settings, override
from training.journal import COSTS, read_journal
from vocoder.data import Data as VocoderData
from vocoder.models import hifigan


@pytest.fixture(scope="module")
def spelled(tmp_path_factory):
    return write_spelled(tmp_path_factory.mktemp("prepared") / "spelled")


@pytest.fixture(scope="module")
def trained(spelled, tmp_path_factory):
    """Forty steps of a tiny network."""
    models = tmp_path_factory.mktemp("models")
    return train_tiny("tiny", spelled, models, "schedule.steps=40", "schedule.validate_every=40")


def figures(folder) -> list[dict]:
    """The journal's lines, without the clock's, but for the validation at step 20."""
    lines = [line for line in read_journal(folder) if (line["kind"], line["step"]) != ("held_out", 20)]
    return [{key: value for key, value in line.items() if key not in COSTS} for line in lines]


def test_it_learns(trained):
    train = [line["mel"] for line in read_journal(trained) if line["kind"] == "train"]
    guide = [line["guide"] for line in read_journal(trained) if line["kind"] == "train"]
    assert np.mean(train[-5:]) < 0.7 * np.mean(train[:3])
    assert np.mean(guide[-5:]) < 0.7 * np.mean(guide[:3])


def test_what_a_run_leaves(trained):
    names = {path.name for path in trained.iterdir()}
    assert {"config.json", "model.safetensors", "last.safetensors", "journal.jsonl", "curves.png", "samples"} <= names
    samples = sorted(path.name for path in (trained / "samples" / "0000040").iterdir())
    assert samples == ["0.png", "0.wav"]
    assert read_checkpoint(trained, "synthesizer").extra["encoder"] == "e1"


def test_it_speaks_from_its_folder(trained):
    model, _ = load_model(trained, "synthesizer")
    (made,) = model.synthesize(["Two old boats."], [made_voice(0)])
    assert made.mel.shape[0] == 80
    assert torch.isfinite(made.mel).all()


def test_a_resumed_run_is_the_uninterrupted_one(trained, spelled, tmp_path, monkeypatch):
    monkeypatch.setattr(Task, "sample", lambda self, held_out, folder: None)  # they take longer than the learning
    train_tiny("tiny", spelled, tmp_path, "schedule.steps=20", "schedule.validate_every=40")
    resumed = train_tiny("tiny", spelled, tmp_path, "schedule.steps=40", "schedule.validate_every=40")
    assert figures(resumed) == figures(trained)
    for name in ("model.safetensors", "last.safetensors"):
        found, wanted = load_tensors(resumed / name), load_tensors(trained / name)
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[key], wanted[key]) for key in wanted)


def test_an_adversary_joins_and_comes_back(spelled, tmp_path, monkeypatch):
    monkeypatch.setattr(Task, "sample", lambda self, held_out, folder: None)
    wanted = ["model.adversary_from=4", "model.judge_channels=4", "schedule.log_every=1", "schedule.validate_every=20"]
    whole = train_tiny("whole", spelled, tmp_path, *wanted, "schedule.steps=8")
    train_tiny("parts", spelled, tmp_path, *wanted, "schedule.steps=6")
    parts = train_tiny("parts", spelled, tmp_path, *wanted, "schedule.steps=8")
    judged = {line["step"] for line in read_journal(whole) if "discriminator_loss" in line and "feature_loss" in line}
    assert judged == {5, 6, 7, 8}
    found, expected = load_tensors(parts / "last.safetensors"), load_tensors(whole / "last.safetensors")
    assert found.keys() == expected.keys()
    assert any("judge" in key for key in found)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_fine_tuning_may_add_an_adversary(trained, spelled, tmp_path, monkeypatch):
    monkeypatch.setattr(Task, "sample", lambda self, held_out, folder: None)
    more = ("--finetune", str(trained))
    tuned = train_tiny("tuned", spelled, tmp_path, "model.adversary_from=0", "schedule.steps=1", more=more)
    found, before = load_tensors(tuned / "model.safetensors"), load_tensors(trained / "model.safetensors")
    moved = [(found[key] - before[key]).abs().max() for key in before if key.endswith("weight")]
    assert max(moved) < 0.1  # one step away, where a beginning would be far


def test_the_excerpts_judged_hold_no_made_padding():
    task = Task(replace(PRESETS["small"], adversary_from=0, judged_frames=8), MelConfig())
    seen = []
    task.networks["judge"] = lambda x: seen.append(x.detach()) or [(x.mean(dim=1), [x])]
    places, inside = task._excerpts(torch.tensor([5, 20]), 21, 8)
    assert places.shape == (2, 6)  # whole decoder steps, of three frames
    assert places[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert inside.tolist() == [[True] * 5 + [False], [True] * 6]
    true, made = torch.zeros(2, 6, 80), torch.ones(2, 6, 80, requires_grad=True)
    list(task._judged(made.mean(), {}, true, made, inside, 0))
    judged_true, judged_made = seen[0].chunk(2)
    assert not judged_true.any()
    assert judged_made[0, 0].tolist() == [1, 1, 1, 1, 1, 0]
    assert judged_made[1].all()


REFINER = ["model.refiner_layers=2", "model.refiner_dim=16", "model.refiner_excerpt=20"]


@pytest.fixture(scope="module")
def retold(trained, tmp_path_factory):
    """A prepared folder whose recordings the tiny network has said in one voice."""
    folder = write_spelled(tmp_path_factory.mktemp("retold") / "spelled")
    retell(folder, trained)
    return folder


def retell(folder, trained, voice: int = 0) -> None:
    model, checkpoint = load_model(trained, "synthesizer")
    source = Data(Namespace(corpora=[folder]), override(checkpoint.settings, ["schedule.batch=1"]))
    told = torch.from_numpy(made_voice(voice).embedding)
    retell_shards(source.corpus, source, model, told, checkpoint.fingerprint, batch=5)


def test_a_refiner_is_added_to_a_model_that_speaks(trained, retold, tmp_path):
    more = ("--finetune", str(trained))
    refined = train_tiny("refined", retold, tmp_path, *REFINER, "schedule.steps=40", more=more)
    found, before = load_tensors(refined / "model.safetensors"), load_tensors(trained / "model.safetensors")
    assert all(torch.equal(found[key], before[key]) for key in before)  # the rest is as it was
    assert {key.split(".")[0] for key in found.keys() - before.keys()} == {"refiner"}
    flow = [line["flow"] for line in read_journal(refined) if line["kind"] == "train"]
    assert np.mean(flow[-10:]) < 0.8 * np.mean(flow[:3])
    assert "flow" in [line for line in read_journal(refined) if line["kind"] == "held_out"][-1]
    models = [load_model(folder, "synthesizer")[0] for folder in (refined, trained)]
    (sharp,), (plain,) = (model.synthesize(["One boat."], [made_voice(voice)]) for model, voice in zip(models, (1, 0)))
    np.testing.assert_array_equal(sharp.alignment, plain.alignment)  # for it was said in the voice they were retold in
    assert not torch.equal(sharp.mel, plain.mel)


def test_a_refiner_makes_mels_for_the_vocoder(trained, retold, tmp_path):
    more = ("--finetune", str(trained))
    folder = train_tiny("refined", retold, tmp_path, *REFINER, "schedule.steps=1", more=more)
    model, checkpoint = load_model(folder, "synthesizer")
    source = Data(Namespace(corpora=[retold]), override(checkpoint.settings, ["schedule.batch=1"]))
    batch = source.batch([0, 1])
    mels = model.predict(batch)
    assert mels.shape[1] >= batch["mels"].shape[1]
    frames, _ = model.split_retold(batch["retold"])
    told = frames * MEL_SCALE + MEL_MEAN
    shortest = int(batch["mel_lengths"].min())
    assert (mels - told)[:, :shortest].abs().mean() < 1  # one step of learning: little but noise was added


def test_recordings_are_retold_at_their_pace(retold):
    shard = Shard(retold / "synthesizer" / "shard-00000.safetensors")
    told = Shard(retold / "synthesizer" / "retold-00000.safetensors")
    assert told.data.dtype == np.float16
    assert told.data.shape[1] == 2 * 80 + 24 + 16
    frames = [record.length // MelConfig().hop_length for record in shard.records]
    assert [2 * record.length for record in told.records] == pytest.approx(frames, abs=2)


def test_what_is_retold_is_retold_again_when_the_recordings_are_others(trained, tmp_path):
    folder = write_spelled(tmp_path / "spelled")
    paths = [folder / f"synthesizer/retold-0000{number}.safetensors" for number in range(2)]
    retell(folder, trained)
    before = [path.stat().st_mtime_ns for path in paths]
    retell(folder, trained)
    assert [path.stat().st_mtime_ns for path in paths] == before
    write_spelled(folder, clips=8)
    retell(folder, trained)
    assert [len(Shard(path).records) for path in paths] == [4, 4]


def test_a_refiner_needs_recordings_retold_in_one_voice(trained, spelled, tmp_path):
    with pytest.raises(InputError, match=r"retold-00000\.safetensors is missing; a refiner learns from it"):
        train_tiny("refined", spelled, tmp_path, *REFINER)
    one, other = (write_spelled(tmp_path / name) for name in ("one", "other"))
    retell(one, trained, voice=0)
    retell(other, trained, voice=1)
    settings = override(read_checkpoint(trained, "synthesizer").settings, REFINER)
    with pytest.raises(InputError, match="retold in different voices"):
        Data(Namespace(corpora=[one, other]), settings)
    shutil.copy(one / "synthesizer" / "retold-00000.safetensors", one / "synthesizer" / "retold-00001.safetensors")
    with pytest.raises(InputError, match=r"retold-00001\.safetensors belongs to other recordings"):
        Data(Namespace(corpora=[one]), settings)


def test_a_disguised_voice_is_higher_by_its_factor():
    """Against the mel of the higher sound itself."""
    config, time = MelConfig(), np.arange(RATE) / RATE
    sounds = [sum(np.sin(2 * np.pi * hertz * factor * time) for hertz in (400, 1500, 4000)) for factor in (1, 1.25)]
    low, high = (log_mel(torch.from_numpy(sound).float() / 4, config).T for sound in sounds)
    (moved,) = disguise(low[None], torch.tensor([1.25]), config)
    loudest = [{int(place) for place in mel[40].topk(6).indices} for mel in (moved, high)]
    assert len(loudest[0] & loudest[1]) >= 4
    (same,) = disguise(low[None], torch.tensor([1.0]), config)
    torch.testing.assert_close(same, low)


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"refiner_layers": 1, "adversary_from": 0}, "adversary_from"),
        ({"refiner_layers": 1, "refiner_dim": 40}, "multiple of 16"),
    ],
)
def test_settings_that_do_not_go_together(settings, missing):
    with pytest.raises(InputError, match=missing):
        Config(**settings)


def test_another_encoders_voices_are_refused(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "tiny" / "synthesizer")
    other = write_spelled(tmp_path / "spelled", encoder="e2")
    with pytest.raises(InputError, match="encoder"):
        train_tiny("tiny", other, tmp_path, "schedule.steps=60")


def test_a_checkpoint_of_other_symbols_is_refused_by_name(trained, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(trained, folder)
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    content["symbols"][content["symbols"].index("q")] = "ß"
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="made for other code") as refused:
        load_model(folder, "synthesizer")
    assert "symbols" in str(refused.value)
    assert "ß" in str(refused.value)
    assert "'q'" in str(refused.value)


def test_a_truncated_checkpoint_is_refused(trained, tmp_path):
    folder = tmp_path / "cut"
    shutil.copytree(trained, folder)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a whole safetensors file"):
        load_model(folder, "synthesizer")


def test_mels_for_the_vocoder(trained, tmp_path):
    folder = write_spelled(tmp_path / "spelled", clips=16)
    model, checkpoint = load_model(trained, "synthesizer")
    source = Data(Namespace(corpora=[folder]), override(checkpoint.settings, ["schedule.batch=1"]))
    assert write_gta(source.corpus, source, model, checkpoint.fingerprint, batch=3) == 16
    for number in range(2):
        made = Shard(folder / "synthesizer" / f"gta-{number:05d}.safetensors")
        clips = Shard(folder / "synthesizer" / f"shard-{number:05d}.safetensors")
        assert made.data.dtype == np.float16
        assert np.isfinite(made.data).all()
        assert [record.id for record in made.records] == [record.id for record in clips.records]
        frames = [record.length // MelConfig().hop_length for record in clips.records]
        assert [record.length for record in made.records] == pytest.approx(frames, abs=1)
        assert made.metadata["synthesizer"] == checkpoint.fingerprint
    settings = override(Settings(hifigan.MEL, hifigan.PRESETS["v2"], hifigan.SCHEDULE), ["schedule.batch=2"])
    batch = next(VocoderData(Namespace(corpora=[folder], gta=True), settings).batches(0, 0, 1))
    assert batch["mel"].shape[:2] == (2, 80)
    before = (folder / "synthesizer" / "gta-00000.safetensors").stat().st_mtime_ns
    write_gta(source.corpus, source, model, checkpoint.fingerprint, batch=3)
    assert (folder / "synthesizer" / "gta-00000.safetensors").stat().st_mtime_ns == before  # nothing is made twice
