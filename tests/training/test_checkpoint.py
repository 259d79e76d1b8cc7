import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from encoder.models.ge2e import Config, Model
from speech.errors import InputError
from speech.mel import ENCODER_MEL
from training.checkpoint import load_model, load_tensors, load_weights, read_checkpoint, save_tensors, write_config
from training.config import Settings
from training.export import export
from training.schedule import Schedule

SMALL = Config(hidden=8, layers=1, embedding=6)


@pytest.fixture
def saved(tmp_path) -> Path:
    """A whole encoder checkpoint of random weights."""
    folder = tmp_path / "run/encoder"
    torch.manual_seed(0)
    model = Model(SMALL, ENCODER_MEL)
    write_config(folder, "encoder", "ge2e", Settings(ENCODER_MEL, SMALL, Schedule()), {"note": "Grüße"})
    save_tensors(folder / "model.safetensors", model.state_dict(), {"step": 7, "held_out": {"eer": 0.1}})
    return folder


def test_a_model_comes_back_as_it_was_saved(saved):
    model, checkpoint = load_model(saved, "encoder")
    assert not model.training
    assert (model.config, model.mel) == (SMALL, ENCODER_MEL)
    assert (checkpoint.stage, checkpoint.name, checkpoint.step) == ("encoder", "ge2e", 7)
    assert checkpoint.extra == {"note": "Grüße"}
    torch.manual_seed(0)
    wanted = Model(SMALL, ENCODER_MEL).state_dict()
    assert all(torch.equal(value, wanted[key]) for key, value in model.state_dict().items())


def test_the_fingerprint_is_of_the_weights(saved):
    before = read_checkpoint(saved, "encoder").fingerprint
    assert len(before) == 12
    assert read_checkpoint(saved, "encoder").fingerprint == before
    save_tensors(saved / "model.safetensors", Model(SMALL, ENCODER_MEL).state_dict(), {"step": 8})
    assert read_checkpoint(saved, "encoder").fingerprint != before


def test_an_export_is_half_the_size_and_the_same_model(saved, tmp_path):
    out = export(saved, tmp_path / "out")
    assert out.stat().st_size < 0.7 * (saved / "model.safetensors").stat().st_size
    (half, checkpoint), (whole, _) = load_model(tmp_path / "out", "encoder"), load_model(saved, "encoder")
    assert checkpoint.step == 7
    assert half.linear.weight.dtype == torch.float32
    mels = torch.randn(2, 20, 40) - 6
    torch.testing.assert_close(half(mels), whole(mels), atol=1e-2, rtol=0)
    assert export(saved, tmp_path / "full", half=False).stat().st_size == (saved / "model.safetensors").stat().st_size


def test_an_export_may_be_halfway_between_two(saved, tmp_path):
    first = load_tensors(saved / "model.safetensors")
    save_tensors(tmp_path / "second/model.safetensors", {key: 3 * value for key, value in first.items()}, {})
    out = load_tensors(export(saved, tmp_path / "out", half=False, other=tmp_path / "second"))
    for key, value in first.items():
        torch.testing.assert_close(out[key], 2 * value)
    save_tensors(tmp_path / "third/model.safetensors", {"other": torch.zeros(1)}, {})
    with pytest.raises(InputError, match="third has other weights"):
        export(saved, tmp_path / "out", other=tmp_path / "third")


# ---- what is no checkpoint


def change(folder: Path, **changes) -> None:
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | changes))


def test_another_stage_is_refused_by_name(saved):
    with pytest.raises(
        InputError, match="run/encoder is a checkpoint of the encoder; one of the vocoder is needed here"
    ):
        read_checkpoint(saved, "vocoder")


def test_an_unknown_model_lists_the_known(saved):
    change(saved, model="gee")
    with pytest.raises(InputError, match=r"encoder has no model 'gee'; known are: .*ge2e"):
        read_checkpoint(saved, "encoder")


def test_what_is_missing_is_named(saved, tmp_path):
    with pytest.raises(InputError, match=r"nowhere holds no encoder checkpoint: there is no config\.json in it"):
        read_checkpoint(tmp_path / "nowhere", "encoder")
    (saved / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors does not exist: the checkpoint is not complete"):
        load_model(saved, "encoder")


@pytest.mark.parametrize("content", ["", "{", "[]", "[1]", "3", "null", '"x"', "{}", '{"stage": "encoder"}', "\udcff"])
def test_a_broken_config_is_named(saved, content):
    (saved / "config.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=r"config\.json is not a checkpoint's config\.json"):
        read_checkpoint(saved, "encoder")


@pytest.mark.parametrize("value", [None, [], [1], "x", -1, 1.5, {}, True, 10**9])
@pytest.mark.parametrize("path", ["stage", "model", "settings", "settings.mel", "settings.model", "settings.schedule"])
def test_whatever_stands_in_a_config_the_error_is_a_sentence(saved, path, value):
    *above, last = path.split(".")
    content = json.loads((saved / "config.json").read_text())
    inner = content
    for key in above:
        inner = inner[key]
    inner[last] = value
    (saved / "config.json").write_text(json.dumps(content))
    with pytest.raises(InputError):
        read_checkpoint(saved, "encoder")


def test_an_unknown_setting_is_named(saved):
    content = json.loads((saved / "config.json").read_text())
    content["settings"]["model"]["heads"] = 4
    (saved / "config.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"config\.json: model has unknown settings heads; known are: hidden"):
        read_checkpoint(saved, "encoder")


@pytest.mark.parametrize("cut", [1, 200, 10_000])
def test_truncated_weights_are_named(saved, cut):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(
        InputError, match=r"model\.safetensors is not a whole safetensors file .*; copy or train it again"
    ):
        load_model(saved, "encoder")


def test_shapes_that_do_not_fit_are_named(saved):
    change_model = json.loads((saved / "config.json").read_text())
    change_model["settings"]["model"]["embedding"] = 5
    (saved / "config.json").write_text(json.dumps(change_model))
    with pytest.raises(InputError, match=r"does not fit its config\.json: .*linear\.weight is \(6, 8\), not \(5, 8\)"):
        load_model(saved, "encoder")


def test_missing_and_unknown_weights_are_named_and_not_all_of_them():
    network = torch.nn.Linear(2, 3)
    with pytest.raises(InputError, match=r"x does not fit its config\.json: bia_s is not known; bias is missing$"):
        load_weights(network, {"weight": torch.zeros(3, 2), "bia_s": torch.zeros(3)}, Path("x"))
    many = {f"key{i}": torch.zeros(1) for i in range(20)}
    with pytest.raises(InputError, match=r"; and 18 more$"):
        load_weights(network, many, Path("x"))


class Trap:
    """A pickle that, when opened, leaves a trace."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("form", ["pickle", "torch"])
def test_a_pickle_in_disguise_runs_nothing(saved, tmp_path, form):
    trace, path = tmp_path / "trace", saved / "model.safetensors"
    pickled = pickle.dumps(Trap(trace))
    path.write_bytes(pickled)
    if form == "torch":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickled)
    (saved / "last.safetensors").write_bytes(path.read_bytes())
    for read in (lambda: load_model(saved, "encoder"), lambda: load_tensors(saved / "last.safetensors")):
        with pytest.raises(InputError, match="is not a whole safetensors file"):
            read()
    assert not trace.exists()
    pickle.loads(pickled)
    assert trace.exists()  # so it would have


def test_a_file_instead_of_a_folder_is_explained(tmp_path):
    (tmp_path / "encoder.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"encoder\.pt is a file; a encoder checkpoint is a folder with config\.json"):
        read_checkpoint(tmp_path / "encoder.pt", "encoder")
