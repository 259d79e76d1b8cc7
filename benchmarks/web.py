"""python -m benchmarks.web: the web service under load, on loopback.

A service of its own is started, with the models given. It is timed until ready and until the first sound of a stream;
then one client asks again and again; then many ask at once for a while, some of whom go away midway and some of whom
send rubbish. The client side runs on the same cores and takes its share of them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
SHORT = ["Good morning.", "Thank you very much.", "See you tomorrow at seven.", "The train is late again."]
LONG = (
    "The harbor lay quiet in the early light. A few boats came in with their nets still wet. "
    "Nobody spoke, and the gulls, for once, were silent too."
)
WAV_HEADER, PATIENCE = 44, 180.0
FIGURES = ("sound_seconds_total", "batch_sentences_count", "batch_sentences_sum")
LEAVE, RUBBISH, LONG_SHARE, UPLOADS = 0.1, 0.1, 0.3, 0.05
"""Shares of the requests."""


@dataclass
class Tally:
    statuses: Counter = field(default_factory=Counter)
    sound: float = 0.0
    """Seconds delivered."""
    waits: list[float] = field(default_factory=list)
    """Of whole answers."""
    left: int = 0
    unanswered: int = 0


def parse() -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m benchmarks.web", description=__doc__, formatter_class=form)
    add = parser.add_argument
    add("--seconds", type=float, default=60, help="of load (default 60)")
    add("--clients", type=int, default=100, help="at once (default 100)")
    add("--alone", type=float, default=20, help="seconds with one client, to compare with (default 20)")
    add("--models", type=Path, default=ROOT / "saved_models/default", metavar="DIR")
    return parser.parse_args()


def start(models: Path, folder: Path) -> tuple[subprocess.Popen, str, float]:
    """The service, its address, and the seconds until it was ready."""
    began, log = time.perf_counter(), folder / "log"
    command = [sys.executable, "-m", "web", "--port", "0", "--models", str(models.resolve())]
    with log.open("w") as file:
        process = subprocess.Popen([*command, "--voices", str(folder / "voices")], cwd=ROOT, stderr=file)
    while "ready at" not in log.read_text():
        if process.poll() is not None:
            raise SystemExit(f"the service did not start: {log.read_text()}")
        time.sleep(0.02)
    url = log.read_text().split("ready at ")[1].split()[0]
    httpx.get(f"{url}/readyz").raise_for_status()
    return process, url, time.perf_counter() - began


def first_sound(url: str, pid: int) -> tuple[float, float]:
    """Median seconds from asking for a stream to its first samples, and the service's processor time in them."""
    times = []
    for _ in range(7):
        began, worked = time.perf_counter(), processor_time(pid)
        with httpx.stream("POST", f"{url}/v1/audio/speech", json=order("Good morning. " + LONG), timeout=60) as answer:
            pieces = answer.iter_bytes()
            next(pieces)
            times.append((time.perf_counter() - began, processor_time(pid) - worked))
            for _ in pieces:  # or the next would wait for the rest of this one
                pass
    return tuple(map(statistics.median, zip(*times)))


def processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def order(text: str) -> dict:
    return {"model": "timbre", "voice": "default", "input": text, "response_format": "wav"}


def some_text(rng: random.Random) -> str:
    return LONG if rng.random() < LONG_SHARE else rng.choice(SHORT)


