"""Make a corpus of machine-made speech, exactly transcribed, in several dozen voices.

Why: a Tacotron 2 learns to align and to pronounce from any clear speech whose words are certain, and such speech can be
made without limit. The default synthesizer starts on this corpus; real speech then teaches it how people sound.

    python recipes/default/make_speech.py --out datasets_root/made --real datasets_root/heard/LibriSpeech/dev-clean

A made speaker is one of flite's voices, a mean pitch, a pace, and a formant ratio: the sound is resampled by the
ratio, which moves pitch and formants together as another length of the vocal tract would. The corpus has the `folder`
layout: `<speaker>/<speaker>_<number>.flac` at 16 kHz, and `metadata.csv` with `file|text`. A run that was stopped goes
on where it was; clips are made in random order, so the first few hundred already hold every speaker.
"""

import argparse
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from joblib import Parallel, delayed
from tqdm import tqdm

SAMPLE_RATE = 16000
PEAK = 0.7
EDGE_SECONDS = 0.05  # silence kept at both ends
LONGEST_PAUSE = 0.4  # longer silences inside a clip are shortened to this many seconds
SILENCE = 10 ** (-45 / 20)  # a frame this far below the loudest frame is silence
REFRESH_EVERY = 500  # clips between two refreshes of metadata.csv
GRAMMAR = Path(__file__).parent / "texts" / "grammar.txt"
DICTIONARY = Path("/usr/share/dict/words")  # Debian: wamerican-small

# The share of each length, and within it where its sentences come from. The others fill in for an absent one.
BANDS = {"short": 0.15, "middle": 0.60, "long": 0.25}
SOURCES = {
    "short": {"grammar": 0.65, "words": 0.35},
    "middle": {"real": 0.30, "grammar": 0.48, "words": 0.22},
    "long": {"real": 0.45, "grammar": 0.45, "words": 0.10},
}
SPOKEN_DIFFERENTLY = {
    "st",
    "dr",
    "mr",
    "mrs",
    "ms",
    "vs",
    "ft",
    "jr",
    "sr",
    "rd",
    "ave",
    "lb",
    "oz",
    "etc",
    "ii",
    "iii",
    "iv",
    "vi",
    "vii",
    "xi",
}
NUMERAL = re.compile(
    r"\b(?!(?:ill|civic|civil)\b)(?<!')[clxvi]{3,}\b|\bmc\b"
)  # the dictionary has "xxi", read as a number
CONJUNCTIONS = "and but or for which who when while because that as if so then with where until before after"


@dataclass(frozen=True)
class Engine:
    """One of flite's voices, and the made speakers drawn from it."""

    voice: str  # flite's own name of it
    speakers: int
    weight: float  # clips of each of its speakers, relative to a plain one
    tract: float  # formants of the voice as recorded, relative to an average man's
    pitch_range: tuple[float, float] | None  # what can be asked of the engine without harm; None: it takes no pitch
    ratios: tuple[float, float]  # formant ratios to draw from
    pace: float = 1.0  # above 1 is slower than as recorded


# Measured: rms ignores a target pitch, so resampling alone moves his. Above 1.06 slt is a child that a recognizer no
# longer follows; as recorded, she is quick. flite's diphone voices (kal) and festival's are left out: they sound like
# machines, and a synthesizer that heard them does too.
ENGINES = {
    "slt": Engine("slt", 16, 1.0, 1.15, (118, 230), (0.86, 1.06), pace=1.1),
    "awb": Engine("awb", 12, 1.0, 1.00, (98, 190), (0.88, 1.16)),
    "rms": Engine("rms", 12, 1.0, 0.98, None, (0.88, 1.16)),
}


@dataclass(frozen=True)
class Speaker:
    """A made speaker: all that is needed to say anything in this voice again."""

    name: str
    engine: str
    pitch: float | None  # what the engine is asked for, before resampling; None: as recorded
    ratio: float  # above 1 is a shorter vocal tract
    pace: float  # above 1 is slower

    @property
    def stretch(self) -> float:
        """What the engine is asked for so that resampling leaves the pace."""
        return self.pace * self.ratio


# ---- speakers


def made_speakers(engines: dict[str, Engine], seed: int) -> list[Speaker]:
    """The made speakers of every engine, spread evenly over its formant ratios."""
    rng = random.Random(f"speakers {seed}")
    speakers = []
    for key, engine in engines.items():
        low, high = engine.ratios
        for i in range(engine.speakers):
            ratio = low + (high - low) * (i + rng.uniform(0.2, 0.8)) / engine.speakers
            pitch = engine_pitch(engine, ratio, rng)
            speakers.append(
                Speaker(f"{key}-{i:02d}", key, pitch, round(ratio, 3), round(engine.pace * rng.uniform(0.88, 1.14), 3))
            )
    return speakers


