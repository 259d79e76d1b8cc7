"""What a recognizer expects to hear: a bigram model in ARPA's format, of the texts and many shuffles of their words.

Pocketsphinx's open vocabulary is weak. Told the texts alone it would hear them in any murmur; so for every text there
are DISTRACTORS sentences of as many words, drawn from the same words in no order.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from itertools import pairwise

DISTRACTORS = 10
DISCOUNT = 0.5
"""Taken from every count and given to what was not seen (absolute discounting, Ney et al. 1994)."""


def with_distractors(sentences: list[list[str]], seed: int = 0) -> list[list[str]]:
    """The sentences, and DISTRACTORS times as many of the same lengths made of all their words, shuffled."""
    rng = random.Random(seed)
    words = [word for sentence in sentences for word in sentence]
    found = list(sentences)
    for _ in range(DISTRACTORS):
        rng.shuffle(words)
        at = 0
        for sentence in sentences:
            found.append(words[at : at + len(sentence)])
            at += len(sentence)
    return found


def arpa(sentences: list[list[str]]) -> str:
    """A bigram model with absolute discounting that backs off to unigrams, as ARPA text."""
    unigrams: Counter = Counter()
    following: dict[str, Counter] = defaultdict(Counter)
    for sentence in sentences:
        marked = ["<s>", *sentence, "</s>"]
        unigrams.update(marked[1:])
        for before, word in pairwise(marked):
            following[before][word] += 1
    total = sum(unigrams.values())
    chance = {word: count / total for word, count in unigrams.items()}
    ones, twos = [f"-99 <s> {_backoff(following['<s>'], chance):.4f}"], []
    for word in sorted(chance):
        backoff = f" {_backoff(following[word], chance):.4f}" if following[word] else ""
        ones.append(f"{math.log10(chance[word]):.4f} {word}{backoff}")
    for before in sorted(following):
        count = sum(following[before].values())
        for word, seen in sorted(following[before].items()):
            twos.append(f"{math.log10((seen - DISCOUNT) / count):.4f} {before} {word}")
    counts = f"\\data\\\nngram 1={len(ones)}\nngram 2={len(twos)}\n"
    return "\n".join([counts, "\\1-grams:", *ones, "", "\\2-grams:", *twos, "", "\\end\\", ""])


def _backoff(seen: Counter, chance: dict[str, float]) -> float:
    """Logarithm of the factor of unigrams after a word: what was discounted, over what it may be given to."""
    freed = DISCOUNT * len(seen) / sum(seen.values())
    open_to = 1 - sum(chance[word] for word in seen)
    return math.log10(freed / open_to) if open_to > 1e-9 else -99.0
