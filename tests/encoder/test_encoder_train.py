"""encoder_train.py as its users live with it: learning, stopping, killing, going on, starting anew, fine-tuning."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from speech.errors import InputError
from tests.voices import start_python, train_encoder, words
from training.checkpoint import load_model, load_tensors, read_metadata
from training.command import parser, run
from training.journal import read_journal

pytestmark = pytest.mark.usefixtures("no_umap")
STEPS = 120


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As in the processes started here: sums in another order would differ in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole(prepared_voices, tmp_path_factory) -> Path:
    """A run that nothing stopped."""
    with pytest.MonkeyPatch.context() as patch:
        from tests.stand_ins import umap

        patch.setitem(__import__("sys").modules, "umap", umap)
        return train_encoder("whole", prepared_voices, tmp_path_factory.mktemp("models"), f"schedule.steps={STEPS}")


def losses(folder: Path) -> list[tuple]:
    return [(line["step"], line["kind"], line["loss"]) for line in read_journal(folder)]


def assert_same_run(one: Path, other: Path) -> None:
    assert losses(one) == losses(other)
    for name in ("last.safetensors", "model.safetensors"):
        ours, theirs = load_tensors(one / name), load_tensors(other / name)
        assert [key for key in theirs if not torch.equal(ours[key], theirs[key])] == []


def wait_for(process, condition) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)


def arguments_of(*words_: str):
    return parser("encoder", "ge2e", "").parse_args([*words_])


# ---- learning


def test_made_voices_are_told_apart(whole):
    lines = read_journal(whole)
    train = [line["loss"] for line in lines if line["kind"] == "train"]
    assert len(train) == STEPS
    assert sum(train[-10:]) < 0.3 * sum(train[:10])
    (best,) = {read_metadata(whole / "model.safetensors")["held_out"]["eer"]}
    assert best < 0.3  # of speakers it never heard; chance is 0.5
    assert best == min(line["eer"] for line in lines if line["kind"] == "held_out")


def test_the_folder_holds_what_the_docs_say(whole):
    names = {path.name for path in whole.iterdir()}
    assert names >= {"config.json", "model.safetensors", "last.safetensors", "journal.jsonl", "samples", "curves.png"}
    assert (whole / f"samples/{STEPS:07d}/umap.png").read_bytes().startswith(b"\x89PNG")
    model, checkpoint = load_model(whole, "encoder")
    assert model.config.hidden == 24
    assert checkpoint.settings.schedule.steps == STEPS
    assert not [name for name in names if "partial" in name]


def test_settings_are_listed(capsys):
    assert run(arguments_of("x", "y", "--settings", "--set", "schedule.steps=5"), "encoder") == 0
    printed = capsys.readouterr().out.split("\n")
    assert "schedule.steps=5" in printed
    assert "model.hidden=256" in printed
    assert "mel.n_mels=40" in printed


# ---- stopping and going on


def test_ctrl_c_and_the_same_command_are_one_run(whole, prepared_voices, tmp_path):
    command = words("run", prepared_voices, tmp_path, f"schedule.steps={STEPS}")
    folder = tmp_path / "run/encoder"
    process = start_python("encoder_train.py", *command)
    wait_for(process, lambda: len(read_journal(folder)) >= 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    step = read_metadata(folder / "last.safetensors")["step"]
    assert 3 <= step < STEPS
    assert f"stopped at step {step}; everything is saved in {folder}: the same command goes on" in out
    assert "Traceback" not in err
    train_encoder("run", prepared_voices, tmp_path, f"schedule.steps={STEPS}")
    assert_same_run(folder, whole)


def test_a_killed_run_goes_on_from_a_whole_checkpoint(whole, prepared_voices, tmp_path, capsys):
    command = words("run", prepared_voices, tmp_path, f"schedule.steps={STEPS}")
    folder = tmp_path / "run/encoder"
    process = start_python("encoder_train.py", *command)
    wait_for(process, lambda: any(step > 62 for step, _, _ in losses(folder)))
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert read_metadata(folder / "last.safetensors")["step"] == 60
    assert load_tensors(folder / "last.safetensors")
    train_encoder("run", prepared_voices, tmp_path, f"schedule.steps={STEPS}")
    assert f"going on with {folder} on cpu" in capsys.readouterr().out
    assert_same_run(folder, whole)


def test_another_model_is_refused_by_field_and_a_longer_run_is_not(prepared_voices, tmp_path):
    folder = train_encoder("run", prepared_voices, tmp_path, "schedule.steps=2")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(InputError, match=r"started otherwise \(model.hidden: 24 there, 32 asked\); use --restart"):
        train_encoder("run", prepared_voices, tmp_path, "schedule.steps=2", "model.hidden=32")
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    train_encoder("run", prepared_voices, tmp_path, "schedule.steps=3")
    assert read_metadata(folder / "last.safetensors")["step"] == 3
    assert json.loads((folder / "config.json").read_text())["settings"]["schedule"]["steps"] == 3


def test_restart_forgets(prepared_voices, tmp_path):
    folder = train_encoder("run", prepared_voices, tmp_path, "schedule.steps=2")
    train_encoder("run", prepared_voices, tmp_path, "schedule.steps=1", "model.hidden=32", more=["--restart"])
    assert [line["step"] for line in read_journal(folder)] == [1, 1]
    assert [path.name for path in (folder / "samples").iterdir()] == ["0000001"]
    assert load_model(folder, "encoder")[0].config.hidden == 32


def test_finetuning_takes_the_weights_and_its_own_schedule(whole, prepared_voices, tmp_path, capsys):
    slow = ["schedule.warmup=1000", "schedule.learning_rate=1e-6", "schedule.final_learning_rate=1e-6"]
    more = ["--finetune", str(whole)]
    folder = train_encoder("tuned", prepared_voices, tmp_path, "schedule.steps=2", *slow, more=more)
    assert "starting" in capsys.readouterr().out
    lines = [line for line in read_journal(folder) if line["kind"] == "train"]
    assert [line["step"] for line in lines] == [1, 2]
    assert lines[0]["learning_rate"] < 1e-6
    ours, theirs = (load_tensors(path / "model.safetensors") for path in (folder, whole))
    assert all((ours[key] - theirs[key]).abs().max() < 1e-5 for key in theirs)
    # The same command goes on with this run, and does not begin it again.
    train_encoder("tuned", prepared_voices, tmp_path, "schedule.steps=3", *slow, more=more)
    assert "going on with" in capsys.readouterr().out
    assert [line["step"] for line in read_journal(folder) if line["kind"] == "train"] == [1, 2, 3]


def test_what_cannot_be_tuned_is_named(whole, prepared_voices, tmp_path):
    with pytest.raises(InputError, match="holds no encoder checkpoint"):
        train_encoder("a", prepared_voices, tmp_path, more=["--finetune", str(tmp_path)])
    shutil.copytree(whole, tmp_path / "other", ignore=shutil.ignore_patterns("samples"))
    config = tmp_path / "other/config.json"
    config.write_text(config.read_text().replace('"fmax": 8000', '"fmax": 7000'))
    with pytest.raises(InputError, match=r"other mel settings .*fmax: 7000 against 8000"):
        train_encoder("c", prepared_voices, tmp_path, more=["--finetune", str(tmp_path / "other")])
    with pytest.raises(InputError, match="does not fit"):
        train_encoder("b", prepared_voices, tmp_path, "model.hidden=32", more=["--finetune", str(whole)])


# ---- what cannot be


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ["schedule.batch=9"],
            r"9 speakers, and 8 are left to learn from \(4 are held out\); use --set schedule.batch=8",
        ),
        (["mel.n_mels=80"], "prepared with other mel settings .*n_mels: 40 prepared, 80 asked"),
        (["model.partial_frames=5000"], "at least 4 of them.* found 0 with clips of 5000 frames"),
        (["model.utterances=1"], "model.utterances must be at least 2; found 1"),
        (["model.hidden=0"], "model.hidden must be at least 1; found 0"),
        (["model.heads=3"], "no setting 'model.heads'; known are: model.hidden"),
    ],
)
def test_settings_that_do_not_fit_the_corpus_are_refused(prepared_voices, tmp_path, settings, said):
    with pytest.raises(InputError, match=said):
        train_encoder("run", prepared_voices, tmp_path, "schedule.steps=1", *settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["a/b", "", "..", "/tmp/x"])
def test_a_run_is_one_word(prepared_voices, tmp_path, name):
    with pytest.raises(InputError, match="a run's name"):
        train_encoder(name, prepared_voices, tmp_path, "schedule.steps=1")


def test_other_models_and_presets_are_listed(prepared_voices, tmp_path):
    for more, said in {("--model", "x"): "known are: .*ge2e", ("--preset", "x"): "known are: paper"}.items():
        with pytest.raises(InputError, match=said):
            train_encoder("run", prepared_voices, tmp_path, more=more)


def test_what_was_not_prepared_says_how(tmp_path):
    with pytest.raises(InputError, match=r"make one with `python -m encoder\.preprocess CORPUS`"):
        train_encoder("run", tmp_path / "nothing", tmp_path)
