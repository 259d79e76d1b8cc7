"""python -m benchmarks: measure Timbre beside other projects, job by job."""

import argparse
import contextlib
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.measure import ROOT, Failed, machine
from benchmarks.rows import ROWS, Bench

DESCRIPTION = """\
Measure Timbre's speed and memory beside other projects, in alternating runs on this machine.

  python -m benchmarks
  python -m benchmarks --rtvc ~/Real-Time-Voice-Cloning --hifigan ~/hifi-gan
  python -m benchmarks --only vocode help --runs 9 --out /tmp/some.json

Without the checkouts, which are not part of Timbre, each job is compared with the same written plainly. Nothing else
should run meanwhile. Beside the JSON file, a table (.md) and a figure (.png) are written."""


def parse(words: list[str] | None = None) -> argparse.Namespace:
    width = max(len(row.name) for row in ROWS)
    names = "\n".join(f"  {row.name:<{width}}  {row.title}" for row in ROWS)
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m benchmarks", None, DESCRIPTION, f"rows:\n{names}", formatter_class=form)
    add = parser.add_argument
    add("--rtvc", type=Path, metavar="DIR", help="a checkout of CorentinJ/Real-Time-Voice-Cloning")
    add("--hifigan", type=Path, metavar="DIR", help="a checkout of jik876/hifi-gan")
    add("--only", nargs="+", metavar="NAME", choices=[row.name for row in ROWS], help="only these rows (names below)")
    add("--runs", type=int, default=5, metavar="N", help="pairs of runs a row, 2 or 3 of the slowest (default 5)")
    add("--clips", type=Path, metavar="DIR",
        help="a folder of recordings to measure with; default datasets_root/LibriSpeech or "
        "../shared/data/LibriSpeech if there is one, else tones are made")  # fmt: skip
    add("--models", type=Path, default=ROOT / "saved_models/default", metavar="DIR",
        help="the models whose memory is measured (default saved_models/default)")  # fmt: skip
    add("--tiny", action="store_true", help="small sizes, to see that everything runs; the ratios mean nothing")
    add("--out", type=Path, metavar="FILE",
        help="default benchmarks/results.json; with --only or --tiny, the table is only shown")  # fmt: skip
    arguments = parser.parse_args(words)
    for name, file in (("rtvc", "encoder_preprocess.py"), ("hifigan", "models.py")):
        folder = getattr(arguments, name)
        if folder and not (folder / file).is_file():
            parser.error(f"--{name}: {folder} is not its checkout: there is no {file} in it")
        setattr(arguments, name, folder and folder.resolve())
    if arguments.clips and not arguments.clips.is_dir():
        parser.error(f"--clips: {arguments.clips} is not a folder")
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")
    if not (arguments.out or arguments.only or arguments.tiny):
        arguments.out = ROOT / "benchmarks/results.json"
    return arguments


def usual_clips() -> Path | None:
    places = (ROOT / "datasets_root/LibriSpeech", ROOT.parent / "shared/data/LibriSpeech")
    return next((place for place in places if place.is_dir()), None)


def main(words: list[str] | None = None) -> int:
    arguments = parse(words)
    clips = arguments.clips or (None if arguments.tiny else usual_clips())
    results: dict = {"machine": machine(), "recordings": clips.name if clips else "tones", "tiny": arguments.tiny}
    results["rows"] = []
    if results["machine"]["load"] > 0.3:
        print(f"warning: other work runs on this machine (load {results['machine']['load']})", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="timbre-benchmarks-") as scratch:
        peers = {"rtvc": arguments.rtvc, "hifigan": arguments.hifigan}
        models = arguments.models.resolve()
        bench = Bench(Path(scratch), **peers, clips=clips, models=models, runs=arguments.runs, tiny=arguments.tiny)
        for row in ROWS:
            if arguments.only and row.name not in arguments.only:
                continue
            facts = {"name": row.name, "title": row.title, "unit": row.unit, "target": row.target, "most": row.most}
            print(f"{row.title} ...", file=sys.stderr, flush=True)
            try:
                facts = report.finish(facts | row.measure(bench))
            except Failed as failed:
                facts["error"] = str(failed)
            results["rows"].append(facts)
            if arguments.out:
                report.write(results, arguments.out)
    print(report.table(results))
    return 1 if any("error" in row for row in results["rows"]) else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that workers and files are cleared away
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
