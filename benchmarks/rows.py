"""What is compared. Each row measures one job of Timbre's beside the same job of another project's."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import ROOT, Cost, Failed, Side, Worker, compare, compare_workers, run_command, worker_command
from benchmarks.sounds import write_clips, write_corpus

SENTENCE = "A small boat sailed slowly past the old harbor wall at dawn."
"""Sixty characters."""
LONG_TEXT = " ".join([SENTENCE] * 8)[:500]
RTVC, HIFIGAN, PLAIN = "Real-Time-Voice-Cloning", "HiFi-GAN (jik876)", "the same written plainly, float32"
ALONE = "the same, one by one"


@dataclass
class Bench:
    """What all rows share."""

    scratch: Path
    rtvc: Path | None = None
    hifigan: Path | None = None
    clips: Path | None = None
    """A folder of recordings; None makes tones."""
    models: Path = ROOT / "saved_models/default"
    runs: int = 5
    tiny: bool = False
    made: dict = field(default_factory=dict)

    def size(self, full: int, tiny: int) -> int:
        return tiny if self.tiny else full

    def some_clips(self) -> list[str]:
        if "clips" not in self.made:
            self.made["clips"] = write_clips(self.scratch / "clips", self.size(64, 2), 5.0, self.clips)
        return self.made["clips"]

    def folder(self, name: str) -> Path:
        """An empty one."""
        shutil.rmtree(self.scratch / name, ignore_errors=True)
        (self.scratch / name).mkdir(parents=True)
        return self.scratch / name


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    target: float | None
    """The smallest ratio, theirs / ours, that is good enough; None where nothing is like it."""
    measure: Callable[[Bench], dict]
    """Returns what `compare` does, and "against"; "figures" and "note" where there is more to say. Raises Failed."""
    unit: str = "s"
    most: float | None = None
    """The largest of ours that is good enough, where that too was asked for."""


def in_workers(job: str, settings: dict, peer: str = "rtvc", pairs: int = 100, times: int = 1) -> Callable:
    """A row whose two sides have a function called `job`; settings that are functions ask the bench."""

    def measure(bench: Bench) -> dict:
        given = {key: value(bench) if callable(value) else value for key, value in settings.items()}
        checkout = getattr(bench, peer)
        side, root = (peer, checkout) if checkout else ("plain", ROOT)
        against = {"rtvc": RTVC, "hifigan": HIFIGAN, "plain": PLAIN}[side]
        with Worker("ours") as ours, Worker(side, root) as theirs:
            done = compare_workers(ours, theirs, job, given, min(bench.runs, pairs), bench.size(times, 1))
        return done | {"against": against}

    return measure


def preprocess(bench: Bench) -> dict:
    count = bench.size(400, 4)
    root = bench.folder("corpus")
    corpus = root / "LibriSpeech/train-other-500"
    seconds = write_corpus(corpus, count, bench.clips)

    def ours() -> Cost:
        out = bench.folder("prepared")
        return run_command([sys.executable, "-m", "encoder.preprocess", str(corpus.parent), "--out", str(out)], ROOT)

    def theirs() -> Cost:
        out = bench.folder("theirs")
        if bench.rtvc:
            script = ["--script", "encoder_preprocess.py", str(root), "-o", str(out), "-d", "librispeech_other"]
            return run_command([*worker_command("rtvc", bench.rtvc), *script], bench.rtvc)
        settings = json.dumps({"folder": str(corpus), "out": str(out / "mels")})
        return run_command([*worker_command("plain"), "--call", "preprocess", settings], ROOT)

    done = compare(ours, theirs, min(bench.runs, 5))
    report = json.loads((bench.scratch / "prepared/encoder/report.json").read_text())
    kept = len(list((bench.scratch / "theirs").rglob("*.npy")))
    figures = {"clips": count, "seconds of sound": round(seconds, 1), "kept": report["clips"], "kept by theirs": kept}
    if kept < 0.9 * count:
        raise Failed(f"the other side kept only {kept} of {count} clips; the comparison would mean nothing")
    return done | {"against": RTVC if bench.rtvc else PLAIN, "figures": figures}


def vocode(bench: Bench) -> dict:
    done = in_workers("vocode", {"frames": bench.size(431, 20)}, "hifigan")(bench)
    with Worker("ours") as worker:
        settings = {"clip": bench.some_clips()[0], "folder": str(bench.models)}
        figures = worker.ask(call="bfloat16_loss", settings=settings)
    return done | {"figures": figures, "note": "figures: mean absolute differences of log mels"}


def show_help(bench: Bench) -> dict:
    def ours() -> Cost:
        return run_command([sys.executable, "demo_cli.py", "--help"], ROOT)

    def theirs() -> Cost:
        command = [*worker_command("rtvc", bench.rtvc), "--script", "demo_cli.py", "--help"]
        return run_command(command, bench.rtvc)

    return compare(ours, theirs if bench.rtvc else None, bench.runs) | {"against": RTVC if bench.rtvc else None}


def in_voice(bench: Bench) -> dict:
    """Models and a recording to clone with."""
    for stage in ("encoder", "synthesizer", "vocoder"):
        if not (bench.models / stage / "model.safetensors").exists():
            raise Failed(f"{bench.models / stage} holds no trained {stage}; give --models DIR")
    reference = bench.models / "reference.flac"
    return {
        "models": str(bench.models),
        "reference": str(reference) if reference.exists() else bench.some_clips()[0],
    }


def clone(bench: Bench) -> dict:
    given = in_voice(bench) | {"text": SENTENCE}
    with Worker("ours") as ours:
        figures = ours.ask(call="clone_seconds", settings=given)
        if not bench.rtvc:
            ours.ask(prepare="clone", settings=given)
            done = compare(lambda: Cost(**ours.ask(run=1)), None, bench.runs)
            return done | {"against": None, "figures": figures}
        with Worker("rtvc", bench.rtvc) as theirs:
            models = _their_models(bench, theirs)
            theirs.ask(prepare="clone", settings=given | {"models": models, "frames": bench.size(400, 40)})
            ours.ask(prepare="clone", settings=given)
            sides = (lambda w=worker: Cost(**w.ask(run=1)) for worker in (ours, theirs))
            done = compare(*sides, min(bench.runs, bench.size(3, 1)))
    return done | {"against": RTVC, "figures": figures, "note": "theirs: untrained weights, cut off after 5 s"}


def first_sound(bench: Bench) -> dict:
    with Worker("ours") as worker:
        worker.ask(prepare="first_sound", settings=in_voice(bench) | {"text": LONG_TEXT})
        return compare(lambda: Cost(**worker.ask(run=1)), None, bench.runs) | {"against": None}


def many(bench: Bench) -> dict:
    given = in_voice(bench) | {"texts": [f"{SENTENCE[: 40 + i % 20]}." for i in range(bench.size(32, 2))]}
    with Worker("ours") as ours, Worker("ours") as alone:
        ours.ask(prepare="clone_many", settings=given | {"together": True})
        alone.ask(prepare="clone_many", settings=given | {"together": False})
        sides = (lambda w=worker: Cost(**w.ask(run=1)) for worker in (ours, alone))
        return compare(*sides, bench.runs) | {"against": ALONE}


def memory(bench: Bench) -> dict:
    reference = in_voice(bench)["reference"]
    took: dict[str, float] = {}

    def ours() -> Cost:
        models = [word for s in ("encoder", "synthesizer", "vocoder") for word in (f"--{s}", str(bench.models / s))]
        spoken = ["--reference", reference, "--text", SENTENCE, "--output", str(bench.scratch / "ours.wav")]
        cost = run_command([sys.executable, "demo_cli.py", *models, *spoken, "--seed", "1"], ROOT)
        took["seconds"] = cost.seconds
        return cost

    theirs = _their_memory(bench, reference, took) if bench.rtvc else None
    done = compare(ours, theirs, min(bench.runs, bench.size(2, 1)), "megabytes")
    note = "theirs: untrained weights of the sizes it ships, a sentence of 5 s"
    return done | {"against": RTVC if bench.rtvc else None, "figures": took, "note": note if bench.rtvc else ""}


def _their_memory(bench: Bench, reference: str, took: dict[str, float]) -> Side:
    with Worker("rtvc", bench.rtvc) as worker:
        models = _their_models(bench, worker)
    output = str(bench.scratch / "theirs.wav")
    settings = {"models": models, "reference": reference, "text": SENTENCE, "output": output}
    call = ["--call", "clone_once", json.dumps(settings | {"frames": bench.size(400, 40)})]

    def theirs() -> Cost:
        cost = run_command([*worker_command("rtvc", bench.rtvc), *call], bench.rtvc)
        took["seconds of theirs"] = cost.seconds
        return cost

    return theirs


def _their_models(bench: Bench, worker: Worker) -> str:
    models = str(bench.folder("rtvc-models"))
    worker.ask(call="make_models", settings={"folder": models, "reduction": 2})
    return models


def _synthesizer_step(preset: str) -> Callable:
    sizes = {"batch": lambda b: b.size(12, 2), "frames": lambda b: b.size(400, 8), "tokens": lambda b: b.size(80, 10)}
    return in_workers("synthesizer_step", sizes | {"preset": preset, "reduction": 2}, pairs=3)


_encoder_step = {"speakers": lambda b: b.size(64, 3), "utterances": lambda b: b.size(10, 2), "frames": 160}
_speak = {"preset": "paper", "text": SENTENCE, "frames": lambda b: b.size(400, 20), "reduction": 2}
_one, _many = (lambda b: b.some_clips()[:1]), (lambda b: b.some_clips())

ROWS = [
    Row("preprocess", "Encoder preprocessing, the whole command on the same files", 2.0, preprocess),
    Row("embed-one", "Embedding 5 s, pauses removed by both", 2.0,
        in_workers("embed", {"clips": _one, "trim": True}, times=10)),
    Row("embed-many", "Embedding 64 clips of 5 s, pauses removed by both", 4.0,
        in_workers("embed", {"clips": _many, "trim": True})),
    Row("embed-one-trimmed", "Embedding 5 s already without pauses", 2.0,
        in_workers("embed", {"clips": _one, "trim": False}, times=10)),
    Row("embed-many-trimmed", "Embedding 64 clips of 5 s already without pauses", 4.0,
        in_workers("embed", {"clips": _many, "trim": False})),
    Row("encoder-step", "Encoder training step, 64 x 10 x 160 frames", 2.0,
        in_workers("encoder_step", _encoder_step, pairs=3)),
    Row("synthesizer-step", "Synthesizer training step (paper), 12 x 400 frames, 80 characters, r = 2", 4.0,
        _synthesizer_step("paper")),
    Row("synthesizer-step-small", "Synthesizer training step (small), likewise", 4.0, _synthesizer_step("small")),
    Row("synthesize", "Synthesizer (paper) speaking 60 characters, 400 frames", 3.0,
        in_workers("synthesize", _speak)),
    Row("synthesize-small", "Synthesizer (small) speaking 60 characters, 400 frames", 3.0,
        in_workers("synthesize", _speak | {"preset": "small"})),
    Row("vocode", "HiFi-GAN v1, 5 s (431 frames)", 2.0, vocode),
    Row("hifigan-step", "HiFi-GAN v1 training step, 16 x 8192 samples", 3.0,
        in_workers("hifigan_step", {"batch": lambda b: b.size(16, 1), "samples": 8192}, "hifigan", pairs=2)),
    Row("wavernn", "WaveRNN, 5 s, folded", 10.0,
        in_workers("wavernn", {"frames": lambda b: b.size(400, 4), "folded": True}, pairs=3), most=2.0),
    Row("wavernn-unfolded", "WaveRNN, 1 s, one sample at a time", 6.0,
        in_workers("wavernn", {"frames": lambda b: b.size(80, 2), "folded": False}, pairs=2), most=2.0),
    Row("wavernn-step", "WaveRNN training step, 100 x 1000 samples", 4.0,
        in_workers("wavernn_step", {"batch": lambda b: b.size(100, 2), "samples": lambda b: b.size(1000, 200)},
                   pairs=2)),
    Row("clone", "The whole chain, default models, 60 characters, warm", 40.0, clone, most=0.5),
    Row("first-sound", "First sound of a text of 500 characters", None, first_sound, most=0.4),
    Row("many", "32 sentences at once", 3.0, many),
    Row("help", "demo_cli.py --help", 10.0, show_help),
    Row("memory", "Peak memory of a cloned sentence, the whole process", 1.3, memory, "MB"),
]  # fmt: skip
