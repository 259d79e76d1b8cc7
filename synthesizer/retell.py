"""python -m synthesizer.retell PREPARED --reference RECORDING: recordings as the decoder says them, in one voice.

A refiner learns from these pairs to give what is said in that one voice, as clear as the decoder can, every other. The
decoder hears the recordings while it says them, so that each sound comes when theirs does and as they pronounce it; but
it hears them disguised, their pitch and formants moved, lest it say whose voice it was. For each
shard-NNNNN.safetensors a retold-NNNNN.safetensors: (decoder steps, r * n_mels + lstm_dim + token_dim) float16, the
frames of each step side by side and what the decoder made them from.
"""

import argparse
from pathlib import Path

from speech import command

MOST_DISGUISE = 0.3
"""Recordings are heard this much higher or lower at most, as a logarithm."""


def retell_shards(corpus, data, model, voice, fingerprint: str, batch: int) -> int:
    """Write what is said of every shard that lacks it. voice: (256,). Returns the number of recordings."""
    import torch

    from synthesizer.beside import write_beside

    def tell(chosen: list[int]) -> list:
        torch.manual_seed(chosen[0])  # the same, whichever shards were there already
        return retold(model, data.batch(chosen, letters=0), voice)

    made_by = {"synthesizer": fingerprint, "voice": voice.tolist()}
    return write_beside(corpus, "retold", made_by, batch, tell, "retelling")


def retold(model, batch: dict, voice) -> list:
    """(steps, ...) float16 of each recording of a batch (see Data.batch) in a voice (256,)."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    from training.inference import fast_autocast
    from training.loop import to_device

    device, reduction = model.reduction.device, int(model.reduction)
    batch = to_device(batch, device)
    mels = F.pad(batch["mels"], (0, 0, 0, -batch["mels"].shape[1] % reduction), value=-11.5)
    heard = disguise(mels, torch.exp(MOST_DISGUISE * (2 * torch.rand(len(mels)) - 1)), model.mel)
    voices = voice.to(device).expand_as(batch["voices"])
    with torch.inference_mode(), fast_autocast(device):
        decoded = model(batch["tokens"], batch["token_lengths"], voices, heard, batch["mel_lengths"])
    groups = decoded.after.unflatten(1, (-1, reduction)).flatten(2)
    rows = torch.cat([groups, decoded.outputs], dim=-1).float().cpu().numpy().astype(np.float16)
    return [row[:count] for row, count in zip(rows, (-(-batch["mel_lengths"] // reduction)).tolist())]


def disguise(mels, factors, config):
    """Log mels (B, T, n_mels) of higher voices, by factors (B,): pitch and formants are moved, what is said stays."""
    import librosa
    import numpy as np
    import torch

    hertz = librosa.mel_frequencies(n_mels=config.n_mels + 2, fmin=config.fmin, fmax=config.fmax)[1:-1]
    places = [np.interp(hertz / factor, hertz, np.arange(len(hertz))) for factor in factors.tolist()]
    places = torch.from_numpy(np.stack(places)).to(mels)[:, None].expand_as(mels)
    below = places.long()
    values = [mels.gather(2, each) for each in (below, (below + 1).clamp_max(len(hertz) - 1))]
    return torch.lerp(*values, places - below)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m synthesizer.retell", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("prepared", type=Path, nargs="+", help="folders that synthesizer.preprocess and encoder.embed made")
    add("--reference", type=Path, required=True, help="a recording of the voice, one that the decoder says clearly")
    add("--encoder", type=Path, default=Path("saved_models/default/encoder"), metavar="DIR")
    add("--synthesizer", type=Path, required=True, metavar="DIR", help="without a refiner, or with one to be replaced")
    add("--batch", type=int, default=16, help="clips at a time (default 16)")
    add("--device", default="auto", help="auto, cpu or cuda (default auto)")
    arguments = parser.parse_args()

    from dataclasses import replace

    from speech.errors import InputError
    from speech.waveform import Waveform
    from synthesizer.data import Data
    from training.checkpoint import load_model
    from training.distributed import pick_device

    model, checkpoint = load_model(arguments.synthesizer, "synthesizer", pick_device(arguments.device))
    ears, encoder = load_model(arguments.encoder, "encoder")
    settings, arguments.corpora = checkpoint.settings, arguments.prepared
    schedule, bare = replace(settings.schedule, batch=1), replace(settings.model, refiner_layers=0)
    data = Data(arguments, replace(settings, schedule=schedule, model=bare))
    if {checkpoint.extra["encoder"], data.facts["encoder"]} != {encoder.fingerprint}:
        raise InputError(
            f"{arguments.encoder} is encoder {encoder.fingerprint}; the synthesizer learned from embeddings by "
            f"{checkpoint.extra['encoder']}, and the corpora have some by {data.facts['encoder']}: all must be of one"
        )
    voice = ears.embed([Waveform.read(arguments.reference)])[0].float().cpu()
    count = retell_shards(data.corpus, data, model, voice, checkpoint.fingerprint, arguments.batch)
    print(f"{count} recordings retold by {arguments.synthesizer} stand beside the shards as retold-*.safetensors")


if __name__ == "__main__":
    command.main(main)
