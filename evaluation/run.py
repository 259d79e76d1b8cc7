"""The whole evaluation, from three checkpoints and a corpus to the facts of a report. Reads from top to bottom."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cloning import Cloner
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
from evaluation.optional import Missing
from evaluation.parts import Parts, digest_of
from evaluation.recognizers import load_recognizer
from evaluation.sounds import Row, make_row
from speech.corpora import read_corpus
from speech.errors import InputError
from training.checkpoint import load_model, read_checkpoint
from training.registry import model_module, preset

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "numpy", "librosa", "pocketsphinx", "pesq", "pystoi", "speechmos", "onnxruntime", "transformers")


@dataclass(frozen=True)
class Settings:
    corpus: str
    encoder: str
    synthesizer: str
    vocoders: tuple[str, ...]
    """The first makes the clones, all make copies."""
    judge: str
    recognizer: str
    speakers: int
    sentences: int
    """Recordings to compare with, and so clones, of each speaker."""
    seed: int


@dataclass(frozen=True)
class Throat:
    """A vocoder under measurement."""

    title: str
    model: Any
    fingerprint: str


class Work:
    """Where finished parts lie, and what could not be done."""

    def __init__(self, out: Path):
        self.parts, self.notes, self.bar = Parts(out / "parts"), [], tqdm(desc="evaluation", unit="part")

    def part(self, name: str, key: Any, make: Callable[[], Any], whole: Callable[[Any], bool] = lambda _: True) -> Any:
        """A part by name, or None and a note where a package is missing or the input does not allow it."""
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
    cloner = Cloner.load(
        encoder=settings.encoder, synthesizer=settings.synthesizer, vocoder=settings.vocoders[0], device="cpu"
    )
    judge, judge_print = load_judge(settings.judge, cloner.fingerprint)
    mouth = read_checkpoint(settings.synthesizer, "synthesizer")
    throats = load_throats(settings.vocoders, cloner)
    utterances = read_corpus(settings.corpus)
    work = Work(out)
    recognizer = _recognizer(settings.recognizer, work)
    models = [cloner.fingerprint, mouth.fingerprint, throats[0].fingerprint]

    # Who is heard, and every sound there is to measure.
    choice = _choose(settings, utterances, recognizer, work)
    names = sorted(person.name for person in choice.people)
    heard = digest_of([[str(u.audio), u.id] for person in choice.people for u in (*person.reference, *person.tests)])
    folder = out / "sounds"
    row_of = partial(make_row, work.parts, folder)
    references = row_of("reference", "reference", heard, lambda own: sounds.write_references(own, choice.people))
    real = row_of("real recordings", "real", heard, lambda own: sounds.write_real(own, choice.people))
    copied = [
        row_of(
            f"copies: {throat.title}",
            "copy",
            digest_of([heard, throat.fingerprint]),
            lambda own, throat=throat: sounds.write_copies(own, real, throat.model),
        )
        for throat in throats
    ]
    said = corpus.read_lines("sentences.txt")
    clones = row_of(
        "clones",
        "clone",
        digest_of([heard, models, settings.seed, settings.sentences, said]),
        lambda own: sounds.write_clones(
            own, choice.people, real, cloner, [sounds.spoken(line) for line in said], settings.sentences, settings.seed
        ),
    )
    rows = [real, *copied, clones]
    measured: dict[str, dict] = {row.title: {"kind": row.kind, "sounds": len(row.sounds)} for row in rows}

    # Words.
    texts = sorted({sound.text for row in rows for sound in row.sounds if sound.text})
    for row in rows:
        spoken = [sound for sound in row.sounds if sound.text]
        if recognizer and spoken:
            key = [row.key, recognizer.name, texts]
            found = work.part(f"words of {row.title}", key, lambda row=row: words.hear(row, recognizer, texts))
            measured[row.title] |= found or {}

    # Likeness.
    enrolled_key = digest_of([judge_print, [[str(u.audio) for u in person.enrolled] for person in choice.people]])
    enrolled = work.part("enrolled by the judge", enrolled_key, lambda: likeness.enroll(choice.people, judge))
    embedded = {}
    for row in rows:
        embedded[row.title] = work.part(
            f"likeness of {row.title}", [row.key, judge_print], lambda row=row: likeness.judged(row, judge)
        )
        if enrolled and embedded[row.title]:
            speakers = [sound.speaker for sound in row.sounds]
            measured[row.title]["likeness"] = likeness.similarities(embedded[row.title], speakers, enrolled)
    voices = _map(enrolled, embedded[real.title], embedded[clones.title], real, clones, work)

    # Vocoder, cleanness, prosody.
    for row in copied:
        measured[row.title] |= work.part(f"PESQ of {row.title}", row.key, lambda row=row: copies.pesq(row)) or {}
        measured[row.title] |= work.part(f"STOI of {row.title}", row.key, lambda row=row: copies.stoi(row)) or {}
    for row in rows:
        make = partial(cleanness.dnsmos, row)
        measured[row.title] |= (work.part(f"DNSMOS of {row.title}", row.key, make) or {}) if row.sounds else {}
        if any(sound.real for sound in row.sounds):
            make = partial(prosody.compare, row)
            measured[row.title] |= work.part(f"prosody of {row.title}", row.key, make) or {}
    measured[clones.title]["unfinished"] = sum(not sound.finished for sound in clones.sounds)

    # Each stage alone.
    taught = None
    if any(sound.text for sound in real.sounds):
        make = partial(teaching.teacher_forced, real, choice.people, cloner, mouth)
        taught = work.part("teacher-forced synthesizer", [heard, models], make)
    key = [digest_of([u.id for u in utterances]), cloner.fingerprint, settings.corpus, settings.seed]
    verified = work.part("encoder", key, lambda: verification.verify(utterances, cloner.encoder, settings.seed))
    key = [heard, models, settings.seed, hard_texts.hard_texts()]
    speak = partial(hard_texts.speak, folder / "hard texts", choice.people, cloner, settings.seed)
    hard = _hard(folder / "hard texts", speak, recognizer, key, work)
    key = [
        models,
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        os.environ.get("OMP_NUM_THREADS"),
    ]
    paths = (settings.encoder, settings.synthesizer, settings.vocoders[0], references.sounds[0].path)
    timed = work.part("speed", key, lambda: speed.measure(*paths))
    work.bar.close()
    return {
        "about": _about(settings, names, models, judge_print, throats, recognizer),
        "notes": [*choice.notes, *work.notes],
        "rows": measured,
        "words": {"texts": texts, "unknown": words.unknown_words(texts, recognizer) if recognizer else []},
        "likeness": {"map": voices},
        "encoder": verified,
        "synthesizer": taught,
        "hard_texts": hard,
        "speed": timed,
        "definitions": {"mcd": warping.DEFINITION},
        "clips": _clips(out, references, rows),
    }


def load_judge(folder: str, fingerprint: str) -> tuple[Any, str]:
    """The second encoder and its fingerprint. Raises InputError if it is the first one."""
    judge, checkpoint = load_model(folder, "encoder")
    if checkpoint.fingerprint == fingerprint:
        raise InputError(
            f"the judge {folder} is the very encoder that conditions the clones ({fingerprint}); likeness needs a "
            f"second one, trained with another split and seed: --judge DIR"
        )
    return judge, checkpoint.fingerprint


def load_throats(vocoders: tuple[str, ...], cloner: Cloner) -> list[Throat]:
    """Every vocoder once, Griffin-Lim with the synthesizer's mels always among them."""
    throats = [_throat(vocoders[0], cloner)] + [_throat(each, cloner) for each in vocoders[1:]]
    usual = _throat("griffin_lim", cloner)
    found: dict[str, Throat] = {}
    for throat in [*throats, usual]:
        found.setdefault(throat.fingerprint, throat)
    titles = [throat.title for throat in found.values()]
    return [
        Throat(
            throat.title if titles.count(throat.title) == 1 else f"{throat.title} {throat.fingerprint}",
            throat.model,
            throat.fingerprint,
        )
        for throat in found.values()
    ]


