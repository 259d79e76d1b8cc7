import errno
import json
import signal
import threading
import time
from dataclasses import replace

import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from speech.errors import InputError
from tests.training.toys import ALONE, SCHEDULE, Adversary, Line, batch_at, batches, learn
from training import checkpoint, loop
from training.checkpoint import load_tensors, read_metadata
from training.journal import COSTS, Journal, plot_curves, read_journal
from training.laps import SHARES
from training.loop import Interrupted, RunningMean, clear_run, load_state, save_state, stop_requested

TASKS = pytest.mark.parametrize("kind", [Line, Adversary])


@pytest.fixture(autouse=True)
def no_curves(monkeypatch):
    """Drawing takes longer than learning; one test draws."""
    monkeypatch.setattr(loop, "plot_curves", lambda folder: None)


def learned(folder):
    """The journal but for what steps cost in time."""
    return [{key: value for key, value in line.items() if key not in COSTS} for line in read_journal(folder)]


def assert_same_run(one, other):
    assert learned(one) == learned(other)
    for name in ("last.safetensors", "model.safetensors"):
        ours, theirs = load_tensors(one / name), load_tensors(other / name)
        assert ours.keys() == theirs.keys()
        assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []
        assert read_metadata(one / name) == read_metadata(other / name)


def stopping(kind, at: int, number: int = signal.SIGINT):
    """A task during whose step `at` someone presses Ctrl-C."""

    pressed = []

    class Stopping(kind):
        def losses(self, batch, step):
            if step == at and not pressed:
                pressed.append(True)
                signal.raise_signal(number)
            yield from super().losses(batch, step)

    return Stopping()


# ---- learning


@pytest.mark.parametrize("changes", [{}, {"accumulate": 3}, {"ema": 0.9}, {"bf16": True}])
@TASKS
def test_it_learns(kind, changes, tmp_path):
    learn(kind(), tmp_path, replace(SCHEDULE, steps=120, validate_every=60, **changes))
    figure = "loss" if kind is Line else "distance"
    held_out = [line[figure] for line in read_journal(tmp_path) if line["kind"] == "held_out"]
    untrained = kind()
    untrained.networks["model"].eval()
    with torch.no_grad():
        before = untrained.validate([batch_at(10_000), batch_at(10_001)])[figure]
    assert len(held_out) == 2
    assert held_out[-1] < 0.5 * before


def test_it_is_a_hand_written_loop(tmp_path):
    task = Adversary()
    stream = batches(0)
    for step in range(10):
        torch.manual_seed(hash((0, step, 0)))
        batch = next(stream)
        for name, loss, _ in task.losses(batch, step):
            parameters = list(task.networks[name].parameters())
            task.optimizers[name].zero_grad()
            loss.backward(inputs=parameters)
            nn.utils.clip_grad_norm_(parameters, SCHEDULE.clip)
            task.optimizers[name].param_groups[0]["lr"] = SCHEDULE.learning_rate_at(step)
            task.optimizers[name].step()
    learn(Adversary(), tmp_path)
    found = load_tensors(tmp_path / "model.safetensors")
    assert all(torch.equal(found[key], value) for key, value in task.networks["model"].state_dict().items())


