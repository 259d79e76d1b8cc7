"""python -m encoder.preprocess CORPUS: a corpus as mel shards for the speaker encoder.

Each recording is brought to one loudness, its pauses are removed (webrtcvad), and its log mels are kept in half
precision: (frames, 40), a hundred frames a second.
"""

import argparse
from dataclasses import asdict
from functools import partial

from speech import command
from speech.preparation import LeftOut, add_arguments, read_checked, run

SHORTEST, LONGEST = 1.6, 1200.0
"""Seconds; shorter recordings hold no whole partial."""


def features(utterance, mel):
    """(frames, n_mels) float16, seconds of speech, no text. Raises LeftOut."""
    import numpy as np

    from encoder.models import ge2e
    from speech.errors import InputError

    wave = read_checked(utterance, mel.sample_rate, SHORTEST, LONGEST)
    try:
        mels = ge2e.features(wave, mel).numpy().astype(np.float16)
    except InputError as error:
        raise LeftOut("too short", str(error)) from error
    seconds = len(mels) / mel.frames_per_second
    if seconds < SHORTEST:
        raise LeftOut("too short", f"{seconds:.2f} s of speech; at least {SHORTEST} s are needed")
    return mels, seconds, utterance.text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m encoder.preprocess", description=__doc__.partition("\n")[0])
    add_arguments(parser, "encoder")
    arguments = parser.parse_args()
    from speech.mel_config import ENCODER_MEL

    run(arguments, "encoder", partial(features, mel=ENCODER_MEL), {"mel": asdict(ENCODER_MEL)})


if __name__ == "__main__":
    command.main(main)
