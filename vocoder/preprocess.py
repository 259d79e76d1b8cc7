"""`python -m vocoder.preprocess CORPUS`: recordings as 16-bit samples at the vocoder's rate, in shards.

A corpus prepared for the synthesizer needs no such preparation: the vocoder reads the same sound from there.
"""

from __future__ import annotations

import argparse
from functools import partial

from speech.command import main

SHORTEST, LONGEST = 0.5, 60.0
"""Seconds."""


def features(utterance, sample_rate: int):
    """An utterance's samples (N,) int16 at `sample_rate`, its seconds, its text; raises LeftOut."""
    import numpy as np

    from speech.preparation import read_checked

    wave = read_checked(utterance, sample_rate, SHORTEST, LONGEST)
    samples = np.clip(np.round(wave.samples * 32768), -32768, 32767).astype(np.int16)
    return samples, wave.seconds, utterance.text


def command() -> None:
    from speech.preparation import add_arguments, run

    parser = argparse.ArgumentParser(
        prog="python -m vocoder.preprocess",
        description=f"Prepare a corpus for the vocoder. Recordings of {SHORTEST:g} to {LONGEST:g} s are used.",
    )
    add_arguments(parser, "vocoder")
    parser.add_argument("--sample-rate", type=int, default=22050, metavar="HZ", help="default 22050")
    arguments = parser.parse_args()
    settings = {"sample_rate": arguments.sample_rate}
    run(arguments, "vocoder", partial(features, sample_rate=arguments.sample_rate), settings)


if __name__ == "__main__":
    main(command)