def test_accumulated_batches_are_one_large_batch(tmp_path):
    class Plain(Line):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.networks = {"model": nn.Linear(3, 1)}
            self.optimizers = {"model": torch.optim.Adam(self.networks["model"].parameters(), lr=1.0)}

    def large(step):
        while True:
            parts = [batch_at(2 * step), batch_at(2 * step + 1)]
            yield {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
            step += 1

    learn(Plain(), tmp_path / "two", replace(SCHEDULE, accumulate=2))
    learn(Plain(), tmp_path / "one", SCHEDULE, large)
    two, one = (load_tensors(tmp_path / name / "model.safetensors") for name in ("two", "one"))
    for key in one:
        torch.testing.assert_close(two[key], one[key])


def test_the_journal_tells_of_every_step(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "plot_curves", plot_curves)
    learn(Line(), tmp_path, replace(SCHEDULE, log_every=4, validate_every=5))
    lines = read_journal(tmp_path)
    assert [(line["step"], line["kind"]) for line in lines] == [
        (4, "train"), (5, "train"), (5, "held_out"), (8, "train"), (10, "train"), (10, "held_out")
    ]  # fmt: skip
    rates = [line["learning_rate"] for line in lines if line["kind"] == "train"]
    assert rates == pytest.approx([SCHEDULE.learning_rate_at(step - 1) for step in (4, 5, 8, 10)], abs=1e-7)
    assert all({"loss", "model_gradient_norm", *COSTS} <= line.keys() for line in lines[:2])
    assert (tmp_path / "samples/0000005/sample.txt").exists()
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("accumulate", [1, 2])
@TASKS
def test_the_journal_says_where_the_time_went(kind, accumulate, tmp_path):
    """Here into the forward pass; the shares are those of the time since the last line, validation left out."""

    class SlowForward(kind):
        def losses(self, batch, step):
            time.sleep(0.1)
            yield from super().losses(batch, step)

    learn(SlowForward(), tmp_path, replace(SCHEDULE, steps=2, accumulate=accumulate, validate_every=1))
    lines = [line for line in read_journal(tmp_path) if line["kind"] == "train"]
    assert len(lines) == 2
    for line in lines:
        shares = {name: line[name] for name in SHARES}
        assert all(share >= 0 for share in shares.values())
        assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
        assert max(shares, key=shares.get) == "forward_share"


def test_a_complaint_reaches_the_user(tmp_path, capsys):
    task = Line()
    task.complaint = lambda step, figures: f"at step {step} it does not learn"
    learn(task, tmp_path)
    assert "warning: at step 10 it does not learn" in "".join(capsys.readouterr())


# ---- stopping and going on


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}, {"accumulate": 2}, {"ema": 0.9, "accumulate": 2, "bf16": True}])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@TASKS
def test_ten_steps_are_five_a_stop_and_five(kind, number, changes, tmp_path):
    schedule = replace(SCHEDULE, **changes)
    learn(kind(), tmp_path / "whole", schedule)
    with pytest.raises(Interrupted) as stop:
        learn(stopping(kind, 4, number), tmp_path / "parts", schedule)
    assert stop.value.step == 5
    assert read_metadata(tmp_path / "parts/last.safetensors")["step"] == 5
    assert (tmp_path / "parts/model.safetensors").exists()
    learn(kind(), tmp_path / "parts", schedule)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_stop_in_the_last_step_is_no_stop(tmp_path):
    learn(stopping(Line, 9), tmp_path)
    assert read_metadata(tmp_path / "last.safetensors")["step"] == 10


def test_a_finished_run_stays_as_it_is_and_can_be_made_longer(tmp_path):
    learn(Line(), tmp_path)
    before = (tmp_path / "last.safetensors").read_bytes()
    learn(Line(), tmp_path)
    assert (tmp_path / "last.safetensors").read_bytes() == before
    learn(Line(), tmp_path, replace(SCHEDULE, steps=12))
    assert read_metadata(tmp_path / "last.safetensors")["step"] == 12
    assert [line["step"] for line in read_journal(tmp_path) if line["kind"] == "train"] == list(range(1, 13))


