"""python -m synthesizer.preprocess CORPUS: recordings with their texts as shards for the synthesizer (and the vocoder).

Each recording is resampled, its ends are trimmed, its loudness evened out, and it is kept as 16-bit samples: mels are
made from these when they are needed. Clips that teach bad habits are left out and listed: silence inside, a pace no
one speaks at, characters the text front-end does not know.
"""

import argparse
from functools import partial

from speech import command
from speech.preparation import LeftOut, add_arguments, read_checked, run

SHORTEST, LONGEST = 0.4, 15.0
"""Seconds of a recording, before and after trimming."""
LONGEST_PAUSE = 0.8
"""Seconds of silence inside a clip; longer ones teach the synthesizer to fall silent."""
LOUDNESS = -24.0
"""Decibels of full scale."""
PACE = (4.0, 30.0)
"""Characters a second that people speak at; outside, text and recording do not belong together."""


def features(utterance, sample_rate, pause, longest):
    """(samples,) int16, seconds, normalized text. Raises LeftOut."""
    import numpy as np

    from speech.errors import InputError
    from speech.trim import longest_pause, trim_ends
    from synthesizer.text import encode, normalize, unknown_characters

    if not utterance.text:
        raise LeftOut("no text", "there is no transcript; the synthesizer learns from text and recording together")
    unknown = unknown_characters(utterance.text)
    if unknown:
        named = ", ".join(f"{character!r} ({name})" for character, name in unknown)
        raise LeftOut("unknown characters", f"{named} in {utterance.text!r}")
    try:
        text = normalize(utterance.text)
        encode(text)
    except InputError as error:
        raise LeftOut("no text", str(error)) from error
    wave = trim_ends(read_checked(utterance, sample_rate, SHORTEST, longest + 5))
    if wave.seconds < SHORTEST:
        raise LeftOut("too short", f"{wave.seconds:.2f} s of speech; at least {SHORTEST} s are needed")
    if wave.seconds > longest:
        raise LeftOut("too long", f"{wave.seconds:.1f} s of speech; at most {longest:g} s are used")
    found = longest_pause(wave)
    if found > pause:
        raise LeftOut("long silence inside", f"{found:.2f} s; at most {pause:g} s are used")
    pace = len(text) / wave.seconds
    if wave.seconds > 1.5 and not PACE[0] <= pace <= PACE[1]:
        raise LeftOut("text does not fit", f"{pace:.1f} characters a second; people speak {PACE[0]:g} to {PACE[1]:g}")
    samples = wave.at_loudness(LOUDNESS).peak_limited().samples
    return np.round(samples * 32767).astype(np.int16), wave.seconds, text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m synthesizer.preprocess", description=__doc__.partition("\n")[0])
    add_arguments(parser, "synthesizer")
    parser.add_argument("--sample-rate", type=int, default=22050, help="must be that of the models (default 22050)")
    parser.add_argument(
        "--longest-pause", type=float, default=LONGEST_PAUSE, metavar="S",
        help=f"leave out clips with a longer silence inside (default {LONGEST_PAUSE} s)",
    )  # fmt: skip
    parser.add_argument(
        "--longest", type=float, default=LONGEST, metavar="S", help=f"longest clip (default {LONGEST:g} s)"
    )
    arguments = parser.parse_args()
    settings = {
        "sample_rate": arguments.sample_rate,
        "longest_pause": arguments.longest_pause,
        "longest": arguments.longest,
    }
    work = partial(
        features, sample_rate=arguments.sample_rate, pause=arguments.longest_pause, longest=arguments.longest
    )
    run(arguments, "synthesizer", work, settings)


if __name__ == "__main__":
    command.main(main)
