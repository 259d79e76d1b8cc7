"""What was found, written three times: report.json for machines, report.md to paste, report.html to look and listen."""

from __future__ import annotations

import json
from pathlib import Path

from evaluation.targets import targets
from speech.files import whole_file

COLUMNS = (
    ("wer", "WER", "{:.1%}", "word error rate by the recognizer"),
    ("cer", "CER", "{:.1%}", "character error rate by the recognizer"),
    ("target", "likeness", "{:.2f}", "cosine similarity to the speaker, by the judge"),
    ("other", "to others", "{:.2f}", "cosine similarity to the other speakers, by the judge"),
    ("sv_eer", "SV-EER", "{:.1%}", "equal error rate of verifying the sounds against the speakers' real recordings"),
    ("pesq", "PESQ", "{:.2f}", "PESQ-WB against the recording, at 16 kHz"),
    ("stoi", "STOI", "{:.3f}", "short-time objective intelligibility against the recording, at 16 kHz"),
    ("mcd", "MCD", "{:.2f} dB", "mel-cepstral distortion against the recording of the same words"),
    ("f0_rmse", "F0 RMSE", "{:.0f} ct", "root mean square pitch difference from that recording, in cents, after DTW"),
    ("voicing_error", "voicing", "{:.1%}", "share of paired frames where only one of the two is voiced"),
    ("dnsmos", "DNSMOS", "{:.2f}", "overall, from 1 to 5"),
)
"""(key, heading, format, what it is) of the big table."""
NOTHING = "–"


def write(facts: dict, out: Path) -> str:
    """Write the three files. Returns the short table, as Markdown."""
    from evaluation.page import page

    reached = targets(facts)
    facts = facts | {"targets": [vars(target) for target in reached]}
    texts = {
        "report.json": json.dumps(facts, indent=1, ensure_ascii=False) + "\n",
        "report.md": markdown(facts, reached),
        "report.html": page(facts, reached, out),
    }
    for name, text in texts.items():
        with whole_file(out / name) as beside:
            beside.write_text(text, encoding="utf-8")
    return short_table(reached)


def short_table(reached: list) -> str:
    lines = ["| what | wanted | reached | |", "|---|---|---|---|"]
    lines += [f"| {t.what} | {t.wanted} | {t.reached} | {mark(t.met)} |" for t in reached]
    return "\n".join(lines)


def mark(met: bool | None) -> str:
    return {True: "yes", False: "**no**", None: NOTHING}[met]


