import csv
import json
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech import preparation
from speech.corpora import read_corpus
from speech.errors import InputError
from speech.preparation import LeftOut, clipped_share, prepare, read_checked
from speech.shards import PreparedCorpus, Shard
from speech.utterance import Utterance
from speech.waveform import Waveform
from tests.voices import voice

SETTINGS = {"rate": 8000, "mel": {"bands": 3}}


def features(utterance: Utterance, log: Path | None = None):
    """The recording at 8 kHz, as int16; says in `log` which it was asked for."""
    if log:
        with open(log, "a") as file:
            file.write(f"{utterance.id}\n")
    wave = read_checked(utterance, 8000, 0.5, 10)
    return np.round(wave.samples * 32767).astype(np.int16), wave.seconds, utterance.text


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[Utterance]:
    """Forty recordings: three shards."""
    folder = tmp_path_factory.mktemp("clips")
    return [
        Utterance(f"s{i % 4}/{i}", voice(i % 4, 0.6, take=i).write(folder / f"{i}.wav"), f"s{i % 4}", f"Text {i}.")
        for i in range(40)
    ]


def contents(out: Path) -> dict:
    """What every shard holds; its bytes are no measure, as safetensors does not keep metadata in order."""
    return {path.name: (Shard(path).metadata, Shard(path).data.tobytes()) for path in sorted(out.glob("*.safetensors"))}


def test_parallel_work_makes_what_serial_work_makes(clips, tmp_path):
    serial = prepare(clips, tmp_path / "serial", features, SETTINGS, jobs=1)
    parallel = prepare(clips, tmp_path / "parallel", features, SETTINGS, jobs=2)
    assert serial == parallel
    assert contents(tmp_path / "serial") == contents(tmp_path / "parallel")
    assert list(contents(tmp_path / "serial")) == [f"shard-0000{i}.safetensors" for i in range(3)]
    for name in ("report.json", "left_out.csv"):
        assert (tmp_path / "serial" / name).read_bytes() == (tmp_path / "parallel" / name).read_bytes()


def test_what_is_prepared_is_what_was_recorded(clips, tmp_path):
    report = prepare(clips, tmp_path / "x/encoder", features, SETTINGS, jobs=1)
    assert report == {"clips": 40, "speakers": 4, "hours": pytest.approx(40 * 0.6 / 3600), "left_out": {}, "shards": 3}
    assert json.loads((tmp_path / "x/encoder/report.json").read_text()) == report
    corpus = PreparedCorpus([tmp_path / "x"], "encoder", "")
    assert [record.id for record in corpus.records] == [clip.id for clip in clips]
    assert corpus.records[7].text == "Text 7."
    np.testing.assert_array_equal(corpus.array(29), features(clips[29])[0])
    assert (tmp_path / "x/encoder/left_out.csv").read_text() == "id,audio,reason,detail\n"


def test_a_second_run_makes_only_what_is_missing_or_changed(clips, tmp_path):
    log = tmp_path / "log"
    work = partial(features, log=log)
    out = tmp_path / "out"

    def asked(utterances=clips) -> list[str]:
        log.write_text("")
        prepare(utterances, out, work, SETTINGS, jobs=1)
        return log.read_text().split()

    ids = [clip.id for clip in clips]
    assert asked() == ids
    before = contents(out)
    times = {path: path.stat().st_mtime_ns for path in out.glob("*.safetensors")}
    assert asked() == []
    (out / "shard-00001.safetensors").unlink()
    assert asked() == ids[16:32]
    assert contents(out) == before
    assert (out / "shard-00000.safetensors").stat().st_mtime_ns == times[out / "shard-00000.safetensors"]
    changed = [*clips[:-1], replace(clips[-1], text="Another text.")]
    assert asked(changed) == ids[32:]
    assert Shard(out / "shard-00002.safetensors").records[-1].text == "Another text."
    cut = (out / "shard-00000.safetensors").read_bytes()[:-100]
    (out / "shard-00000.safetensors").write_bytes(cut)
    assert asked(changed) == ids[:16]
    assert asked(changed[:32]) == []
    assert sorted(contents(out)) == ["shard-00000.safetensors", "shard-00001.safetensors"]


def test_other_settings_are_refused_by_field(clips, tmp_path):
    prepare(clips[:3], tmp_path, features, SETTINGS, jobs=1)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"rate: 8000 there, 16000 asked\); choose another --out"):
        prepare(clips[:3], tmp_path, features, {**SETTINGS, "rate": 16000}, jobs=1)
    with pytest.raises(InputError, match=r"mel: {'bands': 3} there, {'bands': 4} asked"):
        prepare(clips[:3], tmp_path, features, {**SETTINGS, "mel": {"bands": 4}}, jobs=1)
    assert contents(tmp_path) == before


def bad_clips(folder: Path) -> dict[str, Path]:
    """Recordings by why they are left out."""
    good = voice(1, 1.0)
    paths = {name: folder / f"{name}.wav" for name in ["missing", "too short", "too long", "silent", "clipped", "text"]}
    voice(1, 0.3).write(paths["too short"])
    Waveform(np.tile(good.samples, 11), 16000).write(paths["too long"])
    Waveform(good.samples * np.float32(1e-4), 16000).write(paths["silent"])
    soundfile.write(paths["clipped"], np.clip(good.samples * 4, -1, 1), 16000)
    paths["text"].write_text("no sound")
    paths["not utf-8"] = folder / os.fsdecode(b"caf\xe9.wav")
    paths["not utf-8"].write_text("no sound either")
    return paths


