"""Clone voices in a desktop window. `python demo_toolbox.py --help` says how."""

import argparse
from pathlib import Path

from speech import command

ROOT = Path(__file__).parent


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Record a voice, hear it speak: the toolbox in a desktop window.")
    add = parser.add_argument
    add(
        "--datasets-root", type=Path, default=ROOT / "datasets_root", metavar="DIR",
        help="where corpora are unpacked, to browse them (default datasets_root)",
    )  # fmt: skip
    add(
        "--models-dir", type=Path, default=ROOT / "saved_models", metavar="DIR",
        help="where runs are; every checkpoint in it can be chosen (default saved_models)",
    )  # fmt: skip
    add("--device", default="auto", help="auto, cpu or cuda (default auto)")
    add("--seed", type=int, help="begin with this seed; the same seed gives the same sound")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    from toolbox.app import run

    return run(arguments.datasets_root, arguments.models_dir, arguments.device, arguments.seed)


if __name__ == "__main__":
    command.main(main)
