"""python -m evaluation.speed ENCODER SYNTHESIZER VOCODER REFERENCE: how fast, and in how much memory, as JSON.

Cloning as a user does it, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from speech import command
from speech.errors import InputError

TEXTS = (
    "The last bus leaves the station at half past nine.",
    "Thick clouds gathered above the harbor late in the afternoon, and the boats came home.",
    "Nothing gives me more pleasure than a good book and a warm fire.",
)
REFERENCE_SECONDS = 10.0
ROOT = Path(__file__).parents[1]


def measure(encoder, synthesizer, vocoder, reference: Path) -> dict:
    """Run the command of this file and return what it prints: see `clone_and_time`."""
    given = (str(encoder), str(synthesizer), str(vocoder), str(reference))
    paths = [str(Path(each).resolve()) if Path(each).exists() else each for each in given]
    done = subprocess.run(
        [sys.executable, "-m", "evaluation.speed", *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise InputError(f"speed could not be measured: {said[-1] if said else 'no answer'}")
    return json.loads(done.stdout)


def clone_and_time(encoder: str, synthesizer: str, vocoder: str, reference: str) -> dict:
    """{"encoder", "synthesizer", "vocoder", "chain": real-time factors, "megabytes", "threads", "cores"}.

    A factor is seconds of work for a second of cloned sound, the median of the texts after one to warm up; the
    encoder's share is of embedding a reference of REFERENCE_SECONDS, which a user does once a voice.
    """
    import torch

    from cloning import Cloner
    from speech.waveform import Waveform

    cloner = Cloner.load(encoder=encoder, synthesizer=synthesizer, vocoder=vocoder, device="cpu")
    wave = Waveform.read(reference)
    wave = Waveform(wave.samples[: round(REFERENCE_SECONDS * wave.sample_rate)], wave.sample_rate)
    factors: dict[str, list[float]] = {"encoder": [], "synthesizer": [], "vocoder": [], "chain": []}
    for text in (TEXTS[0], *TEXTS):
        began = time.perf_counter()
        voice = cloner.voice(wave)
        seconds = {"encoder": time.perf_counter() - began}
        (clone,) = cloner.make([text], [voice], seed=0)
        seconds |= clone.seconds
        for stage, spent in seconds.items():
            factors[stage].append(spent / clone.wave.seconds)
        factors["chain"].append(sum(seconds.values()) / clone.wave.seconds)
    result = {stage: statistics.median(values[1:]) for stage, values in factors.items()}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return result | {"megabytes": peak_megabytes(), "threads": torch.get_num_threads(), "cores": cores}


def peak_megabytes() -> float:
    """Most memory this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that started this one
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser("python -m evaluation.speed", description=__doc__.partition("\n")[0])
    for stage in ("encoder", "synthesizer", "vocoder"):
        parser.add_argument(stage, help="a checkpoint's folder" + (", or griffin_lim" if stage == "vocoder" else ""))
    parser.add_argument("reference", help="a recording to clone")
    print(json.dumps(clone_and_time(**vars(parser.parse_args()))))


if __name__ == "__main__":
    command.main(main)