def _throat(vocoder: str, cloner: Cloner) -> Throat:
    if vocoder == "griffin_lim":
        module, mel = model_module("vocoder", vocoder), cloner.synthesizer.mel
        config = preset(module, None)
        return Throat(vocoder, module.Model(config, mel), digest_of([vocoder, asdict(config), asdict(mel)]))
    model, checkpoint = load_model(vocoder, "vocoder")
    if next(model.parameters(), None) is None:  # nothing was learned: its settings are all it is
        return Throat(checkpoint.name, model, digest_of([checkpoint.name, asdict(model.config), asdict(model.mel)]))
    return Throat(checkpoint.name, model, checkpoint.fingerprint)


def _recognizer(choice: str, work: Work):
    try:
        return load_recognizer(choice)
    except Missing as missing:
        work.notes.append(str(missing))
        return None


def _choose(settings: Settings, utterances: list, recognizer, work: Work) -> corpus.Choice:
    def known(text: str) -> bool:
        normal = sounds.spoken(text)
        return normal is not None and (not recognizer or all(map(recognizer.knows, words.words_of(normal))))

    def make() -> dict:
        chosen = corpus.choose(utterances, settings.speakers, settings.sentences, settings.seed, known)
        people = [
            {"name": p.name} | {part: [u.id for u in getattr(p, part)] for part in ("reference", "enrolled", "tests")}
            for p in chosen.people
        ]
        return {"people": people, "notes": chosen.notes}

    by_id = {utterance.id: utterance for utterance in utterances}
    key = [settings.corpus, digest_of([[u.id, u.text] for u in utterances]), settings.speakers, settings.sentences]
    kept = work.parts.of("choice", [*key, settings.seed, recognizer and recognizer.name], make)
    people = [
        corpus.Person(p["name"], *([by_id[i] for i in p[part]] for part in ("reference", "enrolled", "tests")))
        for p in kept["people"]
    ]
    return corpus.Choice(people, kept["notes"])


