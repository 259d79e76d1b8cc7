"""A listening test over an evaluation's sounds: make its page, then sum up the answers.

python -m evaluation.mos page REPORT --out DIR      one page to send to listeners; they send back a CSV file
python -m evaluation.mos sum answers/*.csv          mean opinion scores and A/B/X rates, with 95 % intervals

Sounds are played blind and in an order of each listener's own. Opinions go from 1 (bad) to 5 (excellent), as in ITU-T
P.800. In an A/B/X trial, X is a recording of the speaker; A and B say the same words, one the recording or a copy of
it, one the clone, and the listener says which of the two sounds more like X's speaker.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
from collections import defaultdict
from pathlib import Path
from string import Template

from speech import command
from speech.errors import InputError

COLUMNS = ("listener", "test", "sound", "row", "against", "answer")
"""Of an answers file. test: mos or abx; row: what was judged; against: in abx, the other; answer: 1 to 5, or the row
that was chosen."""
SPEAKERS = 8
"""Most speakers in one test: each gives one sound a row and one A/B/X trial, some minutes of listening in all."""
OPINIONS = {str(number) for number in range(1, 6)}


def trials(clips: list[dict]) -> dict[str, list[dict]]:
    """{"mos": [{"id", "row", "file"}], "abx": [{"id", "x", "a", "b", "rows"}]} from the clips of a report.

    Of each speaker one sentence that there is of every row, the shortest text that has four words or more.
    """
    mos, abx = [], []
    for number, speaker in enumerate(sorted({clip["speaker"] for clip in clips})[:SPEAKERS]):
        own = [clip for clip in clips if clip["speaker"] == speaker]
        reference = next((clip for clip in own if clip["kind"] == "reference"), None)
        clones = [clip for clip in own if clip["kind"] == "clone"]
        if not clones:
            continue
        name = Path(_best(clones)["file"]).name
        same = [clip for clip in own if Path(clip["file"]).name == name and clip["kind"] != "reference"]
        mos += [{"id": f"{number}-{i}", "row": clip["row"], "file": clip["file"]} for i, clip in enumerate(same)]
        (clone,) = [clip for clip in same if clip["kind"] == "clone"]
        real = next((clip for clip in same if clip["kind"] == "real"), None)
        if reference and real:
            files = {"x": reference["file"], "a": real["file"], "b": clone["file"]}
            abx.append({"id": f"{number}-x", "rows": [real["row"], clone["row"]]} | files)
    return {"mos": mos, "abx": abx}


def make_page(report: Path, out: Path) -> Path:
    """Write OUT/listening.html from a report's folder, every sound inside. Raises InputError if it is none."""
    from evaluation.page import sound_data
    from speech.files import check_can_write, whole_file
    from speech.waveform import Waveform

    path = out / "listening.html"
    check_can_write(path)
    found = trials(_clips(report))
    if not found["mos"]:
        raise InputError(f"{report} holds no clones to listen to; make it with `python -m evaluation CORPUS --out DIR`")
    files = sorted({t["file"] for t in found["mos"]} | {t[k] for t in found["abx"] for k in "xab"})
    # Numbers for names: a listener who looks at the page's source learns little.
    numbers = {file: index for index, file in enumerate(files)}
    sounds = [sound_data(Waveform.read(report / file)) for file in files]
    mos = [{"id": t["id"], "row": t["row"], "sound": numbers[t["file"]]} for t in found["mos"]]
    abx = [{"id": t["id"], "rows": t["rows"]} | {k: numbers[t[k]] for k in "xab"} for t in found["abx"]]
    data = {"mos": mos, "abx": abx, "sounds": sounds, "columns": COLUMNS}
    template = (Path(__file__).parent / "listening.html").read_text(encoding="utf-8")
    with whole_file(path) as beside:
        # In a script element, only a closing tag would end the data early.
        beside.write_text(Template(template).substitute(data=json.dumps(data).replace("</", "<\\/")), encoding="utf-8")
    return path


