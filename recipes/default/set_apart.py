"""Part corpora by speaker: those the default models learn from, and those they never hear.

    python recipes/default/set_apart.py datasets_root/LibriSpeech datasets_root/speechocean762 --out datasets_root

makes OUT/heard/<corpus> and OUT/apart/<corpus>, each a corpus in its own layout, of links to the recordings. Who is set
apart stands in `apart.txt`, so that every stage, whatever it learns from, leaves the same speakers out.
"""

import argparse
import sys
from pathlib import Path

LIST = Path(__file__).with_name("apart.txt")


def read_list(path: Path) -> dict[str, set[str]]:
    """`LibriSpeech 1919 1993 ...` lines as {corpus: speakers}; # begins a comment."""
    lines = (line.split("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    apart: dict[str, set[str]] = {}
    for corpus, *speakers in filter(None, lines):
        apart.setdefault(corpus, set()).update(speakers)
    return apart


def part(source: Path, heard: Path, apart: Path, names: set[str]) -> set[str]:
    """Link what lies in `source` into the folder `heard`, but speakers' folders among `names` into `apart`; plain
    files go into both. Returns the names that were found."""
    found = set()
    among_speakers = holds(source, names)
    for path in sorted(source.iterdir()):
        own = {path.name, path.name.removeprefix("SPEAKER")} & names
        if path.is_file():
            link(path, heard / path.name)
            link(path, apart / path.name)
        elif own:
            found |= own
            link(path, apart / path.name)
        elif not among_speakers and any(holds(folder, names) for folder in (path, *path.iterdir())):
            found |= part(path, heard / path.name, apart / path.name, names)
        elif among_speakers or any(child.is_dir() for child in path.iterdir()):
            link(path, heard / path.name)
        else:  # lists and the like, which no speaker owns
            link(path, heard / path.name)
            link(path, apart / path.name)
    return found


def holds(folder: Path, names: set[str]) -> bool:
    """Is this the folder that holds a folder for each speaker?"""
    return any((folder / name).is_dir() or (folder / f"SPEAKER{name}").is_dir() for name in names)


def link(path: Path, at: Path) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    if not at.is_symlink():
        at.symlink_to(path.resolve())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpora", type=Path, nargs="+", help="unpacked corpora, named as in apart.txt")
    parser.add_argument("--out", type=Path, default=Path("datasets_root"))
    arguments = parser.parse_args()
    apart = read_list(LIST)
    for corpus in arguments.corpora:
        names = apart.get(corpus.name, set())
        found = part(corpus, arguments.out / "heard" / corpus.name, arguments.out / "apart" / corpus.name, names)
        if found != names:
            sys.exit(f"{corpus} lacks the speakers {', '.join(sorted(names - found))} of {LIST}")
        print(f"{corpus.name}: {len(found)} speakers set apart")


if __name__ == "__main__":
    main()