def test_a_second_ctrl_c_ends_at_once_and_handlers_come_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def press_twice():
        with stop_requested() as asked:
            assert not asked()
            signal.raise_signal(signal.SIGTERM)
            assert asked()
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_lines_after_the_last_checkpoint_are_dropped(tmp_path):
    """What a killed run wrote after its last checkpoint happens again."""
    learn(Line(), tmp_path / "whole")
    with pytest.raises(Interrupted):
        learn(stopping(Line, 4), tmp_path / "parts")
    with open(tmp_path / "parts/journal.jsonl", "a") as file:
        file.write('{"step": 6, "kind": "train", "loss": 99.0}\n{"step": 7, "ki')
    learn(Line(), tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_running_mean_may_begin_later(tmp_path):
    with pytest.raises(Interrupted):
        learn(stopping(Line, 4), tmp_path)
    task = Line()
    learn(task, tmp_path, replace(SCHEDULE, ema=0.99))
    mean, own = load_tensors(tmp_path / "model.safetensors"), task.networks["model"].state_dict()
    assert not torch.equal(mean["0.weight"], own["0.weight"])
    assert (mean["0.weight"] - own["0.weight"]).abs().max() < 0.5


def test_a_random_mean_of_other_weights_is_never_kept():
    network = nn.Linear(2, 1)
    mean = RunningMean(network, 0.999)
    with torch.no_grad():
        network.weight.fill_(3)
    for step in range(1, 100):
        mean.update(network, step)
    assert mean.tensors["weight"].sub(3).abs().max() < 1e-2
    with mean.applied(network):
        assert torch.equal(network.weight, mean.tensors["weight"])
    assert (network.weight == 3).all()


# ---- which weights are kept


def kept(figures, tmp_path) -> tuple[int, float]:
    """(step, best) after validations with these figures, one a step."""
    task = Line()
    values = iter(figures)
    task.validate = lambda held_out: {"loss": next(values)}
    learn(task, tmp_path, replace(SCHEDULE, steps=len(figures), validate_every=1))
    return read_metadata(tmp_path / "model.safetensors")["step"], read_metadata(tmp_path / "last.safetensors")["best"]


def test_the_best_weights_are_kept(tmp_path):
    assert kept([3.0, 1.0, 2.0, 1.5], tmp_path) == (2, 1.0)


def test_a_figure_that_is_no_number_is_never_the_best_for_long(tmp_path):
    assert kept([float("nan"), 3.0, 2.0], tmp_path / "first") == (3, 2.0)
    assert kept([3.0, float("nan"), 2.0, float("nan")], tmp_path / "later") == (3, 2.0)


def test_without_a_figure_the_newest_are_kept(tmp_path):
    learn(Adversary(), tmp_path, replace(SCHEDULE, validate_every=5))
    assert read_metadata(tmp_path / "model.safetensors")["step"] == 10


# ---- what goes wrong


def test_a_loss_that_is_no_number_is_a_sentence_and_saves_nothing(tmp_path):
    class Broken(Line):
        def losses(self, batch, step):
            for name, loss, figures in super().losses(batch, step):
                yield name, loss * (float("nan") if step == 6 else 1), figures

    with pytest.raises(InputError, match=r"became not a number by step 7; the last whole checkpoint .*learning_rate"):
        learn(Broken(), tmp_path, replace(SCHEDULE, validate_every=5))
    for name in ("last.safetensors", "model.safetensors"):
        assert read_metadata(tmp_path / name)["step"] == 5
        assert all(value.isfinite().all() for value in load_tensors(tmp_path / name).values())


def test_an_error_in_the_data_reaches_the_user(tmp_path):
    def broken(step):
        yield batch_at(0)
        raise InputError("shard-00001.safetensors is truncated")

    with pytest.raises(InputError, match=r"shard-00001\.safetensors is truncated"):
        learn(Line(), tmp_path, stream=broken)


def test_a_stopped_run_leaves_no_thread_behind(tmp_path):
    before = threading.active_count()
    with pytest.raises(Interrupted) as stop:
        learn(stopping(Line, 4), tmp_path)
    assert stop.traceback  # which holds on to all that the loop had
    assert threading.active_count() == before


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("I/O error: No space left on device")],
    ids=["numpy's", "safetensors'"],
)
def test_a_full_disk_keeps_what_was_there(tmp_path, monkeypatch, error):
    with pytest.raises(Interrupted):
        learn(stopping(Line, 4), tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in ("last.safetensors", "model.safetensors")}

    def full(tensors, path, metadata):
        path.write_bytes(b"half of it")
        raise error

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(InputError, match=r"No space left on device.*; what stood there is untouched"):
        learn(Line(), tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert [path for path in tmp_path.rglob("*") if "partial" in path.name] == []
    monkeypatch.undo()
    learn(Line(), tmp_path)
    assert read_metadata(tmp_path / "last.safetensors")["step"] == 10


def test_a_state_of_another_task_is_refused(tmp_path):
    save_state(Line(), None, tmp_path, 3, None)
    with pytest.raises(InputError, match=r"last\.safetensors does not fit"):
        load_state(Adversary(), None, tmp_path / "last.safetensors")


def test_forgetting_a_run(tmp_path):
    learn(Line(), tmp_path)
    (tmp_path / "notes.txt").touch()
    clear_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    clear_run(tmp_path / "never was")


def test_a_journal_cut_off_by_a_kill_is_read(tmp_path):
    journal = Journal(tmp_path, 0)
    journal.write(1, "train", {"loss": 1.0})
    with open(tmp_path / "journal.jsonl", "a") as file:
        file.write('{"step": 2, "kind": "tr')
    assert read_journal(tmp_path) == [{"step": 1, "kind": "train", "loss": 1.0}]
    Journal(tmp_path, 1).write(2, "train", {"loss": 0.5})
    assert [json.loads(line)["step"] for line in (tmp_path / "journal.jsonl").read_text().splitlines()] == [1, 2]
    assert ALONE.leads


def test_between_validations_the_state_is_saved_by_the_clock(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)

    class PowerCut(Line):
        def losses(self, batch, step):
            if step == 7:
                raise SystemError("the power is gone")
            yield from super().losses(batch, step)

    with pytest.raises(SystemError):
        learn(PowerCut(), tmp_path, replace(SCHEDULE, steps=20, validate_every=20))
    assert read_metadata(tmp_path / "last.safetensors")["step"] == 7