def read_answers(paths: list[Path]) -> list[dict]:
    """Rows of answers files. Raises InputError naming the file and line that is none of ours."""
    answers = []
    for path in paths:
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                rows = csv.DictReader(file)
                if tuple(rows.fieldnames or ()) != COLUMNS:
                    raise InputError(f"{path} holds no answers: its first line must be {','.join(COLUMNS)}")
                for row in rows:
                    _check(row, f"{path}, line {rows.line_num}")
                    answers.append(row)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if not answers:
        raise InputError("there is not one answer in these files; send listening.html to somebody first")
    return answers


def summed(answers: list[dict]) -> str:
    """Two Markdown tables: mean opinion of each row, and how often each pair's second was chosen."""
    opinions, choices = defaultdict(list), defaultdict(list)
    for answer in answers:
        if answer["test"] == "mos":
            opinions[answer["row"]].append(int(answer["answer"]))
        else:
            choices[answer["row"], answer["against"]].append(answer["answer"] == answer["row"])
    listeners = len({answer["listener"] for answer in answers})
    lines = [f"{listeners} listener{'s' if listeners > 1 else ''}, {len(answers)} answers.", ""]
    if opinions:
        lines += ["| sounds | mean opinion, 95 % interval | answers |", "|---|---|---|"]
        for row, values in sorted(opinions.items(), key=lambda item: -statistics.mean(item[1])):
            lines.append(f"| {row} | {statistics.mean(values):.2f} ± {half_width(values):.2f} | {len(values)} |")
    if choices:
        lines += ["", "| more like the speaker | share, 95 % interval | answers |", "|---|---|---|"]
        for (row, against), values in sorted(choices.items()):
            low, high = wilson(sum(values), len(values))
            share = f"{sum(values) / len(values):.0%} ({low:.0%} to {high:.0%})"
            lines.append(f"| {row}, rather than {against} | {share} | {len(values)} |")
    return "\n".join(lines)


def half_width(values: list[float]) -> float:
    """Half the 95 % confidence interval of a mean, by Student's t; nan for a single value."""
    from scipy.stats import t

    if len(values) < 2:
        return math.nan
    return float(t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values)))


def wilson(successes: int, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson 1927)."""
    z = statistics.NormalDist().inv_cdf(0.975)
    share = successes / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _best(clones: list[dict]) -> dict:
    long = [clip for clip in clones if len(clip["text"].split()) >= 4]
    return min(long or clones, key=lambda clip: (len(clip["text"]), clip["file"]))


def _clips(report: Path) -> list[dict]:
    path = report / "report.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))["clips"]
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; make it with `python -m evaluation CORPUS --out DIR`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not an evaluation's report ({error})") from error


def _check(row: dict, where: str) -> None:
    good = {"mos": OPINIONS, "abx": {row["row"], row["against"]}}.get(row["test"] or "")
    if good is None or row["answer"] not in good:
        raise InputError(f"{where}: {row['answer']!r} is no answer to a test {row['test']!r}")


def main(words: list[str] | None = None) -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m evaluation.mos", description=__doc__, formatter_class=form)
    commands = parser.add_subparsers(dest="command", required=True)
    page = commands.add_parser("page", help="make a page for listeners from an evaluation's report")
    page.add_argument("report", type=Path, help="the folder that `python -m evaluation` wrote")
    page.add_argument("--out", type=Path, required=True, metavar="DIR", help="where listening.html is written")
    add = commands.add_parser("sum", help="sum up the answers that listeners saved").add_argument
    add("answers", type=Path, nargs="+", help="CSV files")
    arguments = parser.parse_args(words)
    if arguments.command == "page":
        print(f"{make_page(arguments.report, arguments.out)}: send it to listeners, and collect the CSV they save")
    else:
        print(summed(read_answers(arguments.answers)))


if __name__ == "__main__":
    command.main(main)
