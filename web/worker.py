"""The one thread that owns the models.

Every request at work has a place; when all are taken, the next is told that the service is busy. The worker makes the
next sentence of each waiting text, up to sixteen together, hands them over, and does the same again: short texts do
not wait for long ones, streams are heard from their first sentence on, and a text whose client has gone is dropped
between two sentences.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import threading
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cloning import Clone, Cloner, Voice, Waveform
from synthesizer.text import unknown_characters
from web.limits import BATCH, PATIENCE, PLACES
from web.metrics import Metrics
from web.problems import SENTENCES, Problem

log = logging.getLogger("web")


class Job:
    """A text on its way: the sentences still to be said, and those that were. Leave it when its client has gone."""

    def __init__(self, text: str, pieces: list, voice: Voice, seed: int, patience: float):
        self.pieces, self.of, self.voice, self.seed, self.patience = deque(pieces), len(pieces), voice, seed, patience
        self.left_out = unknown_characters(text)
        self.left = False
        self.entered, self.waited = time.perf_counter(), 0.0
        """When it came, and how long it then waited for the worker."""
        self._loop, self._made = asyncio.get_running_loop(), asyncio.Queue()

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_) -> None:
        self.left = True

    async def sentences(self) -> AsyncIterator[Clone]:
        """Each sentence as it is made, its pause after it. Joined they are what `Cloner.make` gives for the text."""
        for _ in range(self.of):
            try:
                made = await asyncio.wait_for(self._made.get(), self.patience)
            except asyncio.TimeoutError:
                sentence = f"no sound within {self.patience:g} s: too much to do; try again later, or with less text"
                raise Problem(503, sentence, retry_after=30) from None
            if isinstance(made, Problem):
                raise made
            yield made

    def hand_over(self, made: Clone | Problem) -> None:
        """Called by the worker's thread."""
        tell(self._loop, self._made.put_nowait, made)


class Worker:
    """Runs from `start` to `stop`; all methods but these two belong to the event loop."""

    def __init__(self, cloner: Cloner, metrics: Metrics, places: int = PLACES, patience: float = PATIENCE):
        self.cloner, self.metrics, self.places, self.patience = cloner, metrics, places, patience
        self.taken = 0
        self._pace = 1.0
        """Seconds a sentence took lately."""
        self._seed = 0
        """Of all texts that name none and wait together: one seed serves all that share a batch."""
        self._errands: deque[tuple[Callable, asyncio.Future]] = deque()
        self._jobs: deque[Job] = deque()
        self._changed, self._stopping = threading.Condition(), False
        self._thread = threading.Thread(target=self._run, name="models", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what has begun, then end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    @property
    def ready(self) -> bool:
        return self._thread.is_alive() and not self._stopping and self.taken < self.places

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold one of the places. Raises a Problem (429) if there is none."""
        if self.taken >= self.places:
            waiting = sum(len(job.pieces) for job in tuple(self._jobs) if not job.left)
            seconds = min(60, max(1, math.ceil(self._pace * waiting)))
            sentence = f"all {self.places} places are taken; try again in {seconds} s"
            raise Problem(429, sentence, retry_after=seconds)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(self, function: Callable, *arguments):
        """The result of a short errand with the models, made between two batches."""
        future = asyncio.get_running_loop().create_future()
        with self._changed:
            self._errands.append((lambda: function(*arguments), future))
            self._changed.notify()
        return await future

    def say(self, text: str, voice: Voice, seed: int | None = None) -> Job:
        """Put a text in the row. Raises InputError if nothing in it can be spoken."""
        if self.taken <= 1:  # nobody else is at work
            self._seed = secrets.randbelow(2**31)
        job = Job(text, self.cloner.pieces(text), voice, self._seed if seed is None else seed, self.patience)
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()
        return job

    def _run(self) -> None:
        while self._wait():
            while self._errands:
                self._do_errand(*self._errands.popleft())
            batch = self._next_batch()
            if batch:
                self._make(batch)
                self._jobs.extend(job for job in batch if job.pieces and not job.left)

    def _wait(self) -> bool:
        """Until there is something to do; False when there is nothing left and the worker shall end."""
        with self._changed:
            self._changed.wait_for(lambda: self._errands or self._jobs or self._stopping)
            return bool(self._errands or self._jobs)

    def _do_errand(self, errand: Callable, future: asyncio.Future) -> None:
        if future.cancelled():
            return
        try:
            result, settle = errand(), _set_result
        except Exception as error:
            result, settle = error, _set_exception
        tell(future.get_loop(), settle, future, result)

    def _next_batch(self) -> list[Job]:
        """The first jobs in the row, of the first one's seed."""
        chosen, others = [], []
        for _ in range(len(self._jobs)):
            job = self._jobs.popleft()
            if job.left:
                continue
            fits = not chosen or (len(chosen) < BATCH and job.seed == chosen[0].seed)
            (chosen if fits else others).append(job)
        self._jobs.extendleft(reversed(others))
        return chosen

    def _make(self, batch: list[Job]) -> None:
        """The next sentence of each."""
        began = time.perf_counter()
        pieces = [job.pieces.popleft() for job in batch]
        for job in batch:
            if job.of == len(job.pieces) + 1:
                job.waited = began - job.entered
        try:
            clones = self.cloner.make([piece.text for piece in pieces], [job.voice for job in batch], batch[0].seed)
        except Exception as error:
            log_inside(error)
            for job in batch:
                job.pieces.clear()
                job.hand_over(Problem(500, SENTENCES[500]))
            return
        for job, piece, clone in zip(batch, pieces, clones):
            job.hand_over(with_pause(clone, piece.pause if job.pieces else 0.0))
        self._pace = 0.8 * self._pace + 0.2 * (time.perf_counter() - began) / len(batch)
        self.metrics.batch.observe(len(batch))
        self.metrics.sound.inc(sum(clone.wave.seconds for clone in clones))


def with_pause(clone: Clone, seconds: float) -> Clone:
    if not seconds:
        return clone
    return replace(clone, wave=Waveform.join([clone.wave, Waveform.silence(seconds, clone.wave.sample_rate)]))


def log_inside(error: BaseException) -> None:
    """What went wrong and where, without the message: it might hold what a user wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    log.error("%s in %s", type(error).__name__, places or "?")


def tell(loop: asyncio.AbstractEventLoop, function: Callable, *arguments) -> None:
    """Call in the loop's thread; a loop that has ended has nobody left to tell."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, *arguments)


def _set_result(future: asyncio.Future, result) -> None:
    if not future.done():
        future.set_result(result)


def _set_exception(future: asyncio.Future, error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
