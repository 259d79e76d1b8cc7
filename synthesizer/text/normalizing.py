"""Written English to the words that will be spoken, in lower case, with the punctuation that shapes them.

The order matters: what has the most telling form goes first (addresses, abbreviations, dates), plain numbers next,
letters and single symbols last. Every rule looks at a bounded stretch of text from a fixed start, so the time is linear
in the text.
"""

from __future__ import annotations

import re

from synthesizer.text.abbreviations import expand_abbreviations
from synthesizer.text.characters import fold
from synthesizer.text.letters import expand_letters, expand_roman
from synthesizer.text.numbers import expand_numbers
from synthesizer.text.quantities import CURRENCIES, expand_quantities
from synthesizer.text.symbols import LETTERS, PUNCTUATION
from synthesizer.text.times import expand_times
from synthesizer.text.web import expand_addresses

PHONES_HERE = "\ue000"
"""Stands for one {...} while the rules run; fold() lets no such character through from the text."""
GOES_ON = "\ue001"
"""After a mark that looks like a sentence's end, but a small letter follows: '"Stop!" he said'."""

SYMBOLS = {
    "&": "and",
    "@": "at",
    "%": "percent",
    "+": "plus",
    "=": "equals",
    "<": "less than",
    ">": "greater than",
    "^": "caret",
    "~": "tilde",
    "\\": "backslash",
    "/": "slash",
    "*": "asterisk",
    "#": "hash",
    "°": "degrees",
    "²": "squared",
    "³": "cubed",
    "µ": "micro",
    "Ω": "ohms",
    "¢": "cents",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    **{sign: names[0] + "s" for sign, names in CURRENCIES.items() if len(sign) == 1},
}
BRACKETS = str.maketrans("[]{}|_–", "()(), -")

_BRACES = re.compile(r"\{([^{}]*)\}")
_BULLET = re.compile(r"^[ \t]*(?:[*+>#-]+[ \t]+)+", re.MULTILINE)
_RULE = re.compile(r"([-=*_#~+])\1{2,}")
_EMPHASIS = re.compile(r"(?<![\w*])\*{1,3}(?=[^\s*])([^*\n]{1,300})(?<!\s)\*{1,3}(?![\w*])")
_SENTENCE_END = re.compile(r"[.!?:;][\"')]*$")
_SYMBOL = re.compile("[" + re.escape("".join(SYMBOLS)) + "]")
_FOREIGN = re.compile(f"[^{LETTERS}{re.escape(PUNCTUATION)} {PHONES_HERE}{GOES_ON}]")
_SEEMING_END = re.compile(r"([!?.][\"')]+|\.\.\.) (?=[a-z])")
_TIDY = (
    (re.compile(r" +"), " "),
    (re.compile(r"[!?]{2,}"), lambda m: "?" if "?" in m[0] else "!"),
    (re.compile(r"\.(?: ?\.)+"), "..."),
    (re.compile(r" (?=[,.;:!?)])"), ""),
    (re.compile(r"(?<=\() "), ""),
    (re.compile(r"\(\)"), ""),
    (re.compile(r"[,;:](?=[,.;:!?])"), ""),
    (re.compile(r"(?<=[,;:])(?=[a-z])|(?<=[.!?])(?=[a-z])"), " "),
    (re.compile(r"(?:(?<= )|^)-+(?:[ -]*-)?(?= |$)"), "-"),
    (re.compile(r"-{2,}"), " - "),
    (re.compile(r" +"), " "),
)


def normalize(text: str) -> str:
    """Lower-case words and punctuation exactly as they will be spoken; ARPAbet in braces is kept.

    >>> normalize("Dr. Smith paid $3.50 at 9am.")
    'doctor smith paid three dollars and fifty cents at nine ay em.'
    """
    return " ".join(paragraphs(text)).replace(GOES_ON, "")


def paragraphs(text: str) -> list[str]:
    """The same, a string for each paragraph or free-standing line, with GOES_ON where a sentence only seems to end."""
    phones = [" ".join(inside.split()).upper() for inside in _BRACES.findall(text)]
    folded = [fold(part)[0] for part in _BRACES.split(text)[::2]]
    text = folded[0] + "".join((PHONES_HERE if inside else "") + part for inside, part in zip(phones, folded[1:]))
    held = iter([inside for inside in phones if inside])
    words = (_words(paragraph) for paragraph in _lines_joined(text))
    return [re.sub(PHONES_HERE, lambda _: "{" + next(held) + "}", part).replace("}{", "} {") for part in words if part]


def unknown_characters(text: str) -> list[tuple[str, str]]:
    """Characters that will not be heard, each once, in order: (character, its Unicode name)."""
    return fold(_BRACES.sub("", text))[1]


def _lines_joined(text: str) -> list[str]:
    """Paragraphs. A line is wrapped, and belongs to the next, if that goes on in small letters or this one is long."""
    found: list[list[str]] = []
    previous = ""
    for line in _RULE.sub(_drawn, _BULLET.sub("", text)).split("\n"):
        line = " ".join(line.split())
        wrapped = previous and not _SENTENCE_END.search(previous[-4:]) and (len(previous) >= 50 or line[:1].islower())
        if line and wrapped:
            found[-1].append(line)
        elif line:
            found.append([line])
        previous = line
    return [" ".join(lines) for lines in found]


def _drawn(match: re.Match[str]) -> str:
    """A row of signs is a drawn line, hence a rest; three hyphens are a dash."""
    return " - " if match[1] == "-" else ", "


def _words(text: str) -> str:
    """One paragraph through all the rules."""
    text = _EMPHASIS.sub(r"\1", text.replace("''", '"'))
    for rule in (expand_addresses, expand_abbreviations, expand_roman, expand_times, expand_quantities, expand_numbers):
        text = rule(text)
    text = re.sub(r"\band/or\b", "and or", text)
    text = re.sub(r"#(?=[A-Za-z])", "hashtag ", text)
    text = re.sub(r"\b([CF])#", r"\1 sharp", text)
    text = expand_letters(text)
    text = _SYMBOL.sub(lambda m: f" {SYMBOLS[m[0]]} ", text).translate(BRACKETS)
    text = re.sub(r"(?<=[a-z])\.(?=[a-z])", " dot ", text)
    text = _SEEMING_END.sub(rf"\1{GOES_ON} ", re.sub(" +", " ", text)).lower()
    text = _FOREIGN.sub(" ", text)
    for pattern, replacement in _TIDY:
        text = pattern.sub(replacement, text)
    return text.strip().lstrip(",;:.!?) ").removeprefix("- ").strip()
