"""python -m encoder.projection PATH... --out umap.png: a map of voices.

UMAP (arXiv 1802.03426) lays embeddings out in the plane so that what sounds alike lies together. A path is a folder
that `python -m encoder.preprocess` made, a folder of recordings, a sound file, or a .voice file or a folder of them.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from speech import command

NEIGHBORS = 5
"""Whose speakers are looked at for purity."""
PICTURES = (".png", ".svg", ".pdf", ".html")


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


def purity(embeddings, speakers: list[str], neighbors: int = NEIGHBORS) -> float | None:
    """How pure a clip's neighborhood is: the share of its nearest clips, by cosine, that are its speaker's.

    Of a speaker with few clips, no more neighbors are looked at than there can be of that speaker. None if no speaker
    has two clips.
    """
    import numpy as np

    vectors = np.asarray(embeddings, np.float64)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    names = np.asarray(speakers)
    shares = []
    for row, speaker in zip(cosines, names):
        count = min(neighbors, int((names == speaker).sum()) - 1)
        if count:
            shares.append((names[np.argsort(-row)[:count]] == speaker).mean())
    return float(np.mean(shares)) if shares else None


def plot(embeddings, names: list[str], path: Path, title: str) -> None:
    """Project and draw, a color and marker for each name; the suffix of `path` is .png, .svg, .pdf or .html."""
    check_picture(path)
    draw(project(embeddings), names, names, path, title)


def draw(points, groups: list[str], labels: list[str], path: Path, title: str) -> None:
    """Draw points (N, 2): groups have colors and markers, labels say what each point is where a page can show it."""
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    from speech.files import whole_file

    check_picture(path)
    if path.suffix.lower() == ".html":
        from encoder.projection_page import write_page

        return write_page(points, groups, labels, path, title)
    points = np.asarray(points)
    figure = Figure(figsize=(9, 7), layout="constrained")
    axes = figure.add_subplot()
    names = sorted(set(groups))
    for index, name in enumerate(names):
        chosen = points[[group == name for group in groups]]
        # Ten colors by ten markers: a hundred speakers stay apart.
        color, marker = colormaps["tab10"](index % 10), "osD^vPX*<>"[index // 10 % 10]
        axes.scatter(*chosen.T, s=28, color=color, marker=marker, label=name, edgecolors="white", linewidths=0.4)
    axes.set(title=f"{title}: {len(groups)} clips of {len(names)}", xticks=[], yticks=[])
    if len(names) <= 40:
        axes.legend(fontsize=7, ncols=1 + len(names) // 21, loc="center left", bbox_to_anchor=(1, 0.5))
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=110)


def check_picture(path: Path) -> None:
    from speech.errors import InputError

    if path.suffix.lower() not in PICTURES:
        raise InputError(f"cannot write {path}: a picture is written as .png, .svg or .pdf, a page to explore as .html")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m encoder.projection", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="prepared corpora, folders of recordings, .voice files")
    add("--encoder", type=Path, default=Path("saved_models/default/encoder"), help="encoder checkpoint")
    add("--out", nargs="+", type=Path, default=[Path("umap.png")], metavar="FILE",
        help="what to write: .png, .svg, .pdf, and .html for a page to explore (default umap.png)")  # fmt: skip
    add("--color", choices=("speaker", "gender", "corpus"), default="speaker", help="colors by this (default speaker)")
    add(
        "--speaker-table",
        type=Path,
        metavar="FILE",
        help="who is F and who M, such as LibriSpeech's SPEAKERS.TXT, where it does not lie beside the corpus",
    )
    add("--speakers", type=int, default=20, help="how many speakers of each path at most (default 20)")
    add("--clips", type=int, default=15, help="how many clips of each at most (default 15)")
    add("--device", default="auto", help="auto, cpu or cuda (default auto)")
    arguments = parser.parse_args()
    for path in arguments.out:
        check_picture(path)

    import numpy as np

    from encoder.projection_sources import UNKNOWN, embed_all
    from speech.files import check_can_write
    from training.checkpoint import load_model
    from training.distributed import pick_device

    for path in arguments.out:
        check_can_write(path)
    model, checkpoint = load_model(arguments.encoder, "encoder", pick_device(arguments.device))
    clips, left_out = embed_all(
        arguments.paths, model, checkpoint, arguments.speakers, arguments.clips, arguments.speaker_table
    )
    for sentence in left_out:
        print(f"left out: {sentence}")
    if arguments.color == "gender" and all(clip.gender == UNKNOWN for clip in clips):
        print("no gender is known of any speaker here; --speaker-table names a file that tells")
    vectors, speakers = np.stack([clip.embedding for clip in clips]), [clip.speaker for clip in clips]
    points = project(vectors)
    for path in arguments.out:
        labels = [f"{clip.label}, {clip.speaker}" for clip in clips]
        draw(points, [getattr(clip, arguments.color) for clip in clips], labels, path, "UMAP of speaker embeddings")
    print(f"{len(clips)} clips of {len(set(speakers))} speakers drawn in {', '.join(map(str, arguments.out))}")
    found = purity(vectors, speakers)
    if found is not None:
        print(f"speaker purity: {found:.1%} of a clip's {NEIGHBORS} nearest are its speaker's")


if __name__ == "__main__":
    command.main(main)
