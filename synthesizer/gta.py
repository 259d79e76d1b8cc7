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
    from tqdm import tqdm

    from speech.shards import Record, shard_metadata, write_shard
    from training.inference import fast_autocast
    from training.loop import to_device

    device = next(model.parameters()).device
    first = 0
    for shard in tqdm(corpus.shards, unit="shard", desc="predicting"):
        indices = list(range(first, first + len(shard.records)))
        first += len(shard.records)
        out = shard.path.with_name(shard.path.name.replace("shard", "gta"))
        if out.exists() and shard_metadata(out).get("synthesizer") == fingerprint:
            continue
        mels: dict[int, np.ndarray] = {}
        by_length = sorted(indices, key=lambda i: corpus.records[i].length)
        for start in range(0, len(by_length), batch):
            chosen = by_length[start : start + batch]
            inputs = to_device(data.batch(chosen), device)
            with torch.inference_mode(), fast_autocast(device):
                predicted = model.predict(inputs).float().cpu().numpy()
            for index, mel, length in zip(chosen, predicted, inputs["mel_lengths"].tolist()):
                mels[index] = mel[:length].astype(np.float16)
        records, at = [], 0
        for index in indices:
            own = corpus.records[index]
            records.append(Record(own.id, own.speaker, at, len(mels[index]), own.seconds, own.text))
            at += len(mels[index])
        write_shard(out, [mels[i] for i in indices], records, {"settings": {}, "synthesizer": fingerprint})
    return first


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