def rubbish(rng: random.Random) -> dict:
    """A request that must be refused with a 4xx."""
    form = {"text": "Hi.", "consent": "true"}
    return rng.choice(
        [
            {"url": "/v1/audio/speech", "content": b"{", "headers": {"content-type": "application/json"}},
            {"url": "/v1/audio/speech", "json": order("") | {"voice": "nobody"}},
            {"url": "/api/clone", "data": form, "files": {"recording": ("x.wav", b"no sound at all")}},
            {"url": "/api/clone", "content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            {"url": "/v1/voices", "data": {"name": "../me"}},
        ]
    )


def honest(rng: random.Random, reference: bytes) -> dict:
    if rng.random() < UPLOADS:
        form = {"text": some_text(rng), "consent": "true"}
        files = {"recording": ("me.flac", reference)}
        return {"url": "/api/clone", "data": form, "files": files, "headers": {"Accept": "audio/*"}}
    return {"url": "/v1/audio/speech", "json": order(some_text(rng))}


async def client(url: str, seed: int, until: float, tally: Tally, reference: bytes, spoiled: bool) -> None:
    """Asks once, and again until time is up, and waits for its last answer."""
    rng = random.Random(f"client {seed}")
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
        for asked in itertools.count():
            if asked and time.perf_counter() >= until:
                break
            draw = rng.random() if spoiled else 1.0
            if draw < LEAVE:
                try:
                    await asyncio.wait_for(http.post(**honest(rng, reference)), rng.uniform(0.05, 3))
                except asyncio.TimeoutError:
                    pass
                except httpx.HTTPError:
                    tally.unanswered += 1
                tally.left += 1
                continue
            bad = draw < LEAVE + RUBBISH
            began = time.perf_counter()
            try:
                answer = await http.post(**(rubbish(rng) if bad else honest(rng, reference)))
            except httpx.HTTPError:
                tally.unanswered += 1
                continue
            tally.statuses[f"rubbish {answer.status_code}" if bad else answer.status_code] += 1
            if answer.status_code == 200:
                rate = int.from_bytes(answer.content[24:28], "little")
                tally.sound += (len(answer.content) - WAV_HEADER) / 2 / rate
                tally.waits.append(time.perf_counter() - began)
            elif answer.status_code == 429:
                wait = float(answer.headers["retry-after"]) * rng.uniform(0.5, 1)
                await asyncio.sleep(min(wait, max(0.0, until - time.perf_counter())))


def resident(pid: int) -> float:
    """Megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the service has died")


async def load(url: str, pid: int, clients: int, seconds: float, reference: bytes, spoiled: bool) -> dict:
    tally, began, worked, before = Tally(), time.perf_counter(), processor_time(pid), figures(url)
    memory: dict[int, float] = {}

    async def watch():
        for second in range(int(seconds) + 1):
            await asyncio.sleep(max(0.0, began + second - time.perf_counter()))
            memory[second] = resident(pid)

    asking = [client(url, seed, began + seconds, tally, reference, spoiled) for seed in range(clients)]
    await asyncio.gather(watch(), *asking)
    elapsed, worked, after = time.perf_counter() - began, processor_time(pid) - worked, figures(url)
    made, batches, sentences = (after[f"timbre_{name}"] - before[f"timbre_{name}"] for name in FIGURES)
    run = {"tally": tally, "elapsed": elapsed, "worked": worked, "memory": memory}
    return run | {"made": made, "batch": sentences / max(batches, 1)}


def figures(url: str) -> dict[str, float]:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def main() -> None:
    arguments = parse()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{cores} core(s), load {os.getloadavg()[0]:.1f}, torch threads by OMP_NUM_THREADS", flush=True)
    reference = (ROOT / "saved_models/default/reference.flac").read_bytes()
    with tempfile.TemporaryDirectory(prefix="timbre-load-") as folder:
        process, url, ready = start(arguments.models, Path(folder))
        try:
            print(f"start to ready: {ready:.1f} s, {processor_time(process.pid):.1f} s of processor time", flush=True)
            seconds, worked = first_sound(url, process.pid)
            print(f"first sound of a stream, idle: {seconds:.2f} s, {worked:.2f} s of processor time", flush=True)
            alone = asyncio.run(load(url, process.pid, 1, arguments.alone, reference, False))
            print(f"one client at a time: {in_words(alone)}", flush=True)
            many = asyncio.run(load(url, process.pid, arguments.clients, arguments.seconds, reference, True))
            report(many, alone, process)
            httpx.get(f"{url}/readyz").raise_for_status()
        finally:
            process.terminate()
            process.wait()


def paces(run: dict) -> tuple[float, float]:
    """Seconds of sound delivered a second; and made a second of the service's processor time, which other work on the
    machine hardly takes from, and which counts what was made for clients who then left."""
    return run["tally"].sound / run["elapsed"], run["made"] / run["worked"]


def in_words(run: dict) -> str:
    delivered, made = paces(run)
    return f"{delivered:.2f} s of sound delivered a second; {made:.2f} s made a second of processor time"


def report(many: dict, alone: dict, process: subprocess.Popen) -> None:
    tally, memory = many["tally"], many["memory"]
    waits = sorted(tally.waits) or [0.0]
    by_clock, by_work = (with_many / with_one for with_many, with_one in zip(paces(many), paces(alone)))
    print(f"many clients, {many['elapsed']:.0f} s: {in_words(many)}; {many['batch']:.1f} sentences a batch")
    print(f"that is {by_clock:.2f} x one at a time by the clock, {by_work:.2f} x by processor time")
    print(f"answers: {dict(sorted(tally.statuses.items(), key=str))}; left {tally.left}; unanswered {tally.unanswered}")
    print(f"whole answers took {statistics.median(waits):.1f} s (median), {waits[-1]:.1f} s (longest)")
    third, last = memory[max(memory) // 3], memory[max(memory)]
    shown = ", ".join(f"{second} s {memory[second]:.0f} MB" for second in memory if second % 10 == 0)
    print(f"memory: {shown}; from a third of the time to its end {100 * (last / third - 1):+.1f} %")
    print("the service is alive" if process.poll() is None else f"THE SERVICE DIED ({process.returncode})")


if __name__ == "__main__":
    main()