def test_every_reason_is_reported(tmp_path):
    paths = bad_clips(tmp_path)
    good = [Utterance(f"good{i}", voice(i, 0.7).write(tmp_path / f"good{i}.wav"), "a") for i in range(2)]
    twice = Utterance("good0", tmp_path / "copy of good0.wav", "a")
    utterances = [good[0], *(Utterance(name, path, "b") for name, path in paths.items()), twice, good[1]]
    report = prepare(utterances, tmp_path / "out", features, SETTINGS, jobs=1)
    assert (report["clips"], report["speakers"]) == (2, 1)
    assert report["left_out"] == {
        "unreadable": 3, "too short": 1, "too long": 1, "silent": 1, "clipped": 1, "duplicate id": 1
    }  # fmt: skip
    with open(tmp_path / "out/left_out.csv", newline="", encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert {name: row["reason"] for name, row in rows.items()} == {
        **{name: name for name in ["too short", "too long", "silent", "clipped"]},
        **dict.fromkeys(["missing", "text", "not utf-8"], "unreadable"),
        "good0": "duplicate id",
    }
    assert rows["silent"]["audio"] == str(paths["silent"])
    assert rows["too short"]["detail"] == "0.30 s; at least 0.5 s are needed"
    assert rows["too long"]["detail"] == "11.0 s; at most 10 s are used"
    assert "dB of full scale; at least -60 dB" in rows["silent"]["detail"]
    assert "% of the samples are cut off" in rows["clipped"]["detail"]
    assert "missing.wav does not exist" in rows["missing"]["detail"]
    assert rows["good0"]["detail"] == f"{good[0].audio} has the same id; rename one of them"
    assert rows["not utf-8"]["audio"].endswith("caf\\udce9.wav")
    again = prepare(utterances, tmp_path / "out", features, SETTINGS, jobs=1)
    assert again == report


def test_reasons_of_a_stage_and_plain_input_errors_are_reported(tmp_path):
    def stage(utterance):
        raise LeftOut("no text", "none") if utterance.id == "a" else InputError("what a library said")

    utterances = [Utterance(name, tmp_path / name, "s") for name in "ab"]
    assert prepare(utterances, tmp_path / "out", stage, {}, jobs=1)["left_out"] == {"no text": 1, "unreadable": 1}


def test_loud_but_whole_recordings_are_not_clipped():
    wave = voice(3, 1.0)
    assert clipped_share(Waveform(wave.samples / np.abs(wave.samples).max(), 16000)) < 0.001
    assert clipped_share(Waveform(np.clip(wave.samples * 4, -1, 1), 16000)) > 0.01
    assert clipped_share(Waveform.silence(0, 16000)) == 0


# ---- the command line


def arguments(*words: str):
    import argparse

    parser = argparse.ArgumentParser()
    preparation.add_arguments(parser, "encoder")
    return parser.parse_args([*words, "--jobs", "1"])


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home with one recording in ~/mine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    voice(1, 1.0).write(tmp_path / "mine/ann/1.wav")
    return tmp_path


def test_home_is_understood(home, capsys):
    preparation.run(arguments("~/mine", "--out", "~/out"), "encoder", features, SETTINGS)
    assert (home / "out/encoder/shard-00000.safetensors").exists()
    assert "1 clips of 1 speakers" in capsys.readouterr().out
    preparation.run(arguments("~/mine"), "encoder", features, SETTINGS)
    assert (home / "datasets_root/prepared/mine/encoder/report.json").exists()
    assert not (home / "~").exists()


def test_reasons_are_printed_and_nothing_at_all_is_an_error(home, capsys):
    voice(1, 0.2).write(home / "mine/ann/2.wav")
    preparation.run(arguments("mine", "--out", "out"), "encoder", features, SETTINGS)
    printed = capsys.readouterr().out
    assert "left out: too short 1; each is listed in out/encoder/left_out.csv" in printed
    (home / "mine/ann/1.wav").unlink()
    with pytest.raises(InputError, match=r"no clip of mine could be used; out/encoder/left_out\.csv says why"):
        preparation.run(arguments("mine", "--out", "out"), "encoder", features, SETTINGS)


@pytest.mark.parametrize(
    ("module", "connect", "install"),
    [
        ("ray", preparation.connect_ray, "--backend ray needs a package that is not installed: pip install -r require"),
        ("distributed", preparation.connect_dask, "--backend dask needs a package that is not installed: pip install"),
    ],
)
def test_a_cluster_that_is_not_installed_is_named(monkeypatch, module, connect, install):
    monkeypatch.setitem(sys.modules, module, None)  # importing it raises
    with pytest.raises(InputError, match=install):
        connect(None)


def test_made_voices_pass_through_the_encoders_preparation(prepared_voices, voices_corpus):
    corpus = PreparedCorpus([prepared_voices], "encoder", "")
    assert len(corpus) == len(read_corpus(voices_corpus)) == 36
    assert len(corpus.speakers()) == 12
    assert corpus.array(0).shape[1] == 40
    assert corpus.array(0).dtype == np.float16
    assert all(record.length == pytest.approx(record.seconds * 100, abs=1) for record in corpus.records)