def engine_pitch(engine: Engine, ratio: float, rng: random.Random) -> float | None:
    """A pitch that people of this vocal tract have, give or take, within what the engine does well."""
    if engine.pitch_range is None:
        return None
    human = 112 * (engine.tract * ratio) ** 4 * rng.uniform(0.85, 1.18)
    heard = min(max(human, 85), 255)
    low, high = engine.pitch_range
    return round(min(max(heard / ratio, low), high), 1)


def installed(engines: dict[str, Engine]) -> dict[str, Engine]:
    """The engine voices that this machine has."""
    if shutil.which("flite") is None:
        sys.exit("flite is missing, and it speaks this corpus: apt-get install flite")
    voices = subprocess.run(["flite", "-lv"], capture_output=True, text=True, check=True).stdout.split()
    return {key: engine for key, engine in engines.items() if engine.voice in voices}


# ---- sentences


def read_grammar(path: Path) -> dict[str, list[str]]:
    """name -> its choices; lines of one name add up."""
    grammar: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, choices = line.split(":", 1)
            grammar.setdefault(name, []).extend(choice.strip() for choice in choices.split(" | "))
    return grammar


def expand(grammar: dict[str, list[str]], name: str, rng: random.Random) -> str:
    """One random expansion of `name`."""
    return re.sub(r"\{(\w+)\}", lambda match: expand(grammar, match[1], rng), rng.choice(grammar[name]))


def read_dictionary(path: Path) -> list[str]:
    """The plain words of the system's dictionary, or nothing where there is none."""
    if not path.exists():
        print(f"Going on without {path}: apt-get install wamerican-small")
        return []
    words = path.read_text(encoding="utf-8").split()
    plain = re.compile(r"(?=.*[aeiouy])[a-z]{3,13}('s)?")
    # One possessive in eight is enough: a third of the dictionary is possessives.
    return [
        w
        for i, w in enumerate(words)
        if plain.fullmatch(w) and not ("'" in w and i % 8) and w not in SPOKEN_DIFFERENTLY
    ]


