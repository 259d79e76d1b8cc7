"""python -m synthesizer.gta PREPARED --synthesizer DIR: ground-truth-aligned mels to train a vocoder on.

The synthesizer predicts every recording's mel from the true frames before it, so that its mistakes come with the
sound they should have been. For each shard-NNNNN.safetensors a gta-NNNNN.safetensors: (frames, n_mels) float16.
"""

import argparse
from pathlib import Path

from speech import command


def write_gta(corpus, data, model, fingerprint: str, batch: int) -> int:
    """Write the mels of every shard that lacks them. Returns the number of recordings."""
    import numpy as np
    import torch

    from synthesizer.beside import write_beside
    from training.inference import fast_autocast
    from training.loop import to_device

    device = next(model.parameters()).device

    def predict(chosen: list[int]) -> list[np.ndarray]:
        inputs = to_device(data.batch(chosen), device)
        with torch.inference_mode(), fast_autocast(device):
            mels = model.predict(inputs).float().cpu().numpy().astype(np.float16)
        return [mel[:length] for mel, length in zip(mels, inputs["mel_lengths"].tolist())]

    return write_beside(corpus, "gta", {"synthesizer": fingerprint}, batch, predict, "predicting")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m synthesizer.gta", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "prepared", type=Path, nargs="+", help="folders that synthesizer.preprocess and encoder.embed made"
    )
    parser.add_argument("--synthesizer", type=Path, default=Path("saved_models/default/synthesizer"), metavar="DIR")
    parser.add_argument("--batch", type=int, default=16, help="clips at a time (default 16)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    arguments = parser.parse_args()

    from synthesizer.data import Data
    from training.checkpoint import load_model
    from training.config import override
    from training.distributed import pick_device

    model, checkpoint = load_model(arguments.synthesizer, "synthesizer", pick_device(arguments.device))
    arguments.corpora = arguments.prepared
    data = Data(arguments, override(checkpoint.settings, ["schedule.batch=1"]))
    count = write_gta(data.corpus, data, model, checkpoint.fingerprint, arguments.batch)
    print(
        f"{count} mels by {arguments.synthesizer} (step {checkpoint.step}) stand beside the shards as gta-*.safetensors"
    )


if __name__ == "__main__":
    command.main(main)
