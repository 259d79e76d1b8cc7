"""Train the speaker encoder. `python encoder_train.py --help` says how."""

from speech import command
from training.command import parser, run


def main() -> int:
    prepared = "prepared corpora, e.g. datasets_root/prepared/LibriSpeech (python -m encoder.preprocess makes them)"
    return run(parser("encoder", "ge2e", prepared).parse_args(), "encoder")


if __name__ == "__main__":
    command.main(main)
