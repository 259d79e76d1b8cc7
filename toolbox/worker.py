"""Work that must not hold up the window.

`Worker` is a process: torch, importing it, and UMAP's compiler hold Python's lock for seconds, so a thread would freeze
the window. A process can also be ended at any moment. `Background` is a thread, for reading files and opening devices.
Both do one job after another and answer in the window's thread.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from speech.errors import InputError

PATIENCE = 3000
"""Milliseconds that a cancelled job has to end by itself; then its process is ended."""
CANCELLED = "cancelled"
"""What a job that was cancelled fails with."""


class Cancelled(Exception):
    """Raised inside a job, by its report, when it is to end."""


@dataclass(eq=False)
class Job:
    function: str | Callable
    """Of the worker's object, by name; of a background thread, any."""
    arguments: tuple
    done: Callable
    """Called with the result."""
    failed: Callable
    """Called with one sentence."""
    progress: Callable
    """Called with whatever the job reports."""
    number: int = field(default_factory=itertools.count().__next__)
    cancelled: bool = False


def ignore(*anything) -> None:
    del anything


class Desk(QObject):
    """A queue of jobs and the thread that sees to them; what they answer arrives in the thread that made the desk."""

    busy = pyqtSignal(bool)
    _arrived = pyqtSignal(object, str, object)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting: list[Job] = []
        self._closed = False
        self._arrived.connect(self._answer)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting)

    def do(
        self,
        function: str | Callable,
        *arguments,
        done: Callable = ignore,
        failed: Callable = ignore,
        progress: Callable = ignore,
    ) -> Job:
        """Queue a job. Returns at once; exactly one of `done` and `failed` is called later."""
        job = Job(function, arguments, done, failed, progress)
        self._waiting.append(job)
        self._jobs.put(job)
        if len(self._waiting) == 1:
            self.busy.emit(True)
        return job

    def close(self) -> None:
        self._closed = True
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job in self._waiting and not self._closed:
                kind, answer = self._perform(job)
                if not self._closed:
                    self._arrived.emit(job, kind, answer)

    def _perform(self, job: Job) -> tuple[str, object]:
        return attempt(job.function, job.arguments)

    def _answer(self, job: Job, kind: str, answer) -> None:
        if self._closed or job not in self._waiting:
            return
        if kind == "progress":
            return job.progress(*answer)
        self._waiting.remove(job)
        try:
            (job.done if kind == "done" else job.failed)(answer)
        finally:
            if not self._waiting:
                self.busy.emit(False)


class Background(Desk):
    """A thread."""


class Worker(Desk):
    """A process in which `make()` makes an object whose methods are the jobs.

    It starts with the first job, and anew after it was killed or died. Each method gets a last argument, `report`,
    to tell progress with; when the job is cancelled, `report` raises.
    """

    def __init__(self, make: Callable[[], object], parent: QObject | None = None):
        self._make = make
        self._context = multiprocessing.get_context("spawn")
        self._process = self._connection = self._cancelling = None
        super().__init__(parent)

    def cancel(self) -> None:
        """End the running job, and drop those that wait."""
        if not self._waiting:
            return
        current, *dropped = self._waiting
        self._waiting = [current]
        current.cancelled = True
        with suppress(OSError, AttributeError):  # there is no process yet, or no longer
            self._cancelling.send(current.number)
        for job in dropped:
            job.failed(CANCELLED)
        QTimer.singleShot(PATIENCE, lambda: self._kill() if current in self._waiting else None)

    def close(self) -> None:
        """A busy process is ended; an idle one ends by itself when its connection does."""
        busy = self.is_busy
        super().close()
        if busy:
            self._kill()
        self._thread.join(timeout=2)
        if busy:
            self._kill()  # if it had just been starting
        elif self._connection:
            self._connection.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.is_alive() else None

    def _kill(self) -> None:
        if self._process and self._process.is_alive():
            self._process.kill()

    def _perform(self, job: Job) -> tuple[str, object]:
        if job.cancelled:
            return "failed", CANCELLED
        try:
            if self.pid is None:
                self._start()
            self._connection.send((job.number, job.function, job.arguments))
            while (message := self._connection.recv())[0] == "progress":
                if not self._closed:
                    self._arrived.emit(job, *message)
            return message
        except (EOFError, OSError):
            self._process.join()
            if job.cancelled:
                return "failed", CANCELLED
            code = self._process.exitcode
            return "failed", f"the work ended unexpectedly (exit code {code}); is there memory enough? try it again"

    def _start(self) -> None:
        self._connection, theirs = self._context.Pipe()
        cancelled, self._cancelling = self._context.Pipe(duplex=False)
        self._process = self._context.Process(target=_serve, args=(theirs, cancelled, self._make), daemon=True)
        self._process.start()
        theirs.close()
        cancelled.close()


def _serve(connection, cancelled, make: Callable[[], object]) -> None:
    """The process: job after job until the window has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the window's, which ends this process
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(os, "nice"):
        os.nice(10)  # the window answers first

    current = -1

    def report(*figures) -> None:
        while cancelled.poll():
            if cancelled.recv() == current:
                raise Cancelled
        connection.send(("progress", figures))

    target = make()
    try:
        while True:
            current, name, arguments = connection.recv()
            connection.send(attempt(getattr(target, name), (*arguments, report)))
    except (EOFError, OSError):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is leaving


def _leave(*_) -> None:
    """Tidily, and once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit()


def attempt(function: Callable, arguments: tuple) -> tuple[str, object]:
    """("done", its result) or ("failed", one sentence)."""
    try:
        return "done", function(*arguments)
    except InputError as error:
        return "failed", str(error)
    except Cancelled:
        return "failed", CANCELLED
    except (BrokenPipeError, EOFError):
        raise
    except Exception as error:  # a bug: the window lives on, the traceback goes to whoever started it
        traceback.print_exc(file=sys.stderr)
        return "failed", f"that went wrong unexpectedly ({type(error).__name__}: {error})"
