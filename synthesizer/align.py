"""python -m synthesizer.align PREPARED: when each word is said, which the synthesizer's attention then need not guess.

Left alone, attention first moves through a text at an even pace, and the decoder learns to murmur; where words really
are it finds late. Pocketsphinx knows at once (forced alignment, by Viterbi's algorithm). For each
shard-NNNNN.safetensors an alignment-NNNNN.safetensors: (words, 2) seconds, from and to, of every recording. Recordings
with a word that the dictionary does not know, or that do not say their text, have no rows; training does without them.
"""

import argparse
import re
from pathlib import Path

from speech import command

RATE, FRAMES_PER_SECOND = 16000, 100
"""Pocketsphinx's."""


def align_shard(path: Path) -> tuple[int, int]:
    """Write the alignments of one shard unless they are there. Returns how many recordings have one, and how many not.

    Raises InputError if pocketsphinx is not installed.
    """
    import numpy as np

    from speech.shards import Record, Shard, write_shard
    from speech.waveform import Waveform

    shard, out = Shard(path), alignment_path(path)
    ids = [record.id for record in shard.records]
    if out.exists() and [record.id for record in Shard(out).records] == ids:
        found = [record.length > 0 for record in Shard(out).records]
        return sum(found), len(found) - sum(found)
    decoder = _decoder()
    rows, records, at = [], [], 0
    for record in shard.records:
        samples = shard.data[record.start : record.start + record.length].astype(np.float32) / 32768
        wave = Waveform(samples, shard.metadata["settings"]["sample_rate"]).at(RATE)
        times = word_times(decoder, wave, record.text)
        rows.append(np.array(times, np.float32).reshape(-1, 2))
        records.append(Record(record.id, record.speaker, at, len(times), record.seconds))
        at += len(times)
    write_shard(out, rows, records, {"settings": {}})
    found = sum(record.length > 0 for record in records)
    return found, len(records) - found


def word_times(decoder, wave, text: str) -> list[tuple[float, float]]:
    """(from, to) in seconds of each word of a normalized text; nothing if it cannot be aligned."""
    import numpy as np

    from synthesizer.text.pronunciation import WORD, phones_of

    words = re.findall(WORD, re.sub(r"\{[^{}]*\}", " { ", text))
    for word in words:
        if decoder.lookup_word(word) is None:
            phones = phones_of(word)
            if phones is None:
                return []
            decoder.add_word(word, re.sub(r"\d", "", phones), True)
    if not words or "{" in text:
        return []
    decoder.set_align_text(" ".join(words))
    decoder.start_utt()
    decoder.process_raw((np.clip(wave.samples, -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    if not decoder.hyp():
        return []
    said = [segment for segment in decoder.seg() if segment.word[0] not in "<[+"]
    if [re.sub(r"\(\d+\)$", "", segment.word) for segment in said] != words:
        return []
    return [(s.start_frame / FRAMES_PER_SECOND, (s.end_frame + 1) / FRAMES_PER_SECOND) for s in said]


def alignment_path(shard: Path) -> Path:
    return shard.with_name(shard.name.replace("shard", "alignment"))


def _decoder():
    from speech.errors import InputError

    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise InputError("aligning needs a package that is not installed: pip install pocketsphinx") from error
    return Decoder(samprate=RATE, loglevel="FATAL", cmn="batch", lm=None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m synthesizer.align", description=__doc__.partition("\n")[0])
    parser.add_argument("prepared", type=Path, nargs="+", help="folders that `python -m synthesizer.preprocess` made")
    parser.add_argument("--jobs", type=int, default=-1, help="processes; default: one a core")
    arguments = parser.parse_args()

    import joblib
    from tqdm import tqdm

    from speech.errors import InputError

    shards = [
        path
        for folder in arguments.prepared
        for path in sorted((folder / "synthesizer").glob("shard-?????.safetensors"))
    ]
    if not shards:
        raise InputError(
            f"{arguments.prepared[0] / 'synthesizer'} holds no prepared corpus; "
            f"make one with `python -m synthesizer.preprocess CORPUS`"
        )
    work = joblib.Parallel(n_jobs=arguments.jobs, return_as="generator")(joblib.delayed(align_shard)(s) for s in shards)
    found, lacking = map(sum, zip(*tqdm(work, total=len(shards), unit="shard", desc="aligning")))
    print(f"{found} recordings aligned, {lacking} not")


if __name__ == "__main__":
    command.main(main)
