"""The symbols a Tacotron 2 reads: letters, punctuation and ARPAbet phones.

The table is ordered: a token is a place in it. A checkpoint keeps the table it was trained with, and `differences` says
in words where two tables part. Phones are those of the CMU Pronouncing Dictionary
(http://www.speech.cs.cmu.edu/cgi-bin/cmudict):
24 consonants, and 15 vowels each bare or with a stress digit (0 none, 1 primary, 2 secondary).
"""

from __future__ import annotations

from collections.abc import Sequence

PADDING = "_"
END = "~"
PUNCTUATION = "!'\"(),-.:;?"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
CONSONANTS = tuple(_CONSONANTS.split())
PHONES = tuple(sorted(CONSONANTS + tuple(vowel + stress for vowel in VOWELS for stress in ("", "0", "1", "2"))))
SYMBOLS = (PADDING, END, " ", *PUNCTUATION, *LETTERS, *("@" + phone for phone in PHONES))
"""Phones carry an @, so that the phone B and the letter b are never taken for one another."""


def differences(stored: Sequence[str], current: Sequence[str] = SYMBOLS) -> list[str]:
    """One clause for each way in which a stored table is not the current one; empty when they are equal.

    >>> differences(["_", "~", "a"], ["_", "~", "b"])
    ["'a' is only in the stored table", "'b' is only in the current table"]
    """
    found = [f"{symbol!r} is only in the stored table" for symbol in stored if symbol not in set(current)]
    found += [f"{symbol!r} is only in the current table" for symbol in current if symbol not in set(stored)]
    if not found and list(stored) != list(current):
        pairs = zip(stored, current)
        place, old, new = next(((i, a, b) for i, (a, b) in enumerate(pairs) if a != b), (len(current), None, None))
        found = [f"token {place} is {old!r} in the stored table and {new!r} in the current one"]
        if old is None:
            found = [f"the stored table has {len(stored)} symbols, the current one {len(current)}"]
    return found
