"""python -m training.export FOLDER OUT: the weights to use and their settings, small enough to share."""

import argparse
import shutil
from pathlib import Path

from speech import command


def export(folder: Path, out: Path, half: bool = True, other: Path | None = None) -> Path:
    """Copy config.json and model.safetensors, in float16 unless `half` is False. Returns the path of the weights.

    other: a checkpoint of the same shapes; the weights are then halfway between the two. Raises InputError if it has
    other tensors.
    """
    from speech.errors import InputError
    from speech.files import whole_file
    from training.checkpoint import CONFIG, WEIGHTS, load_tensors, read_metadata, save_tensors

    tensors, metadata = load_tensors(folder / WEIGHTS), read_metadata(folder / WEIGHTS)
    if other:
        second = load_tensors(other / WEIGHTS)
        if {key: value.shape for key, value in tensors.items()} != {key: value.shape for key, value in second.items()}:
            raise InputError(f"{other} has other weights than {folder}: between them there is nothing")
        tensors = {
            key: (value.float() + second[key].float()) / 2 if value.is_floating_point() else value
            for key, value in tensors.items()
        }
    if half:
        tensors = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    save_tensors(out / WEIGHTS, tensors, metadata)
    with whole_file(out / CONFIG) as beside:
        shutil.copyfile(folder / CONFIG, beside)
    return out / WEIGHTS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a run's stage, e.g. saved_models/my_run/vocoder")
    parser.add_argument("out", type=Path, help="where to write, e.g. saved_models/default/vocoder")
    halfway = "a checkpoint that FOLDER was fine-tuned from: weights halfway between both (arXiv 2109.01903)"
    parser.add_argument("--halfway", type=Path, metavar="DIR", help=halfway)
    parser.add_argument("--full", action="store_true", help="keep float32 (default: float16, half the size)")
    arguments = parser.parse_args()
    path = export(arguments.folder, arguments.out, not arguments.full, arguments.halfway)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    command.main(main)
