"""Long text in pieces a synthesizer does well, and the silence that follows each.

The text is normalized first: then a dot that is left ends a sentence, whatever Dr. J. R. Smith paid at 3.50 p.m.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from speech.errors import InputError
from synthesizer.text.normalizing import GOES_ON, paragraphs

PARAGRAPH, SENTENCE, CLAUSE, COMMA, PHRASE = 0.6, 0.35, 0.25, 0.15, 0.05
"""Seconds of silence."""
SHORTEST_LIMIT = 20

_SENTENCE = re.compile(r"(?<=[.!?]) |(?<=[.!?][\"')]) |(?<=[.!?][\"')][\"')]) ")
_BREAKS = (
    re.compile(r"[;:][\"')]* "),
    re.compile(r"(?:,[\"')]*|[.!?][\"')]*" + GOES_ON + r"| -) "),
    re.compile(r" "),
)
_SPEAKABLE = re.compile("[a-z{]")
_BRACES = re.compile(r"\{[^{}]*\}")
_JOINED = "\ue002"
"""Stands for a space between phones, where no piece may end."""


class Piece(NamedTuple):
    text: str
    """Normalized; normalizing it again changes nothing."""
    pause: float
    """Seconds of silence to follow."""


def split_sentences(text: str, longest: int = 160) -> list[Piece]:
    """Sentences, none over `longest` characters: longer ones part at ; or :, then commas, then words."""
    if longest < SHORTEST_LIMIT:
        raise InputError(f"pieces of at most {longest} characters are too short; at least {SHORTEST_LIMIT} are needed")
    pieces: list[Piece] = []
    for paragraph in paragraphs(text):
        joined = _BRACES.sub(lambda m: _short_braces(m[0], longest), paragraph)
        parts = [part for sentence in _sentences(joined) for part in _parts(sentence, longest)]
        parts = [part.replace(GOES_ON, "").replace(_JOINED, " ").strip() for part in parts]
        pieces += [Piece(part, _pause(part)) for part in parts]
        if pieces and parts:
            pieces[-1] = pieces[-1]._replace(pause=PARAGRAPH)
    if pieces:
        pieces[-1] = pieces[-1]._replace(pause=0.0)
    return pieces


def _sentences(text: str) -> list[str]:
    """Sentences with at least one word each; marks on their own stay with the sentence before."""
    found: list[str] = []
    for sentence in _SENTENCE.split(text):
        if _SPEAKABLE.search(sentence):
            found.append(sentence)
        elif found and sentence:
            found[-1] += " " + sentence
    return found


def _parts(sentence: str, longest: int) -> list[str]:
    """A sentence cut at its best places: the strongest mark in the last two thirds of what fits, else a space."""
    found, start = [], 0
    while len(sentence) - start > longest:
        end = _break(sentence, start, longest)
        found.append(sentence[start:end])
        start = end
    found.append(sentence[start:])
    whole: list[str] = []
    for part in found:
        if _SPEAKABLE.search(part):
            whole.append(part)
        elif whole and len(whole[-1]) + len(part) <= longest:
            whole[-1] += part  # marks on their own, where there is room
    return whole


def _break(sentence: str, start: int, longest: int) -> int:
    for pattern, least in zip(_BREAKS, (longest // 3, longest // 3, 0)):
        ends = [match.end() for match in pattern.finditer(sentence, start + least, start + longest + 1)]
        if ends:
            return ends[-1]
    return start + longest  # one word longer than all


def _pause(part: str) -> float:
    """The silence after a piece, by the mark it ends with."""
    last = part.rstrip("\"')")[-1:]
    if last in (".", "!", "?"):
        return SENTENCE
    if last in (";", ":"):
        return CLAUSE
    return COMMA if last in (",", "-") else PHRASE


def _short_braces(braces: str, longest: int) -> str:
    """Phones held together; more of them than fit one piece become several braces."""
    groups = [""]
    for phone in braces[1:-1].split():
        if len(groups[-1]) + len(phone) + 3 > longest:
            groups.append("")
        groups[-1] += _JOINED * bool(groups[-1]) + phone
    return " ".join("{" + group + "}" for group in groups)