def word_sequence(words: list[str], band: str, rng: random.Random) -> str:
    """Random words in a row, such as "garden, elephant, and window."."""
    count = {"short": rng.randint(1, 3), "middle": rng.randint(3, 8), "long": rng.randint(10, 13)}[band]
    chosen = rng.sample(words, count)
    end = rng.choices([".", "?", "!"], [8, 1, 1])[0]
    if band == "short":
        return (" " if rng.random() < 0.6 else ", ").join(chosen) + end
    style = rng.random()
    if style < 0.45:
        return ", ".join(chosen[:-1]) + f", and {chosen[-1]}{end}"
    if style < 0.75:
        joins = [
            rng.choices([" ", ", ", "; ", " and ", " or ", " of the ", " - "], [6, 3, 1, 1, 1, 1, 0.5])[0]
            for _ in chosen
        ]
        return "".join(word + join for word, join in zip(chosen[:-1], joins)) + chosen[-1] + end
    return "the " + ", the ".join(chosen[: count // 2 + 1]) + ", or a kind of ".join(["", *chosen[-1:]]) + end


def read_real(folder: Path) -> list[str]:
    """LibriSpeech transcripts as sentences, the long ones cut at a conjunction."""
    sentences = []
    files = (Path(parent) / name for parent, _, names in os.walk(folder, followlinks=True) for name in names)
    for path in sorted(path for path in files if path.name.endswith(".trans.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            pieces = cut(line.split(" ", 1)[1].strip().lower(), 135)
            sentences += [piece + "." for piece in pieces if len(piece) < 140]
    if not sentences:
        sys.exit(
            f"{folder} holds no LibriSpeech transcripts (*.trans.txt): give the folder of one split, such as dev-clean"
        )
    return sentences


def cut(text: str, longest: int) -> list[str]:
    """Cut at the conjunction nearest the middle until every piece is short enough; uncuttable text stays whole."""
    if len(text) <= longest:
        return [text]
    joints = [match.start() for match in re.finditer(rf" (?=({CONJUNCTIONS.replace(' ', '|')}) )", text)]
    joints = [at for at in joints if 25 <= at <= len(text) - 25]
    if not joints:
        return [text]
    at = min(joints, key=lambda joint: abs(joint - len(text) / 2))
    return cut(text[:at], longest) + cut(text[at + 1 :], longest)


def band_of(text: str) -> str | None:
    """short: one to three words; middle: 20 to 90 characters; long: 90 to 140; None: none of them."""
    if len(text.split()) <= 3:
        return "short"
    if 20 <= len(text) < 90:
        return "middle"
    return "long" if 90 <= len(text) <= 140 else None


def is_plain(text: str) -> bool:
    """Text that is heard exactly as it is written."""
    if not re.fullmatch(r"[a-z .,?!';:-]+", text):
        return False
    words = re.findall(r"[a-z']+", text)
    return not any(word in SPOKEN_DIFFERENTLY or (len(word) == 1 and word not in "ai") for word in words)


class Sentences:
    """Draws sentences of a wanted length from the three sources."""

    def __init__(self, real: list[str], words: list[str], rng: random.Random):
        self.grammar, self.words, self.rng = read_grammar(GRAMMAR), words, rng
        self.real = {band: [text for text in real if band_of(text) == band and is_plain(text)] for band in BANDS}
        self.unread: dict[str, list[str]] = {band: [] for band in BANDS}

    def draw(self) -> str:
        """One sentence, lengths and sources in their shares."""
        band = self.rng.choices(list(BANDS), list(BANDS.values()))[0]
        shares = {source: share for source, share in SOURCES[band].items() if self.has(source, band)}
        while True:
            text = self.from_source(self.rng.choices(list(shares), list(shares.values()))[0], band)
            if band_of(text) == band and is_plain(text):
                return text

    def has(self, source: str, band: str) -> bool:
        return {"grammar": True, "words": bool(self.words), "real": bool(self.real[band])}[source]

    def from_source(self, source: str, band: str) -> str:
        if source == "grammar":
            return expand(self.grammar, "short" if band == "short" else "sentence", self.rng)
        if source == "words":
            return word_sequence(self.words, band, self.rng)
        if not self.unread[band]:  # each transcript once before any comes again
            self.unread[band] = self.rng.sample(self.real[band], len(self.real[band]))
        return self.unread[band].pop()


def make_plan(
    speakers: list[Speaker], sentences: Sentences, count: int, rng: random.Random
) -> list[tuple[str, Speaker, str]]:
    """(file, speaker, text) of every clip, in the order in which they are made."""
    weights = [ENGINES[speaker.engine].weight for speaker in speakers]
    numbers = dict.fromkeys((speaker.name for speaker in speakers), 0)
    plan = []
    for speaker in rng.choices(speakers, weights, k=count):
        name, number = speaker.name, numbers[speaker.name]
        numbers[name] += 1
        plan.append((f"{name}/{name}_{number:05d}.flac", speaker, sentences.draw()))
    return [clip for clip in plan if not NUMERAL.search(clip[2])]


# ---- sound


def written_for_engines(text: str) -> str:
    """Sentence case: engines take a full stop before a small letter for an abbreviation's."""
    text = re.sub(r"(^|[.?!] )([a-z])", lambda match: match[1] + match[2].upper(), text)
    return re.sub(r"\bi\b", "I", text)


def command(speaker: Speaker, text_file: Path, wave_file: Path) -> list[str]:
    """The engine's command line that reads the text file aloud as this speaker, before resampling."""
    pitch = ["--setf", f"int_f0_target_mean={speaker.pitch}"] if speaker.pitch else []
    stretch = ["--setf", f"duration_stretch={speaker.stretch:.4f}"]
    voice = ENGINES[speaker.engine].voice
    return ["flite", "-voice", voice, *stretch, *pitch, "-f", str(text_file), "-o", str(wave_file)]


def speak(speaker: Speaker, text: str) -> np.ndarray:
    """Samples at SAMPLE_RATE of the speaker saying the text."""
    with tempfile.TemporaryDirectory() as folder:
        text_file, wave_file = Path(folder) / "text.txt", Path(folder) / "wave.wav"
        text_file.write_text(written_for_engines(text) + "\n", encoding="utf-8")
        subprocess.run(command(speaker, text_file, wave_file), check=True, capture_output=True, timeout=60)
        samples, rate = soundfile.read(wave_file, dtype="float32")
    return tidy(soxr.resample(samples, rate * speaker.ratio, SAMPLE_RATE))


def tidy(samples: np.ndarray) -> np.ndarray:
    """Trim both ends, shorten long pauses, set the peak."""
    hop = SAMPLE_RATE // 100
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    level = np.sqrt((frames**2).mean(axis=1))
    loud = np.flatnonzero(level > SILENCE * level.max())
    if len(loud) < 5:
        raise ValueError("nothing is heard")
    edge = round(EDGE_SECONDS * 100)
    keep = np.zeros(len(frames), dtype=bool)
    keep[max(0, loud[0] - edge) : loud[-1] + 1 + edge] = True
    half = round(LONGEST_PAUSE * 50)
    for before, after in itertools.pairwise(loud):
        if after - before > 2 * half:
            keep[before + half : after - half] = False  # cut in the middle of the silence
    samples = frames[keep].ravel()
    fade = np.linspace(0, 1, hop, dtype=np.float32)
    samples[:hop] *= fade
    samples[-hop:] *= fade[::-1]
    return samples * (PEAK / np.abs(samples).max())


def make_clip(out: Path, file: str, speaker: Speaker, text: str) -> tuple[str, float, str | None]:
    """Write one clip unless it is there. Returns its file, its seconds, and the reason if it failed."""
    path = out / file
    try:
        if not path.exists():
            partial = path.with_suffix(".partial")
            soundfile.write(partial, speak(speaker, text), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
            os.replace(partial, path)
        return file, soundfile.info(path).duration, None
    except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
        return file, 0.0, f"{type(error).__name__}: {error}"


def odd_lengths(seconds: dict[str, float], plan: list[tuple[str, Speaker, str]]) -> list[str]:
    """Clips whose seconds a character are far from their speaker's, an engine having skipped or spelled out words."""
    rates: dict[str, dict[str, float]] = {}
    for file, speaker, text in plan:
        if seconds.get(file):
            spoken = len(re.sub(r"[^a-z]", "", text)) + 4  # short clips have an edge and a long last word
            rates.setdefault(speaker.name, {})[file] = seconds[file] / spoken
    odd = []
    for clips in rates.values():
        usual = float(np.median(list(clips.values())))
        odd += [file for file, rate in clips.items() if not 0.5 < rate / usual < 2.0]
    return odd


# ---- the corpus


def write_lines(path: Path, lines: list[str]) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    os.replace(partial, path)


def start(out: Path, plan: list[tuple[str, Speaker, str]]) -> None:
    """Write down who says what, and refuse a folder that was begun with another plan."""
    lines = [f"{file}|{speaker}|{text}" for file, speaker, text in plan]
    path = out / "plan.txt"
    if path.exists() and path.read_text(encoding="utf-8").splitlines() != lines:
        sys.exit(
            f"{out} was begun with other settings, sentences or voices: give the same ones, another --out, or remove it"
        )
    for name in {speaker.name for _, speaker, _ in plan}:
        (out / name).mkdir(parents=True, exist_ok=True)
    write_lines(path, lines)


def make_corpus(out: Path, plan: list[tuple[str, Speaker, str]], jobs: int) -> None:
    """Make every clip of the plan, and the metadata as it goes."""
    texts = {file: text for file, _, text in plan}
    seconds: dict[str, float] = {}
    failed: dict[str, str] = {}

    def write_metadata() -> None:
        write_lines(out / "metadata.csv", [f"{file}|{texts[file]}" for file in sorted(seconds)])

    clips = Parallel(n_jobs=jobs, return_as="generator_unordered")(delayed(make_clip)(out, *clip) for clip in plan)
    for file, length, reason in tqdm(clips, total=len(plan), unit="clip", mininterval=2):
        if reason:
            failed[file] = reason
            continue
        seconds[file] = length
        if len(seconds) % REFRESH_EVERY == 0:
            write_metadata()
    odd = odd_lengths(seconds, plan)
    for file in odd:
        del seconds[file]
    write_metadata()
    report(out, seconds, failed, odd, texts)


def report(out: Path, seconds: dict[str, float], failed: dict[str, str], odd: list[str], texts: dict[str, str]) -> None:
    for file, reason in failed.items():
        print(f"failed: {file}: {reason}")
    for file in odd:
        print(f"left out, of an odd length: {file}: {texts[file]}")
    speakers = {file.split("/")[0] for file in seconds}
    hours = sum(seconds.values()) / 3600
    missing = len(failed) + len(odd)
    print(f"{len(seconds)} clips, {hours:.2f} hours, {len(speakers)} speakers in {out} ({missing} left out)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("datasets_root/made"), help="the folder of the corpus")
    parser.add_argument("--sentences", type=int, default=7000, help="how many clips (7000 are about seven hours)")
    parser.add_argument("--real", type=Path, help="a LibriSpeech split whose transcripts are spoken too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    speakers = made_speakers(installed(ENGINES), args.seed)
    rng = random.Random(f"sentences {args.seed}")
    sentences = Sentences(read_real(args.real) if args.real else [], read_dictionary(DICTIONARY), rng)
    plan = make_plan(speakers, sentences, args.sentences, rng)
    start(args.out, plan)
    make_corpus(args.out, plan, args.jobs)


if __name__ == "__main__":
    main()
