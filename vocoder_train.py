"""Train a vocoder: `python vocoder_train.py my_run datasets_root/prepared/LibriTTS`."""

from speech.command import main
from training.command import parser, run


def command() -> int:
    commands = parser(
        "vocoder", "hifigan", "prepared folders: what `python -m vocoder.preprocess` made, or synthesizer's"
    )
    commands.add_argument(
        "--gta",
        action="store_true",
        help="learn from the synthesizer's own mels, which `python -m synthesizer.gta` wrote beside its sound",
    )
    return run(commands.parse_args(), "vocoder")


if __name__ == "__main__":
    main(command)
