"""report.html: one file that plays and shows everything, with nothing to fetch from anywhere."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from evaluation import pictures, report
from speech.waveform import Waveform

SPEAKERS_SHOWN = 6
HARD_SHOWN = 16


def page(facts: dict, reached: list, out: Path) -> str:
    """The page's HTML; sounds are read from `out`."""
    headings, rows = report.big_table(facts)
    parts = {
        "targets": _targets(reached),
        "subtitle": escape(report.summary(facts)),
        "notes": _notes(facts["notes"]),
        "rows": table(headings, rows) + _legend(headings),
        "encoder": _encoder(facts),
        "likeness": _likeness(facts),
        "others": "".join(
            f"<section class=card><h3>{escape(title)}</h3>{table(None, some)}</section>"
            for title, some in report.other_facts(facts)
        ),
        "sounds": _sounds(facts, out),
        "hard": _hard(facts, out),
        "how": f"<p>{escape(facts['definitions']['mcd'])}</p>" + table(None, report.about_lines(facts["about"])),
    }
    template = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    return Template(template).substitute(parts)


def table(headings: list[str] | None, rows: list) -> str:
    head = "".join(f"<th>{escape(each)}" for each in headings) if headings else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in row) for row in rows)
    return f"<div class=wide><table>{f'<thead><tr>{head}</thead>' if head else ''}<tbody>{body}</tbody></table></div>"


def player(wave: Waveform) -> str:
    return f'<audio controls preload="none" src="{sound_data(wave)}"></audio>'


def sound_data(wave: Waveform) -> str:
    """A sound as a data URI of Ogg Opus: some 6 kB a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = wave.write(Path(folder) / "sound.opus")
        return "data:audio/ogg;base64," + base64.b64encode(path.read_bytes()).decode()


def picture(draw: Callable[[Path], None], description: str, kind: str = "") -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        draw(path)
        return _image(path, description, kind)


def _image(path: Path, description: str, kind: str = "") -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img class="{kind}" alt="{escape(description)}" src="data:image/png;base64,{data}">'


def _targets(reached: list) -> str:
    words = {True: "reached", False: "missed", None: "not measured"}
    cards = []
    for target in reached:
        state = words[target.met]
        cards.append(
            f'<div class="target {state.replace(" ", "-")}"><b>{escape(target.what)}</b>'
            f"<p class=figure>{escape(target.reached)}</p><p>wanted: {escape(target.wanted)}</p>"
            f"<span class=state>{state}</span></div>"
        )
    return "".join(cards)


def _notes(notes: list[str]) -> str:
    if not notes:
        return ""
    return "<ul class=notes>" + "".join(f"<li>{escape(note)}" for note in notes) + "</ul>"


def _legend(headings: list[str]) -> str:
    shown = [(heading, what) for _, heading, _, what in report.COLUMNS if heading in headings]
    return "<p class=small>" + " · ".join(f"<b>{escape(h)}</b> {escape(w)}" for h, w in shown) + "</p>"


def _encoder(facts: dict) -> str:
    if not facts["encoder"]:
        return "<p>Not measured.</p>"
    shown = {seconds: found for seconds, found in facts["encoder"].items() if "eer" in found}
    drawn = {}
    if shown:
        caption = "Detection error trade-off: each curve is one length of speech, nearer the corner is better."
        drawn[caption] = picture(lambda path: pictures.draw_det(shown, path), "DET curves")
    return table(report.ENCODER_HEADINGS, report.encoder_table(facts["encoder"])) + _pictures(drawn)


def _likeness(facts: dict) -> str:
    rows = {title: row["likeness"] for title, row in facts["rows"].items() if row.get("likeness")}
    rows = {title: found for title, found in rows.items() if found["targets"] and found["others"]}
    drawn = {}
    if rows:
        caption = "Every sound against its speaker and against the others, and the means."
        drawn[caption] = picture(lambda path: pictures.draw_similarities(rows, path), "similarities of each row")
    laid = facts["likeness"]["map"]
    if laid:
        points = np.array(laid["points"])
        make = lambda path: pictures.draw_map(points, laid["speakers"], laid["kinds"], path)  # noqa: E731
        drawn["UMAP of real and cloned utterances: good clones lie among their speaker's recordings."] = picture(
            make, "UMAP of real and cloned utterances"
        )
    return _pictures(drawn) if drawn else "<p>Not measured.</p>"


def _pictures(drawn: dict[str, str]) -> str:
    """Pictures by caption, side by side where there is room."""
    figures = (
        f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>" for caption, image in drawn.items()
    )
    return f"<div class=pictures>{''.join(figures)}</div>"


def _sounds(facts: dict, out: Path) -> str:
    """Of each speaker the reference, and of one sentence the recording, its copies and the clone."""
    blocks = []
    for speaker in facts["about"]["speakers"][:SPEAKERS_SHOWN]:
        own = [clip for clip in facts["clips"] if clip["speaker"] == speaker]
        titles = dict.fromkeys(clip["row"] for clip in own)
        firsts = [next(clip for clip in own if clip["row"] == title) for title in titles]
        text = next((clip["text"] for clip in firsts if clip["kind"] == "clone"), None)
        cells = "".join(_cell(clip, out) for clip in firsts)
        blocks.append(
            f"<section class=card><h3>{escape(speaker)}</h3><p class=said>{escape(text or '')}</p>"
            f"<div class=cells>{cells}</div></section>"
        )
    return "".join(blocks)


def _cell(clip: dict, out: Path) -> str:
    wave = Waveform.read(out / clip["file"])
    shown = picture(lambda path: pictures.draw_spectrogram(wave, path), f"spectrogram of {clip['row']}", "spectrogram")
    if clip["alignment"] and (out / clip["alignment"]).exists():
        shown += "<span>attention: text up, time right</span>"
        shown += _image(out / clip["alignment"], "attention", "spectrogram")
    return f"<div class=cell><b>{escape(clip['row'])}</b>{player(wave)}{shown}</div>"


def _hard(facts: dict, out: Path) -> str:
    """Sentences with their faults, those with most of them first, and one of each kind to hear."""
    if not facts["hard_texts"]:
        return "<p>Not measured.</p>"
    sentences = facts["hard_texts"]["sentences"]
    firsts = {}
    for sentence in sentences:
        firsts.setdefault(sentence["kind"], sentence)
    heard = [*firsts.values(), *(s for s in sentences if s["faults"])]
    audible = list({sentence["file"]: sentence for sentence in heard}.values())[:HARD_SHOWN]
    rows = []
    for sentence in audible:
        wave = Waveform.read(out / "sounds" / "hard texts" / sentence["file"])
        faults = ", ".join(sentence["faults"])
        rows.append(
            f"<tr><td>{escape(sentence['kind'])}<td>{escape(sentence['text'])}"
            f"<td class={'bad' if faults else 'good'}>{escape(faults or 'none')}<td>{escape(sentence['heard'] or '')}"
            f"<td>{player(wave)}"
        )
    head = "<tr><th>kind<th>text<th>faults<th>heard by the recognizer<th>sound"
    return f"<div class=wide><table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"
