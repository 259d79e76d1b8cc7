"""The whole evaluation, from three checkpoints and a corpus to the facts of a report. Reads from top to bottom."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from encoder.projection import project
from evaluation import (
    cleanness,
    copies,
    corpus,
    hard_texts,
    likeness,
    prosody,
    sounds,
    speed,
    teaching,
    verification,
    warping,
    words,
)
from evaluation.about import about
from evaluation.corpus import Choice
from evaluation.loading import Models, Settings, load
from evaluation.optional import Missing
from evaluation.parts import Parts, digest_of
from evaluation.recognizers import load_recognizer
from evaluation.sounds import Row, make_row
from speech.errors import InputError


class Work:
    """Where finished parts lie, and what could not be done."""

    def __init__(self, out: Path):
        self.out, self.sounds = out, out / "sounds"
        self.parts, self.notes, self.bar = Parts(out / "parts"), [], tqdm(desc="evaluation", unit="part")

    def part(self, name: str, key: Any, make: Callable[[], Any], whole: Callable[[Any], bool] = lambda _: True) -> Any:
        """A part by name (see Parts.of), or None and a note where a package is missing or the input does not do."""
        self.bar.set_postfix_str(name)
        try:
            return self.parts.of(name, key, make, whole)
        except (Missing, InputError) as error:
            note = str(error) if isinstance(error, Missing) else f"{name}: {error}"
            if note not in self.notes:
                self.notes.append(note)
            return None
        finally:
            self.bar.update()


def evaluate(settings: Settings, out: Path) -> dict:
    """Measure everything that can be measured; sounds and finished parts go to `out`, and are used again.

    Returns the facts of report.json. Raises InputError if there is nothing to evaluate: a checkpoint or corpus cannot
    be read, or the judge is the encoder that conditions.
    """
    models = load(settings)
    utterances = corpus.read_corpora(settings.corpora)
    work = Work(out)
    recognizer = _recognizer(settings.recognizer, work)
    choice = _choose(settings, utterances, recognizer, work)

    references, rows = _make_rows(settings, models, choice, work)
    real, clones = rows[0], rows[-1]
    measured: dict[str, dict] = {row.title: {"kind": row.kind, "sounds": len(row.sounds)} for row in rows}
    texts = sorted({sound.text for row in rows for sound in row.sounds if sound.text})
    if recognizer:
        _hear(rows, measured, recognizer, texts, work)
    voices = _judge(rows, measured, models, choice, work)
    for row in rows:
        _look_closely(row, measured[row.title], work)
    measured[clones.title]["unfinished"] = sum(not sound.finished for sound in clones.sounds)

    key = [real.key, models.chain]
    taught = None
    if any(sound.text for sound in real.sounds):
        teach = partial(teaching.teacher_forced, real, choice.people, models.cloner, models.mouth)
        taught = work.part("teacher-forced synthesizer", key, teach)
    verify = partial(verification.verify, utterances, models.cloner.encoder, settings.seed)
    everyone = digest_of([u.id for u in utterances])
    verified = work.part("encoder", [everyone, models.chain[0], settings.corpora, settings.seed], verify)
    hard = _hard(settings, models, choice, recognizer, [*key, settings.seed], work)
    timed = work.part("speed", [models.chain, _processor()], lambda: _time(settings, references))
    work.bar.close()
    names = [person.name for person in choice.people]
    return {
        "about": about(settings, models, names, recognizer and recognizer.name),
        "notes": [*choice.notes, *work.notes],
        "rows": measured,
        "words": {"texts": texts, "unknown": words.unknown_words(texts, recognizer) if recognizer else []},
        "likeness": {"map": voices},
        "encoder": verified,
        "synthesizer": taught,
        "hard_texts": hard,
        "speed": timed,
        "definitions": {"mcd": warping.DEFINITION},
        "clips": _clips(out, [references, *rows]),
    }


def _recognizer(choice: str, work: Work):
    try:
        return load_recognizer(choice)
    except Missing as missing:
        work.notes.append(str(missing))
        return None


def _choose(settings: Settings, utterances: list, recognizer, work: Work) -> Choice:
    """Who is heard; recordings with words that the recognizer cannot spell come last."""

    def known(text: str) -> bool:
        normal = sounds.spoken(text)
        return normal is not None and (not recognizer or all(map(recognizer.knows, words.words_of(normal))))

    lists = ("reference", "enrolled", "tests")

    def make() -> dict:
        chosen = corpus.choose(utterances, settings.speakers, settings.sentences, settings.seed, known)
        people = [{"name": p.name} | {part: [u.id for u in getattr(p, part)] for part in lists} for p in chosen.people]
        return {"people": people, "notes": chosen.notes}

    by_id = {utterance.id: utterance for utterance in utterances}
    key = [settings.corpora, digest_of([[u.id, u.text] for u in utterances]), settings.speakers, settings.sentences]
    kept = work.parts.of("choice", [*key, settings.seed, recognizer and recognizer.name], make)
    people = [corpus.Person(p["name"], *([by_id[i] for i in p[part]] for part in lists)) for p in kept["people"]]
    return Choice(people, kept["notes"])


def _make_rows(settings: Settings, models: Models, choice: Choice, work: Work) -> tuple[Row, list[Row]]:
    """The references, and the rows of the report: real recordings, copies by each vocoder, clones."""
    people = choice.people
    heard = digest_of([[str(u.audio), u.id] for person in people for u in (*person.reference, *person.tests)])
    row_of = partial(make_row, work.parts, work.sounds)
    references = row_of("reference", "reference", heard, lambda own: sounds.write_references(own, people))
    real = row_of("real recordings", "real", heard, lambda own: sounds.write_real(own, people))
    copied = []
    for throat in models.throats:
        copy = partial(sounds.write_copies, real=real, vocoder=throat.model)
        copied.append(row_of(f"copies: {throat.title}", "copy", digest_of([heard, throat.fingerprint]), copy))
    ours = [sounds.spoken(line) for line in corpus.read_lines("sentences.txt")]
    clone = partial(
        sounds.write_clones, people=people, real=real, cloner=models.cloner, sentences=ours, count=settings.sentences,
        seed=settings.seed,
    )  # fmt: skip
    clones = row_of("clones", "clone", digest_of([heard, models.chain, settings.seed, settings.sentences, ours]), clone)
    return references, [real, *copied, clones]


def _hear(rows: list[Row], measured: dict, recognizer, texts: list[str], work: Work) -> None:
    """Words of every row whose texts are known."""
    for row in rows:
        if any(sound.text for sound in row.sounds):
            listen = partial(words.hear, row, recognizer, texts)
            found = work.part(f"words of {row.title}", [row.key, recognizer.name, texts], listen)
            measured[row.title] |= found or {}


def _judge(rows: list[Row], measured: dict, models: Models, choice: Choice, work: Work) -> dict | None:
    """Likeness of every row. Returns the map of real and cloned voices."""
    judge_print = models.fingerprints["judge"]
    known_by = [[str(utterance.audio) for utterance in person.enrolled] for person in choice.people]
    enroll = partial(likeness.enroll, choice.people, models.judge)
    enrolled = work.part("enrolled by the judge", [judge_print, known_by], enroll) or {}
    points = [(name, "real", each) for name, several in enrolled.items() for each in several]
    for row in rows:
        judge = partial(likeness.judged, row, models.judge)
        found = work.part(f"likeness of {row.title}", [row.key, judge_print], judge)
        if enrolled and found:
            speakers = [sound.speaker for sound in row.sounds]
            measured[row.title]["likeness"] = likeness.similarities(found, speakers, enrolled)
            if row.kind != "copy":
                points += [(speaker, row.kind, each) for speaker, each in zip(speakers, found)]
    points = [point for point in points if point[2] is not None]
    if not points:
        return None
    vectors = [each for *_, each in points]
    laid = work.part("map of voices", digest_of(vectors), partial(_lay_out, vectors))
    return laid and {"points": laid, "speakers": [p[0] for p in points], "kinds": [p[1] for p in points]}


def _lay_out(vectors: list) -> list[list[float]]:
    """(N, 2) points of the plane, by UMAP."""
    return np.asarray(project(np.array(vectors, np.float32))).astype(float).round(3).tolist()


def _look_closely(row: Row, figures: dict, work: Work) -> None:
    """Of copies PESQ and STOI, of every row DNSMOS, and beside the recording of the same words prosody."""
    if not row.sounds:
        return
    if row.kind == "copy":
        figures |= work.part(f"PESQ of {row.title}", row.key, partial(copies.pesq, row)) or {}
        figures |= work.part(f"STOI of {row.title}", row.key, partial(copies.stoi, row)) or {}
    figures |= work.part(f"DNSMOS of {row.title}", row.key, partial(cleanness.dnsmos, row)) or {}
    if any(sound.real for sound in row.sounds):
        figures |= work.part(f"prosody of {row.title}", row.key, partial(prosody.compare, row)) or {}


def _hard(settings: Settings, models: Models, choice: Choice, recognizer, key: list, work: Work) -> dict | None:
    own, key = work.sounds / "hard texts", [*key, hard_texts.hard_texts()]
    speak = partial(hard_texts.speak, own, choice.people, models.cloner, settings.seed)
    made = work.part("hard texts", key, speak, lambda kept: all((own / facts["file"]).is_file() for facts in kept))
    if made is None:
        return None
    heard = None
    if recognizer:
        listen = partial(hard_texts.understand, made, own, recognizer)
        heard = work.part("words of hard texts", [*key, recognizer.name], listen)
    return hard_texts.summed(made, heard, recognizer)


def _time(settings: Settings, references: Row) -> dict:
    return speed.measure(settings.encoder, settings.synthesizer, settings.vocoders[0], references.sounds[0].path)


def _processor() -> list:
    """What speed depends on and may differ from run to run."""
    return [sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0, os.getenv("OMP_NUM_THREADS")]


def _clips(out: Path, rows: list[Row]) -> list[dict]:
    """Every sound, by path within the report's folder: what the page and the listening test play."""
    return [
        {
            "row": row.title,
            "kind": row.kind,
            "speaker": sound.speaker,
            "text": sound.text,
            "file": str(sound.path.relative_to(out)),
            "alignment": sound.alignment and str(Path(sound.alignment).relative_to(out)),
        }
        for row in rows
        for sound in row.sounds
    ]
