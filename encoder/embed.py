"""python -m encoder.embed PREPARED --encoder DIR: an embedding of every clip, beside the synthesizer's shards.

This is all that stage 2 needs of stage 1: for each shard-NNNNN.safetensors an embeddings-NNNNN.safetensors with one
row a recording, in the same order.
"""

import argparse
from pathlib import Path

from speech import command


def embed_shard(path: Path, model, fingerprint: str) -> int:
    """Write the embeddings of one shard of int16 audio unless they are there. Returns the number of recordings.

    A clip with too little speech for an embedding of its own gets the mean of its speaker's others in the shard.
    """
    import numpy as np
    import torch

    from encoder.models.ge2e import features
    from speech.errors import InputError
    from speech.shards import Shard, shard_metadata, write_shard
    from speech.waveform import Waveform

    shard = Shard(path)
    out = path.with_name(path.name.replace("shard", "embeddings"))
    made_by = {"encoder": fingerprint, "ids": [record.id for record in shard.records]}
    if out.exists() and {k: v for k, v in shard_metadata(out).items() if k in made_by} == made_by:
        return len(shard.records)
    rate = shard.metadata["settings"]["sample_rate"]
    mels, rows = [], []
    for row, record in enumerate(shard.records):
        samples = shard.data[record.start : record.start + record.length].astype(np.float32) / 32768
        try:
            mels.append(features(Waveform(samples, rate), model.mel))
            rows.append(row)
        except InputError:
            continue
    embeddings = torch.zeros(len(shard.records), model.config.embedding)
    if mels:
        embeddings[rows] = model.embed_features(mels).float()
    for row in sorted(set(range(len(shard.records))) - set(rows)):
        same = [other for other in rows if shard.records[other].speaker == shard.records[row].speaker] or rows
        embeddings[row] = torch.nn.functional.normalize(embeddings[same].mean(dim=0), dim=0)
    write_shard(out, [embeddings.numpy()], [], made_by)
    return len(shard.records)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m encoder.embed", description=__doc__.partition("\n")[0])
    parser.add_argument("prepared", nargs="+", type=Path, help="folders that `python -m synthesizer.preprocess` made")
    parser.add_argument("--encoder", type=Path, default=Path("saved_models/default/encoder"), help="encoder checkpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    arguments = parser.parse_args()

    from tqdm import tqdm

    from speech.errors import InputError
    from training.checkpoint import load_model
    from training.distributed import pick_device

    paths = [
        path
        for folder in arguments.prepared
        for path in sorted((folder / "synthesizer").glob("shard-?????.safetensors"))
    ]
    if not paths:
        raise InputError(
            f"{arguments.prepared[0] / 'synthesizer'} holds no prepared corpus; "
            f"make one with `python -m synthesizer.preprocess CORPUS`"
        )
    model, checkpoint = load_model(arguments.encoder, "encoder", pick_device(arguments.device))
    count = sum(
        embed_shard(path, model, checkpoint.fingerprint) for path in tqdm(paths, unit="shard", desc="embedding")
    )
    print(f"{count} embeddings by {arguments.encoder} (step {checkpoint.step}) stand beside the shards")


if __name__ == "__main__":
    command.main(main)
