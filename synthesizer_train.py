"""Train the synthesizer. `python synthesizer_train.py --help` says how."""

from speech import command
from training.command import parser, run


def main() -> int:
    prepared = "prepared and embedded corpora (python -m synthesizer.preprocess, then python -m encoder.embed)"
    return run(parser("synthesizer", "tacotron2", prepared).parse_args(), "synthesizer")


if __name__ == "__main__":
    command.main(main)