def _hard(own: Path, speak: Callable[[], list], recognizer, key: list, work: Work) -> dict | None:
    made = work.part("hard texts", key, speak, lambda kept: all((own / facts["file"]).is_file() for facts in kept))
    if made is None:
        return None
    heard = None
    if recognizer:
        listen = partial(hard_texts.understand, made, own, recognizer)
        heard = work.part("words of hard texts", [*key, recognizer.name], listen)
    return hard_texts.summed(made, heard, recognizer)


def _map(enrolled, real_ones, clone_ones, real: Row, clones: Row, work: Work) -> dict | None:
    """UMAP of everything the judge has heard, real and cloned together."""
    if not enrolled or not clone_ones:
        return None
    points = [(name, "real", each) for name, several in enrolled.items() for each in several]
    points += [(sound.speaker, "real", each) for sound, each in zip(real.sounds, real_ones or [])]
    points += [(sound.speaker, "clone", each) for sound, each in zip(clones.sounds, clone_ones)]
    points = [point for point in points if point[2] is not None]
    vectors = [each for *_, each in points]

    def make() -> list:
        import numpy as np

        return np.asarray(project(np.array(vectors, np.float32))).astype(float).round(3).tolist()

    laid = work.part("map of voices", digest_of(vectors), make)
    return laid and {"points": laid, "speakers": [p[0] for p in points], "kinds": [p[1] for p in points]}


def _clips(out: Path, references: Row, rows: list[Row]) -> list[dict]:
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
        for row in [references, *rows]
        for sound in row.sounds
    ]


def _about(settings: Settings, names: list[str], models: list[str], judge: str, throats: list, recognizer) -> dict:
    prints = dict(zip(("encoder", "synthesizer", "vocoder"), models)) | {"judge": judge}
    places = {"encoder": settings.encoder, "synthesizer": settings.synthesizer, "vocoder": settings.vocoders[0]}
    places["judge"] = settings.judge
    checkpoints = {}
    for stage, place in places.items():
        checkpoints[stage] = {"folder": Path(place).name, "fingerprint": prints[stage]}
        if (Path(place) / "config.json").exists():
            checkpoint = read_checkpoint(place, "encoder" if stage == "judge" else stage)
            checkpoints[stage] |= {"model": checkpoint.name, "step": checkpoint.step}
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": _commit(),
        "settings": asdict(settings),
        "checkpoints": checkpoints,
        "vocoders": {throat.title: throat.fingerprint for throat in throats},
        "speakers": names,
        "recognizer": recognizer and recognizer.name,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "machine": {"system": platform.platform(terse=True), "python": platform.python_version()},
    }


def _commit() -> str | None:
    """Of the checkout, with a plus where files differ from it; None where there is no git."""
    try:
        run = partial(subprocess.run, cwd=ROOT, capture_output=True, text=True, check=True)
        commit = run(["git", "rev-parse", "--short=12", "HEAD"]).stdout.strip()
        changed = run(["git", "status", "--porcelain", "--untracked-files=no"]).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
