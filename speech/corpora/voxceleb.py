"""VoxCeleb1 and VoxCeleb2: celebrities cut from YouTube interviews, 1251 and 6112 speakers at 16 kHz, no transcripts.

    VoxCeleb1/                              VoxCeleb2/
        wav/id10001/<video>/00001.wav           dev/aac/id00012/<video>/00001.m4a
    or  vox1_dev_wav/wav/id10001/...            test/aac/id00017/...
        vox1_test_wav/wav/id10270/...       or  vox2_dev_aac/..., vox2_test_aac/...

The split is `dev` or `test`, as a folder says; in a VoxCeleb1 unpacked to one `wav/`, the 40 speakers of its official
test (id10270 to id10309) are `test`, so that no verification result is ever learned by heart. The language is `und`:
the corpora state none, and VoxCeleb2 has many.

License: CC BY 4.0 for the lists; the recordings' rights stay with their owners. Nagrani, Chung, Zisserman: "VoxCeleb: a
large-scale speaker identification dataset", Interspeech 2017; Chung, Nagrani, Zisserman: "VoxCeleb2: Deep Speaker
Recognition", Interspeech 2018.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from speech.corpora.files import identifier, list_audio, list_folders, peek
from speech.utterance import Utterance

LAYOUT = "wav/id10001/<video>/00001.wav, or dev/aac/id00012/<video>/00001.m4a"

CONTAINER = re.compile(r"(vox[12]_)?(dev|test)(_(wav|aac|m4a|txt))*|wav|aac|m4a", re.IGNORECASE)
"""Names of the folders above the speakers."""
VOXCELEB1_TEST = range(10270, 10310)


def recognize(root: Path) -> bool:
    return next(_speakers(root, lambda folder: peek(folder)[0]), None) is not None


def utterances(root: Path) -> Iterator[Utterance]:
    for speaker in _speakers(root, list_folders):
        split = _split(root, speaker)
        for video in (speaker, *list_folders(speaker)):
            for audio in list_audio(video):
                name = "-".join(audio.with_suffix("").parts[len(speaker.parts) - 1 :])
                yield Utterance(identifier(name), audio, speaker.name, language="und", split=split)


def _speakers(folder: Path, below: Callable[[Path], list[Path]], depth: int = 3) -> Iterator[Path]:
    for path in below(folder):
        if re.fullmatch(r"id\d{5}", path.name):
            yield path
        elif depth and CONTAINER.fullmatch(path.name):
            yield from _speakers(path, below, depth - 1)


def _split(root: Path, speaker: Path) -> str:
    above = (root.resolve().name, *speaker.relative_to(root).parts[:-1])
    for name in reversed(above):
        if (match := CONTAINER.fullmatch(name)) and match[2]:
            return match[2].lower()
    return "test" if int(speaker.name[2:]) in VOXCELEB1_TEST else "dev"