def big_table(facts: dict) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of texts: a row for each kind of sound, then the clones against a wrong speaker."""
    rows = [
        [title, *(_cell(_flat(row), key, form) for key, _, form, _ in COLUMNS)] for title, row in facts["rows"].items()
    ]
    clones = next((_flat(row) for row in facts["rows"].values() if row["kind"] == "clone"), {})
    if clones.get("other") is not None:
        wrong = {"target": clones["other"]}
        rows.append(["clones, against a wrong speaker", *(_cell(wrong, key, form) for key, _, form, _ in COLUMNS)])
    kept = [i for i in range(len(COLUMNS) + 1) if i == 0 or any(row[i] != NOTHING for row in rows)]
    headings = ["", *(heading for _, heading, *_ in COLUMNS)]
    return [headings[i] for i in kept], [[row[i] for i in kept] for row in rows]


def encoder_table(verified: dict) -> list[list[str]]:
    """Rows of texts: seconds, equal error rates, speakers, trials."""
    rows = []
    for seconds, found in verified.items():
        if "eer" not in found:
            rows.append([f"{seconds} s", "skipped: " + found["skipped"], NOTHING, NOTHING, NOTHING])
            continue
        trials = f"{found['same']} same, {found['different']} different"
        rows.append(
            [f"{seconds} s", f"{found['eer']:.1%}", f"{found['centroid_eer']:.1%}", f"{found['speakers']}", trials]
        )
    return rows


ENCODER_HEADINGS = ["speech", "EER, one against one", "EER, one against the mean of others", "speakers", "trials"]
TAUGHT = (
    ("mel_mse", "MSE of log mels"), ("mel_mae", "MAE of log mels"), ("diagonality", "diagonality of the attention"),
    ("coverage", "coverage of the text"), ("stop_error", "stop error"),
)  # fmt: skip


def other_facts(facts: dict) -> list[tuple[str, list[tuple[str, str]]]]:
    """Small tables: (title, [(what, figure)])."""
    tables = []
    if facts["synthesizer"]:
        rows = [(name, f"{facts['synthesizer'][key]:.3f}") for key, name in TAUGHT if key in facts["synthesizer"]]
        title = f"Synthesizer, teacher-forced on {facts['synthesizer']['recordings']} recordings"
        tables.append((title, rows))
    if facts["speed"]:
        speed = facts["speed"]
        rows = [
            (f"real-time factor, {stage}", f"{speed[stage]:.3f}") for stage in ("encoder", "synthesizer", "vocoder")
        ]
        rows += [("real-time factor, whole chain", f"{speed['chain']:.3f}")]
        rows += [("peak memory of a process that clones", f"{speed['megabytes']:.0f} MB")]
        rows += [("threads of torch", str(speed["threads"])), ("cores there were", str(speed["cores"]))]
        tables.append(("Speed", rows))
    if facts["hard_texts"]:
        hard = facts["hard_texts"]
        rows = [("sentences", str(len(hard["sentences"]))), ("without a fault", f"{hard['faultless']:.0%}")]
        rows += [(fault, str(count)) for fault, count in hard["counts"].items()]
        tables.append(("Hard texts", rows))
    return tables


def markdown(facts: dict, reached: list) -> str:
    about = facts["about"]
    headings, rows = big_table(facts)
    lines = ["# Evaluation", "", short_table(reached), "", summary(facts), ""]
    lines += [f"- {note}" for note in facts["notes"]]
    lines += ["", "## Sounds", "", *_table(headings, rows), ""]
    lines += [f"- {heading}: {what}" for _, heading, _, what in COLUMNS if heading in headings]
    if facts["encoder"]:
        lines += ["", "## Encoder", "", *_table(ENCODER_HEADINGS, encoder_table(facts["encoder"]))]
    for title, table in other_facts(facts):
        lines += ["", f"## {title}", "", *_table(["", ""], [list(row) for row in table])]
    lines += ["", "## How", "", facts["definitions"]["mcd"], ""]
    lines += [f"- {name}: {value}" for name, value in about_lines(about)]
    return "\n".join(lines) + "\n"


def about_lines(about: dict) -> list[tuple[str, str]]:
    lines = [("date", about["date"]), ("commit", about["commit"] or "not a git checkout")]
    for stage, facts in about["checkpoints"].items():
        step = f", step {facts['step']}" if "step" in facts else ""
        lines.append((stage, f"{facts.get('model', facts['folder'])} {facts['fingerprint']}{step}"))
    settings = about["settings"]
    lines.append(
        ("settings", f"{settings['speakers']} speakers, {settings['sentences']} sentences, seed {settings['seed']}")
    )
    lines.append(("corpora", ", ".join(Path(each).name for each in settings["corpora"])))
    lines.append(("speakers", ", ".join(about["speakers"])))
    lines.append(("recognizer", about["recognizer"] or "none"))
    lines.append(("packages", ", ".join(f"{name} {version}" for name, version in about["packages"].items())))
    lines.append(("machine", f"{about['machine']['system']}, Python {about['machine']['python']}"))
    return lines


def summary(facts: dict) -> str:
    clones = next((row for row in facts["rows"].values() if row["kind"] == "clone"), {"sounds": 0})
    return (
        f"{clones['sounds']} clones of {len(facts['about']['speakers'])} speakers. That the models never heard these "
        f"speakers is for their recipe to see to: checkpoints do not record whom they learned from."
    )


def _flat(row: dict) -> dict:
    return row | row.get("likeness", {})


def _cell(row: dict, key: str, form: str) -> str:
    return NOTHING if row.get(key) is None else form.format(row[key])


def _table(headings: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"| {' | '.join(headings)} |", "|" + "---|" * len(headings)]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
