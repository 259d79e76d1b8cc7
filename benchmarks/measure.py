"""Pairs of runs, commands with their peak memory, and the machine they ran on. Nothing heavy is imported here: a
process that has started is charged with at least the memory of the one that started it."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "asimd", "bf16")
"""Of the processor: those that decide how fast products of small numbers are."""


class Failed(Exception):
    """A row cannot be measured; the message says why."""


class Worker:
    """One side, as `worker.py` runs it."""

    def __init__(self, side: str, root: Path = ROOT):
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors, "text": True}
        self.process = subprocess.Popen(worker_command(side, root), **pipes)

    def ask(self, **order) -> dict:
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failed(_last_line(self.errors))
        return json.loads(answer)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            file.close()


def worker_command(side: str, root: Path = ROOT) -> list[str]:
    return [sys.executable, str(HERE / "worker.py"), str(HERE / f"{side}.py"), str(root)]


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    seconds: float
    cpu: float
    """Seconds of all cores together: where other work runs on the machine, these still tell something."""
    megabytes: float = 0.0
    """Peak resident memory."""


Side = Callable[[], Cost]


def compare(ours: Side, theirs: Side | None, pairs: int, of: str = "seconds") -> dict:
    """Each side once unmeasured, then A B A B ...: every pair saw the same machine. Ratios are theirs / ours."""
    sides = [side for side in (ours, theirs) if side]
    for side in sides:
        side()
    costs = [[side() for side in sides] for _ in range(pairs)]
    result: dict = {"ours": [getattr(pair[0], of) for pair in costs]}
    if theirs:
        result["theirs"] = [getattr(pair[1], of) for pair in costs]
        result["ratios"] = [b / a for a, b in zip(result["ours"], result["theirs"])]
        result["cpu ratio"] = statistics.median(b.cpu / max(a.cpu, 1e-9) for a, b in costs)
    return result


def compare_workers(ours: Worker, theirs: Worker, job: str, settings: dict, pairs: int, times: int = 1) -> dict:
    for worker in (ours, theirs):
        worker.ask(prepare=job, settings=settings)
    one, other = (lambda w=worker: Cost(**w.ask(run=times)) for worker in (ours, theirs))
    return compare(one, other, pairs)


def run_command(command: list[str], cwd: Path) -> Cost:
    """Run a command to its end. Raises Failed with the last line of what it said."""
    with tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if process.returncode:
            raise Failed(_last_line(errors))
    unit = 1 if platform.system() == "Darwin" else 1024
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def summarize(values: list[float]) -> dict:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def machine() -> dict:
    """What figures depend on."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    facts = dict(line.replace("\t", "").split(":", 1) for line in info.splitlines() if ":" in line)
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with Worker("ours") as worker:
        threads = worker.ask(call="threads", settings={})["threads"]
    return {
        "cpu": facts.get("model name", "").strip() or platform.processor() or platform.machine(),
        "cores": cores,
        "flags": [flag for flag in FLAGS if flag in flags],
        "threads": threads,
        "torch": version("torch"),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _last_line(errors) -> str:
    errors.seek(0)
    lines = errors.read().strip().splitlines()
    return lines[-1].strip() if lines else "it ended without a word"
