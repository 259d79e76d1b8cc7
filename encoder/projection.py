"""python -m encoder.projection PREPARED --encoder DIR --out umap.png: a map of voices.

UMAP (arXiv 1802.03426) lays embeddings out in the plane so that what sounds alike lies together.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from speech import command


def project(embeddings, seed: int = 0):
    """(N, C) unit-length embeddings as (N, 2) points in the plane; fewer than four points are laid on a line."""
    import numpy as np

    if len(embeddings) < 4:
        return np.stack([np.arange(len(embeddings), dtype=float), np.zeros(len(embeddings))], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap's own advice on threads and seeds
        import umap

        neighbors = min(15, len(embeddings) - 1)
        start = "random" if len(embeddings) < 8 else "spectral"
        return umap.UMAP(n_neighbors=neighbors, metric="cosine", init=start, random_state=seed).fit_transform(
            embeddings
        )


def plot(embeddings, names: list[str], path: Path, title: str) -> None:
    """Draw the projection, a color and marker for each name; the suffix of `path` is .png, .svg or .pdf."""
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    from speech.errors import InputError
    from speech.files import whole_file

    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"cannot write {path}: a picture is written as .png, .svg or .pdf")
    points = project(np.asarray(embeddings))
    figure = Figure(figsize=(9, 7), layout="constrained")
    axes = figure.add_subplot()
    speakers = sorted(set(names))
    for index, speaker in enumerate(speakers):
        chosen = points[[name == speaker for name in names]]
        # Ten colors by ten markers: a hundred speakers stay apart.
        color, marker = colormaps["tab10"](index % 10), "osD^vPX*<>"[index // 10 % 10]
        axes.scatter(*chosen.T, s=28, color=color, marker=marker, label=speaker, edgecolors="white", linewidths=0.4)
    axes.set(title=f"{title}: {len(names)} clips of {len(speakers)}", xticks=[], yticks=[])
    if len(speakers) <= 40:
        axes.legend(fontsize=7, ncols=1 + len(speakers) // 21, loc="center left", bbox_to_anchor=(1, 0.5))
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m encoder.projection", description=__doc__.partition("\n")[0])
    parser.add_argument("prepared", nargs="+", type=Path, help="folders that `python -m encoder.preprocess` made")
    parser.add_argument("--encoder", type=Path, default=Path("saved_models/default/encoder"), help="encoder checkpoint")
    parser.add_argument("--out", type=Path, default=Path("umap.png"), help="picture to write (default umap.png)")
    parser.add_argument("--speakers", type=int, default=20, help="how many speakers to show (default 20)")
    parser.add_argument("--clips", type=int, default=15, help="how many clips of each at most (default 15)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    arguments = parser.parse_args()

    import torch

    from speech.shards import PreparedCorpus
    from training.checkpoint import load_model
    from training.distributed import pick_device

    corpus = PreparedCorpus(arguments.prepared, "encoder", "python -m encoder.preprocess CORPUS")
    model, _ = load_model(arguments.encoder, "encoder", pick_device(arguments.device))
    mels, names = [], []
    for speaker, records in sorted(corpus.speakers().items(), key=lambda item: -len(item[1]))[: arguments.speakers]:
        for index in records[: arguments.clips]:
            mels.append(torch.from_numpy(corpus.array(index).astype("float32")))
            names.append(speaker)
    plot(model.embed_features(mels).numpy(), names, arguments.out, "UMAP of speaker embeddings")
    print(f"{len(names)} clips of {len(set(names))} speakers drawn in {arguments.out}")


if __name__ == "__main__":
    command.main(main)
