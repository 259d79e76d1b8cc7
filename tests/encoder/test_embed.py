"""python -m encoder.embed and python -m encoder.projection."""

import os
import sys

import numpy as np
import pytest
import torch

from encoder import embed, projection
from encoder.models.ge2e import Config, Model
from speech.errors import InputError
from speech.mel import ENCODER_MEL
from speech.shards import shard_metadata
from speech.waveform import Waveform
from tests.voices import voice, write_sound_corpus
from training.checkpoint import read_checkpoint, save_tensors, write_config
from training.config import Settings
from training.schedule import Schedule

NOISE = Waveform((0.05 * np.random.default_rng(0).standard_normal(9000)).astype(np.float32), 22050)
"""0.4 s that hold no speech."""


@pytest.fixture
def encoder(tmp_path):
    """A checkpoint of random weights."""
    folder = tmp_path / "models/encoder"
    config = Config(hidden=16, layers=1, embedding=16)
    torch.manual_seed(1)
    write_config(folder, "encoder", "ge2e", Settings(ENCODER_MEL, config, Schedule()), {})
    save_tensors(folder / "model.safetensors", Model(config, ENCODER_MEL).state_dict(), {"step": 3})
    return folder


@pytest.fixture
def prepared(tmp_path):
    """Two shards of sound at 22050 Hz; `anna` has a clip without speech."""
    sounds = {
        "anna": [voice(1, 2.0, 22050, take=i) for i in range(2)] + [NOISE],
        "ben": [voice(2, 1.0, 22050), voice(2, 5.0, 22050, take=1)],
    }
    folder = write_sound_corpus(tmp_path / "prepared", sounds)
    return write_sound_corpus(folder, {"carl": [voice(3, 2.0, 22050)]}, "shard-00001.safetensors")


def run(monkeypatch, main, *arguments):
    monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments), "--device", "cpu"])
    main()


def read(prepared, index: int = 0) -> np.ndarray:
    from safetensors.numpy import load_file

    return load_file(prepared / f"synthesizer/embeddings-{index:05d}.safetensors")["data"]


def test_embeddings_stand_beside_the_shards(prepared, encoder, monkeypatch, capsys):
    run(monkeypatch, embed.main, prepared, "--encoder", encoder)
    assert f"6 embeddings by {encoder} (step 3) stand beside the shards" in capsys.readouterr().out
    found = read(prepared)
    assert found.shape == (5, 16)
    assert read(prepared, 1).shape == (1, 16)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    metadata = shard_metadata(prepared / "synthesizer/embeddings-00000.safetensors")
    assert metadata["ids"] == ["anna-0", "anna-1", "anna-2", "ben-0", "ben-1"]
    assert metadata["encoder"] == read_checkpoint(encoder, "encoder").fingerprint
    # A clip that holds no speech has its speaker's voice.
    mean = found[0] + found[1]
    np.testing.assert_allclose(found[2], mean / np.linalg.norm(mean), atol=1e-5)
    same = voice(2, 5.0, 22050, take=1)
    torch.manual_seed(1)
    alone = Model(Config(hidden=16, layers=1, embedding=16), ENCODER_MEL).eval().embed([same])[0]
    np.testing.assert_allclose(found[4], alone, atol=2e-2)


def test_a_second_run_makes_only_what_is_missing_or_of_another_encoder(prepared, encoder, monkeypatch):
    paths = [prepared / f"synthesizer/embeddings-{i:05d}.safetensors" for i in range(2)]

    def made() -> list[bool]:
        for path in paths:
            if path.exists():
                os.utime(path, (1, 1))
        run(monkeypatch, embed.main, prepared, "--encoder", encoder)
        return [path.stat().st_mtime > 1 for path in paths]

    assert made() == [True, True]
    assert made() == [False, False]
    paths[1].unlink()
    assert made() == [False, True]
    paths[0].write_bytes(paths[0].read_bytes()[:-10])
    assert made() == [True, False]
    save_tensors(encoder / "model.safetensors", Model(Config(16, 1, 16), ENCODER_MEL).state_dict(), {"step": 4})
    assert made() == [True, True]
    assert not [path for path in paths[0].parent.iterdir() if "partial" in path.name]


def test_a_shard_without_speech_is_embedded_all_the_same(tmp_path, encoder, monkeypatch):
    """A corpus of 17 short clips has a second shard of one."""
    prepared = write_sound_corpus(tmp_path / "short", {"anna": [NOISE], "ben": [Waveform(NOISE.samples[::-1], 22050)]})
    run(monkeypatch, embed.main, prepared, "--encoder", encoder)
    found = read(prepared)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_what_was_not_prepared_says_how(tmp_path, encoder, monkeypatch):
    with pytest.raises(
        InputError, match=r"holds no prepared corpus; make one with `python -m synthesizer\.preprocess CORPUS`"
    ):
        run(monkeypatch, embed.main, tmp_path, "--encoder", encoder)
    write_sound_corpus(tmp_path, {"a": [voice(1, 1.0, 22050)]})
    with pytest.raises(InputError, match="nothing holds no encoder checkpoint"):
        run(monkeypatch, embed.main, tmp_path, "--encoder", tmp_path / "nothing")


# ---- the map of voices


@pytest.mark.parametrize("speakers", [1, 3, 5, 40])
def test_a_map_is_drawn_of_any_number_of_voices(tmp_path, speakers):
    """By UMAP itself, which is slow to start."""
    rng = np.random.default_rng(0)
    made = rng.standard_normal((speakers, 16)) + 0.1 * rng.standard_normal((2, speakers, 16))
    made = (made / np.linalg.norm(made, axis=-1, keepdims=True)).reshape(-1, 16).astype(np.float32)
    projection.plot(made, [f"s{i}" for i in range(speakers)] * 2, tmp_path / "umap.png", "voices")
    picture = (tmp_path / "umap.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 5000
    points = projection.project(made)
    assert points.shape == (2 * speakers, 2)
    assert np.isfinite(points).all()


def test_a_map_keeps_alike_voices_together():
    rng = np.random.default_rng(1)
    centers = np.repeat(rng.standard_normal((4, 16)), 10, axis=0)
    points = projection.project((centers + 0.05 * rng.standard_normal((40, 16))).astype(np.float32))
    groups = points.reshape(4, 10, 2)
    within = np.linalg.norm(groups - groups.mean(axis=1, keepdims=True), axis=-1).mean()
    apart = np.linalg.norm(groups.mean(axis=1)[:, None] - groups.mean(axis=1)[None], axis=-1)
    assert within < 0.5 * apart[np.triu_indices(4, 1)].min()


def test_the_command_draws_a_prepared_corpus(prepared_voices, encoder, tmp_path, monkeypatch, capsys, no_umap):
    out = tmp_path / "map.svg"
    run(
        monkeypatch, projection.main, prepared_voices, "--encoder", encoder, "--out", out, "--speakers", 5, "--clips", 2
    )
    assert "10 clips of 5 speakers drawn in" in capsys.readouterr().out
    assert "<svg" in out.read_text()


def test_a_map_is_a_picture(tmp_path, no_umap):
    with pytest.raises(InputError, match=r"a picture is written as \.png, \.svg or \.pdf"):
        projection.plot(np.eye(5), list("abcde"), tmp_path / "map.txt", "x")
