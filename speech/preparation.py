"""From a corpus to shards: in parallel, resumable, on one machine or a cluster, with a report of what was left out.

A stage brings one function, Utterance -> features; reading, checking, packing and reporting are the same for all.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from speech.errors import InputError
from speech.files import whole_file
from speech.preparation_by_ray import connect_ray, each_by_ray
from speech.shards import LeftOutClip, Record, Shard, shard_metadata, write_shard
from speech.utterance import Utterance
from speech.waveform import Waveform

SHARD_SIZES = (16, 1000)
"""Fewest and most recordings of a shard; between them a corpus makes 32 shards, so that all cores have work."""


class LeftOut(Exception):
    """This recording cannot be used. `reason` is one of a few, for counting; `detail` says what was found."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


Features = Callable[[Utterance], tuple[np.ndarray, float, str | None]]
"""What a stage brings: an utterance's features (time, ...), seconds and text as it will be used; raises LeftOut."""


def prepare(
    utterances: list[Utterance],
    out: Path,
    features: Features,
    settings: dict,
    jobs: int = -1,
    backend: str = "loky",
) -> dict:
    """Write `utterances` to shards in the folder `out` and report.json, left_out.csv beside them. Returns the report.

    Run again after a stop, it makes only the shards that are missing or whose recordings have changed.
    Raises InputError if `out` holds shards made with other settings.
    """
    from tqdm import tqdm

    utterances, doubles = _without_doubles(utterances)
    size = int(np.clip(-(-len(utterances) // 32), *SHARD_SIZES))
    parts = [utterances[i : i + size] for i in range(0, len(utterances), size)]
    paths = [out / f"shard-{i:05d}.safetensors" for i in range(len(parts))]
    _refuse_other_settings(out, settings)
    for stale in set(out.glob("shard-?????.safetensors")) - set(paths):
        stale.unlink()
    todo = [(path, part) for path, part in zip(paths, parts) if not _is_done(path, part)]
    tasks = [(path, part, features, settings) for path, part in todo]
    done = len(utterances) - sum(len(part) for _, part in todo)
    with tqdm(total=len(utterances), initial=done, unit="clip", desc=f"preparing {out}") as bar:
        for count in each_by_ray(_write_part, tasks, jobs) if backend == "ray" else _by_joblib(tasks, jobs, backend):
            bar.update(count)
    return _report(out, paths, doubles)


def _by_joblib(tasks: list[tuple], jobs: int, backend: str) -> Iterable[int]:
    import joblib

    options = {} if backend == "dask" else {"return_as": "generator_unordered"}
    with joblib.parallel_config(backend=backend):
        yield from joblib.Parallel(n_jobs=jobs, **options)(joblib.delayed(_write_part)(*task) for task in tasks)


def _write_part(path: Path, part: list[Utterance], features: Features, settings: dict) -> int:
    import torch

    torch.set_num_threads(1)
    arrays, records, left_out = [], [], []
    start = 0
    for utterance in part:
        try:
            array, seconds, text = features(utterance)
        except (LeftOut, InputError) as error:
            reason, detail = (error.reason, error.detail) if isinstance(error, LeftOut) else ("unreadable", str(error))
            left_out.append(asdict(LeftOutClip(utterance.id, str(utterance.audio), reason, detail)))
            continue
        known = (text, utterance.split, utterance.emotion, utterance.language)
        records.append(Record(utterance.id, utterance.speaker, start, len(array), seconds, *known))
        arrays.append(array)
        start += len(array)
    metadata = {"settings": settings, "left_out": left_out, "source": _source(part)}
    write_shard(path, arrays, records, metadata)
    return len(part)


def _source(part: list[Utterance]) -> list:
    """What a shard was made from: another list means that the corpus has changed since."""
    return [[utterance.id, utterance.speaker, utterance.text] for utterance in part]


def _is_done(path: Path, part: list[Utterance]) -> bool:
    if not path.exists():
        return False
    try:
        return Shard(path).metadata["source"] == _source(part)
    except (InputError, KeyError):  # cut short by a copy, or no shard
        return False


def _without_doubles(utterances: list[Utterance]) -> tuple[list[Utterance], list[LeftOutClip]]:
    first: dict[str, Utterance] = {}
    doubles = []
    for utterance in utterances:
        if utterance.id in first:
            detail = f"{first[utterance.id].audio} has the same id; rename one of them"
            doubles.append(LeftOutClip(utterance.id, str(utterance.audio), "duplicate id", detail))
        else:
            first[utterance.id] = utterance
    return list(first.values()), doubles


def _refuse_other_settings(out: Path, settings: dict) -> None:
    settings = json.loads(json.dumps(settings))
    for path in sorted(out.glob("shard-?????.safetensors"))[:1]:
        try:
            found = shard_metadata(path).get("settings", {})
        except InputError:
            return
        wrong = [
            f"{key}: {found.get(key)} there, {value} asked"
            for key, value in settings.items()
            if found.get(key) != value
        ]
        if wrong:
            raise InputError(
                f"{out} was prepared with other settings ({'; '.join(wrong)}); "
                f"choose another --out or delete the folder"
            )


def _report(out: Path, paths: list[Path], doubles: list[LeftOutClip]) -> dict:
    left_out = [asdict(clip) for clip in doubles]
    seconds, speakers, count = 0.0, set(), 0
    for path in paths:
        metadata = shard_metadata(path)
        left_out += metadata["left_out"]
        seconds += sum(record["seconds"] for record in metadata["records"])
        speakers |= {record["speaker"] for record in metadata["records"]}
        count += len(metadata["records"])
    reasons = dict(Counter(clip["reason"] for clip in left_out).most_common())
    report = {
        "clips": count,
        "speakers": len(speakers),
        "hours": seconds / 3600,
        "left_out": reasons,
        "shards": len(paths),
    }
    with whole_file(out / "report.json") as beside:
        beside.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    as_text = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}  # a file's name need not be UTF-8
    with whole_file(out / "left_out.csv") as beside, open(beside, "w", **as_text) as file:
        writer = csv.DictWriter(file, ["id", "audio", "reason", "detail"])
        writer.writeheader()
        writer.writerows(left_out)
    return report


def read_checked(
    utterance: Utterance, sample_rate: int, shortest: float, longest: float, quietest: float = -60.0
) -> Waveform:
    """The recording at `sample_rate`, or LeftOut: unreadable, too short, too long, silent or clipped."""
    try:
        wave = Waveform.read(utterance.audio)
    except InputError as error:
        raise LeftOut("unreadable", str(error)) from error
    if wave.seconds < shortest:
        raise LeftOut("too short", f"{wave.seconds:.2f} s; at least {shortest:g} s are needed")
    if wave.seconds > longest:
        raise LeftOut("too long", f"{wave.seconds:.1f} s; at most {longest:g} s are used")
    if wave.loudness < quietest:
        raise LeftOut("silent", f"{wave.loudness:.0f} dB of full scale; at least {quietest:g} dB are needed")
    share = clipped_share(wave)
    if share > 0.002:
        raise LeftOut("clipped", f"{share:.1%} of the samples are cut off at full scale")
    return wave.at(sample_rate)


def clipped_share(wave: Waveform) -> float:
    """Share of samples that sit at the recording's own extreme, beside another that does: flat tops."""
    peak = np.abs(wave.samples).max(initial=0)
    if peak < 0.95:
        return 0.0
    flat = np.abs(wave.samples) >= peak * 0.9995
    return float(np.mean(flat[1:] & flat[:-1]))


def add_arguments(parser: argparse.ArgumentParser, stage: str) -> None:
    """The arguments that every `python -m <stage>.preprocess` takes."""
    parser.add_argument(
        "corpus", type=Path, help="the unpacked corpus, e.g. datasets_root/LibriTTS, or a folder of your own"
    )
    parser.add_argument(
        "--reader", metavar="NAME", help="how to read it (librispeech, vctk, folder, ...); found out if not given"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR",
        help=f"the prepared folder, whose {stage}/ takes the shards; default datasets_root/prepared/<corpus name>",
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, default=-1, help="processes; default: one a core")
    parser.add_argument(
        "--backend", default="loky", choices=["loky", "ray", "dask"],
        help="loky is this machine; clusters: ray (pip install -r requirements-ray.txt), dask (dask[distributed])",
    )  # fmt: skip
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="address of the Ray or Dask cluster; default: start one here"
    )


def run(arguments: argparse.Namespace, stage: str, features: Features, settings: dict) -> None:
    """Read the corpus, prepare it for a stage, and print the report."""
    from speech.corpora import read_corpus

    if arguments.backend == "ray":
        connect_ray(arguments.cluster)
    elif arguments.backend == "dask":
        connect_dask(arguments.cluster)
    utterances = list(read_corpus(arguments.corpus, arguments.reader))
    # A shell leaves the ~ of --out=~/prepared as it is.
    root = arguments.out or Path("datasets_root/prepared") / arguments.corpus.expanduser().resolve().name
    root = root.expanduser()
    report = prepare(utterances, root / stage, features, settings, arguments.jobs, arguments.backend)
    print(f"{report['clips']} clips of {report['speakers']} speakers, {report['hours']:.2f} hours, in {root / stage}")
    if report["left_out"]:
        reasons = ", ".join(f"{reason} {count}" for reason, count in report["left_out"].items())
        print(f"left out: {reasons}; each is listed in {root / stage / 'left_out.csv'}")
    if not report["clips"]:
        raise InputError(f"no clip of {arguments.corpus} could be used; {root / stage / 'left_out.csv'} says why")


def connect_dask(address: str | None) -> None:
    """Make joblib know a Dask cluster, or start one here."""
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "--backend dask needs a package that is not installed: pip install 'dask[distributed]'"
        ) from error
    Client(address)
