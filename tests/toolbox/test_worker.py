"""Work in processes and threads, and how it ends."""

import os

import pytest

from tests.toolbox.conftest import WAIT
from tests.toolbox.jobs import Jobs
from toolbox import worker as worker_module
from toolbox.worker import CANCELLED, Background, Worker


@pytest.fixture
def worker(qtbot):
    made = Worker(Jobs)
    yield made
    made.close()


@pytest.fixture
def do(qtbot):
    """Have a desk do a job to the end; returns how it ended and with what, and what it reported."""

    def call(desk, *job):
        ended, told = [], []
        desk.do(
            *job,
            done=lambda answer: ended.append(("done", answer)),
            failed=lambda sentence: ended.append(("failed", sentence)),
            progress=lambda *figures: told.append(figures),
        )
        qtbot.waitUntil(lambda: bool(ended), timeout=WAIT)
        return ended[0], told

    return call


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_job_is_done_in_another_process_and_tells_how_far_it_is(worker, do):
    assert do(worker, "double", 21) == (("done", 42), [("half way", 21)])
    assert do(worker, "pid")[0][1] == worker.pid != os.getpid()


def test_bad_input_and_bugs_come_as_a_sentence_and_the_worker_goes_on(worker, do, capfd):
    assert do(worker, "refuse")[0] == ("failed", "it is too long; give a shorter one")
    assert do(worker, "break_down")[0] == ("failed", "that went wrong unexpectedly (KeyError: 'a bug')")
    assert "a bug" in capfd.readouterr().err  # for whoever mends it
    assert do(worker, "double", 1)[0] == ("done", 2)


def test_a_process_that_dies_is_told_and_replaced(worker, do):
    (kind, sentence), _ = do(worker, "die")
    assert kind == "failed"
    assert "exit code 7" in sentence
    assert do(worker, "double", 1)[0] == ("done", 2)


def test_cancelling_ends_the_running_job_and_drops_those_that_wait(worker, do, qtbot):
    told, ended = [], []
    worker.do("count", failed=ended.append, progress=lambda number: told.append(number))
    worker.do("double", 1, failed=ended.append, done=ended.append)
    qtbot.waitUntil(lambda: len(told) > 3, timeout=WAIT)
    process = worker.pid
    worker.cancel()
    qtbot.waitUntil(lambda: len(ended) == 2, timeout=WAIT)
    assert ended == [CANCELLED, CANCELLED]
    assert do(worker, "pid")[0][1] == process  # it stopped by itself: nothing has to be loaded again


def test_a_job_cancelled_at_once_is_not_done(worker, do, qtbot):
    ended = []
    worker.do("count", failed=ended.append)
    worker.cancel()
    qtbot.waitUntil(lambda: ended == [CANCELLED], timeout=WAIT)
    assert do(worker, "double", 1)[0] == ("done", 2)


def test_what_does_not_listen_is_killed(worker, do, qtbot, monkeypatch):
    monkeypatch.setattr(worker_module, "PATIENCE", 100)
    told, ended = [], []
    worker.do("sleep", failed=ended.append, progress=told.append)
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT)
    process = worker.pid
    worker.cancel()
    qtbot.waitUntil(lambda: ended == [CANCELLED], timeout=WAIT)
    assert not is_alive(process)
    assert do(worker, "double", 1)[0] == ("done", 2)


def test_closing_ends_a_busy_process_and_nothing_is_heard_of_it(worker, qtbot):
    told, ended = [], []
    worker.do("sleep", done=ended.append, failed=ended.append, progress=told.append)
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT)
    process = worker.pid
    worker.close()
    qtbot.waitUntil(lambda: not is_alive(process), timeout=WAIT)
    qtbot.wait(50)
    assert ended == []


def test_busy_is_told_once_for_jobs_in_a_row(qtbot, do):
    desk, told = Background(), []
    desk.busy.connect(told.append)
    desk.do(lambda: None)
    assert do(desk, lambda number: number + 1, 1)[0] == ("done", 2)
    assert told == [True, False]
    desk.close()
