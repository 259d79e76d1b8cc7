"""Every trained vocoder learns, resumes and is saved; a new file in vocoder/models/ needs its tiny settings here."""

import pytest
import torch

from training.checkpoint import load_model, load_tensors, read_metadata
from training.command import parser, run
from training.journal import COSTS, read_journal
from training.registry import trainable_names

TINY = {
    "hifigan": [
        "model.channels=32", "model.segment=2048", "model.adversary_from=24",
        "model.period_channels=1", "model.scale_channels=4",
    ],
    "learned_griffin_lim": [
        "model.width=16", "model.layers=1", "model.segment=5120", "model.adversary_from=24", "model.judge_channels=2",
        "schedule.ema=0.5",
    ],
    "wavernn": [
        "model.rnn_dims=32", "model.fc_dims=32", "model.compute_dims=16", "model.res_dims=16", "model.res_blocks=1",
        "model.segment=1280", "schedule.learning_rate=0.005",
    ],
}  # fmt: skip
SCHEDULE = [
    "schedule.batch=4", "schedule.log_every=4", "schedule.validate_every=32", "schedule.warmup=0",
    "schedule.learning_rate=0.002", "schedule.final_learning_rate=0.002",
]  # fmt: skip
LOSS = {"hifigan": "mel_loss", "learned_griffin_lim": "magnitude_loss", "wavernn": "nats"}
ADVERSARIES = ("hifigan", "learned_griffin_lim")


def train(name, tones, folder, steps):
    commands = parser("vocoder", name, "")
    settings = [word for setting in [*TINY[name], *SCHEDULE, f"schedule.steps={steps}"] for word in ("--set", setting)]
    run(commands.parse_args(["run", str(tones), "--models-dir", str(folder), "--device", "cpu", *settings]), "vocoder")
    return folder / "run/vocoder"


@pytest.fixture(scope="module", params=trainable_names("vocoder"))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def trained(name, tones, tmp_path_factory):
    return train(name, tones, tmp_path_factory.mktemp("models"), 32)


def learned(folder):
    """The journal but for its costs in time."""
    lines = [line for line in read_journal(folder) if line["kind"] == "train"]
    return [{key: value for key, value in line.items() if key not in COSTS} for line in lines]


def test_training_lowers_the_loss(name, trained):
    lines = learned(trained)
    assert [line["step"] for line in lines] == list(range(4, 33, 4))
    assert lines[-1][LOSS[name]] < 0.9 * lines[0][LOSS[name]]
    assert read_metadata(trained / "model.safetensors")["step"] == 32
    assert {path.name for path in (trained / "samples/0000032").iterdir()} >= {"0-real.wav", "0-copy.wav", "0-mel.png"}


def test_discriminators_begin_when_asked(name, trained):
    begun = [line["step"] for line in learned(trained) if "discriminator_loss" in line]
    assert begun == ([28, 32] if name in ADVERSARIES else [])


def test_a_resumed_run_is_the_run_that_never_stopped(name, trained, tones, tmp_path):
    folder = train(name, tones, tmp_path, 26)
    train(name, tones, tmp_path, 32)
    assert learned(folder)[-1] == learned(trained)[-1]
    ours, theirs = (load_tensors(path / "last.safetensors") for path in (folder, trained))
    assert ours.keys() == theirs.keys()
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []


def test_a_saved_model_sounds_the_same(name, trained):
    model, checkpoint = load_model(trained, "vocoder")
    again, _ = load_model(trained, "vocoder")
    assert checkpoint.name == name
    mel = torch.randn(80, 7)
    assert (model.vocode(mel).samples == again.vocode(mel).samples).all()
