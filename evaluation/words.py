"""Are the words understood? Word and character error rates by a recognizer, always to be read beside real speech's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluation.sounds import Row
from synthesizer.text import normalize


def words_of(text: str) -> list[str]:
    """The words of a text as they are said: normalized, lower case, without punctuation."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*", normalize(text).replace("-", " "))


def mistakes(said: Sequence, heard: Sequence) -> int:
    """Fewest substitutions, insertions and deletions that make one sequence the other (Levenshtein 1966)."""
    row = list(range(len(heard) + 1))
    for i, one in enumerate(said, start=1):
        before, row = row, [i]
        for j, other in enumerate(heard, start=1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (one != other)))
    return row[-1]


def rates(pairs: list[tuple[list[str], list[str]]]) -> dict[str, float]:
    """Word and character error rate of pairs of (said, heard) words, over all of them together."""
    words = sum(len(said) for said, _ in pairs)
    letters = sum(len(" ".join(said)) for said, _ in pairs)
    return {
        "wer": sum(mistakes(said, heard) for said, heard in pairs) / max(words, 1),
        "cer": sum(mistakes(" ".join(said), " ".join(heard)) for said, heard in pairs) / max(letters, 1),
    }


def hear(row: Row, recognizer, texts: list[str]) -> dict:
    """{"wer", "cer", "heard": {file: what the recognizer heard}} of a row whose texts are known."""
    from tqdm import tqdm

    pairs, heard = [], {}
    for sound in tqdm(row.sounds, desc=f"words of {row.title}", leave=False):
        if sound.text is None:
            continue
        # Words it has no sounds for are left out on both sides.
        said = [word for word in words_of(sound.text) if recognizer.knows(word)]
        heard[sound.path.name] = recognizer.transcribe(sound.wave, texts)
        pairs.append((said, words_of(heard[sound.path.name]) if heard[sound.path.name] else []))
    return rates(pairs) | {"heard": heard}


def unknown_words(texts: list[str], recognizer) -> list[str]:
    """Words that the recognizer cannot know, each once."""
    return sorted({word for text in texts for word in words_of(text) if not recognizer.knows(word)})
