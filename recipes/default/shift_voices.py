"""More speakers from few: the transcribed recordings of a corpus, faster and slower (Ko et al., "Audio augmentation for
speech recognition", Interspeech 2015).

    python recipes/default/shift_voices.py datasets_root/heard/LibriSpeech --out datasets_root/shifted

A recording played at another rate is another speaker, of another vocal tract, pitch and pace, who reads as well as the
first one did. Writes the `folder` layout: `<speaker>x<ratio>/<id>.flac` and `metadata.csv`.
"""

import argparse
import sys
from pathlib import Path

import soxr
from joblib import Parallel, delayed
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[2]))

from speech.corpora import read_corpus
from speech.files import whole_file
from speech.utterance import Utterance
from speech.waveform import Waveform

RATIOS = (0.9, 1.11)
SAMPLE_RATE = 16000


def shift(utterance: Utterance, out: Path, ratio: float) -> str:
    """Write one recording at `ratio` times its speed. Returns its line of metadata.csv."""
    file = f"{utterance.speaker}x{ratio:g}/{utterance.id}x{ratio:g}.flac"
    if not (out / file).exists():
        wave = Waveform.read(utterance.audio)
        Waveform(soxr.resample(wave.samples, wave.sample_rate * ratio, SAMPLE_RATE), SAMPLE_RATE).peak_limited().write(
            out / file
        )
    return f"{file}|{utterance.text or ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--out", type=Path, default=Path("datasets_root/shifted"))
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    spoken = list(read_corpus(arguments.corpus))
    work = [delayed(shift)(utterance, arguments.out, ratio) for utterance in spoken for ratio in RATIOS]
    lines = Parallel(n_jobs=arguments.jobs, return_as="generator")(tqdm(work, unit="clip"))
    with whole_file(arguments.out / "metadata.csv") as beside:
        beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
