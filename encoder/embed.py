"""python -m encoder.embed PREPARED --encoder DIR: an embedding of every clip, beside the synthesizer's shards.

This is all that stage 2 needs of stage 1: for each shard-NNNNN.safetensors an embeddings-NNNNN.safetensors with one
row a recording, in the same order.
"""

import argparse
from contextlib import suppress
from pathlib import Path

from speech import command


def embed_shard(path: Path, model, fingerprint: str) -> int:
    """Write the embeddings of one shard of int16 audio unless they are there. Returns the number of recordings.

    A clip with too little speech for an embedding of its own gets the mean of its speaker's others in the shard, or
    where there are none, one of all its sound.
    """
    import numpy as np
    import torch

    from encoder.models.ge2e import LOUDNESS, features
    from speech.errors import InputError
    from speech.mel import log_mel
    from speech.shards import Shard, write_shard
    from speech.waveform import Waveform

    shard = Shard(path)
    out = path.with_name(path.name.replace("shard", "embeddings"))
    made_by = {"encoder": fingerprint, "ids": [record.id for record in shard.records]}
    if _made_by(out).items() >= made_by.items():
        return len(shard.records)
    rate = shard.metadata["settings"]["sample_rate"]

    def wave(record) -> Waveform:
        return Waveform(shard.data[record.start : record.start + record.length].astype(np.float32) / 32768, rate)

    mels = {}
    for row, record in enumerate(shard.records):
        with suppress(InputError):
            mels[row] = features(wave(record), model.mel)
    heard = {shard.records[row].speaker for row in mels}
    for row, record in enumerate(shard.records):
        if record.speaker not in heard:
            sound = wave(record).at(model.mel.sample_rate).at_loudness(LOUDNESS)
            mels[row] = log_mel(torch.from_numpy(sound.samples), model.mel).T
    embeddings = torch.zeros(len(shard.records), model.config.embedding)
    if mels:
        embeddings[list(mels)] = model.embed_features(list(mels.values())).float()
    for row in sorted(set(range(len(shard.records))) - set(mels)):
        same = [other for other in mels if shard.records[other].speaker == shard.records[row].speaker]
        embeddings[row] = torch.nn.functional.normalize(embeddings[same].mean(dim=0), dim=0)
    write_shard(out, [embeddings.numpy()], [], made_by)
    return len(shard.records)


def _made_by(path: Path) -> dict:
    """What the embeddings that stand at `path` were made from; nothing if there are no whole ones."""
    from speech.errors import InputError
    from speech.shards import Shard

    try:
        return Shard(path).metadata if path.exists() else {}
    except (InputError, KeyError):
        return {}


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
