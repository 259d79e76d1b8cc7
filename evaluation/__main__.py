"""python -m evaluation CORPUS --out FOLDER: how good are the models? See --help."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from speech import command

ROOT = Path(__file__).parents[1]
DESCRIPTION = """\
Measure three checkpoints on the speakers of an unpacked corpus, or of several, that they never heard.

  python -m evaluation datasets_root/held_out --out report
  python -m evaluation datasets_root/held_out --out report --vocoder saved_models/my_run/vocoder --speakers 20

Writes report.json, report.md and report.html. Stopped and run again, it uses what is finished; to
measure a part again, delete its file in DIR/parts."""
EPILOG = """\
Checkpoints do not record whom they learned from: that these speakers are new to them is yours to see to, by keeping
their folder out of every training. A listening test over the same sounds: python -m evaluation.mos --help"""


def parse(words: list[str] | None = None) -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m evaluation", None, DESCRIPTION, EPILOG, formatter_class=form)
    add = parser.add_argument
    add("corpora", nargs="+", metavar="CORPUS", help="unpacked speech of others; with transcripts more can be measured")
    add("--out", type=Path, required=True, metavar="DIR", help="where the report is written")
    default = ROOT / "saved_models/default"
    add("--models", type=Path, default=default, metavar="DIR", help="its three stages (default saved_models/default)")
    add("--encoder", type=Path, metavar="DIR", help="another encoder than MODELS/encoder")
    add("--synthesizer", type=Path, metavar="DIR", help="another synthesizer than MODELS/synthesizer")
    add("--vocoder", action="append", metavar="DIR|griffin_lim",
        help="the first makes the clones (default MODELS/vocoder), all make copies; give it several times")  # fmt: skip
    add("--judge", type=Path, default=ROOT / "saved_models/judge/encoder", metavar="DIR",
        help="a second encoder, which judges likeness (default saved_models/judge/encoder)")  # fmt: skip
    add(
        "--recognizer", default="pocketsphinx", metavar="NAME[:MODEL]", help="pocketsphinx (default), or whisper:FOLDER"
    )
    add("--speakers", type=int, default=10, metavar="N", help="speakers to clone (default 10)")
    add("--sentences", type=int, default=4, metavar="N", help="sentences of each (default 4)")
    add("--seed", type=int, default=0, help="of the choice of speakers and recordings, and of the clones (default 0)")
    arguments = parser.parse_args(words)
    for name in ("speakers", "sentences"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return arguments


def main(words: list[str] | None = None) -> None:
    arguments = parse(words)

    from evaluation.loading import Settings
    from evaluation.report import write
    from evaluation.run import evaluate
    from speech.files import check_can_write

    check_can_write(arguments.out / "report.json")
    encoder, synthesizer = (
        str(getattr(arguments, stage) or arguments.models / stage) for stage in ("encoder", "synthesizer")
    )
    vocoders = tuple(arguments.vocoder or [str(arguments.models / "vocoder")])
    settings = Settings(
        tuple(arguments.corpora), encoder, synthesizer, vocoders, str(arguments.judge), arguments.recognizer,
        arguments.speakers, arguments.sentences, arguments.seed,
    )  # fmt: skip
    facts = evaluate(settings, arguments.out)
    table = write(facts, arguments.out)
    print(table)
    for note in facts["notes"]:
        print(f"note: {note}", file=sys.stderr)
    print(f"{arguments.out / 'report.html'}: the whole report, with sounds and pictures")


if __name__ == "__main__":
    command.main(main)
