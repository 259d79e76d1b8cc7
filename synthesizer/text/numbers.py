"""Numbers as words, by inflect, in the American manner: "one hundred one".

`expand_numbers` comes after the rules for dates, times and quantities and leaves no digit behind.
"""

from __future__ import annotations

import re
from functools import lru_cache

from synthesizer.text.letters import plural, spell

NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,8}(?!\d)|\d+)(?:\.\d+)?|\.\d+"
"""1,234.5 and .5; never a dot that ends a sentence."""
LONGEST = 15
"""Digits; longer numbers are said digit by digit, for nobody says quintillions."""
COMMON_DENOMINATORS = frozenset(map(str, (*range(2, 13), 16, 20, 32, 64, 100)))
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_VERSION = re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?!\w)")
_PLURAL = re.compile(r"(?<![\w.,])'?(\d+)'?s\b")
_ORDINAL = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3}){0,5}|\d+)-?(?:st|nd|rd|th)\b", re.IGNORECASE)
_FRACTION = re.compile(r"(?<![\w./])(?:(\d+) )?(\d+)/(\d+)(?![\w/]|\.\d)")
_YEAR = re.compile(r"(?<![\w.,$£€])(1[1-9]\d\d|20\d\d)(?![\w%]|[.,]\d)")
_TOKEN = re.compile(r"[A-Za-z\d]+")
_NUMBER = re.compile(rf"(?<![\d.]){NUMBER}")
_SIGNS = (
    (re.compile(r"(?<=\d) ?× ?(?=[\d.])|(?<=\d) ?\* ?(?=[\d.])"), " times "),
    (re.compile(r"(?<=\d) ?÷ ?(?=[\d.])"), " divided by "),
    (re.compile(r"(?<=\d) ?\^ ?(?=-?\d)"), " to the power of "),
    (re.compile(r"(?<=\d)x(?=\d)"), " by "),
    (re.compile(r"(?<=\d)x\b"), " times"),
    (re.compile(r"(?<=\d) - (?=[\d.]{1,15} ?=)"), " minus "),
    (re.compile(r"(?<=\d) (?=000\b)"), ""),
    (re.compile(r"~ ?(?=[$£€]?\d)"), "about "),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)"), " "),
    (re.compile(r"#(?=\d)"), "number "),
)


def expand_numbers(text: str) -> str:
    """Whatever digits are left, as words."""
    for pattern, words in _SIGNS:
        text = pattern.sub(words, text)
    text = _VERSION.sub(_version, text)
    text = _PLURAL.sub(_plural, text)
    text = _ORDINAL.sub(lambda m: ordinal(m[1]), text)
    text = _FRACTION.sub(_fraction, text)
    text = _YEAR.sub(lambda m: year(m[1]), text)
    text = _TOKEN.sub(_mixed, text)
    text = _NUMBER.sub(lambda m: " " * (m[0][0] == ".") + number(m[0]), text)
    return re.sub(r"\d", lambda m: f" {DIGITS[int(m[0])]} ", text)


@lru_cache(maxsize=1)
def _engine():
    import inflect  # takes a second to import

    return inflect.engine()


@lru_cache(maxsize=8192)
def cardinal(digits: str) -> str:
    """12,345 as "twelve thousand three hundred forty-five"; 007 and very long ones digit by digit."""
    digits = digits.replace(",", "")
    if len(digits) > LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return digit_by_digit(digits)
    return _engine().number_to_words(digits, andword="").replace(",", "")


def number(text: str) -> str:
    """A cardinal or a decimal: 3.14 as "three point one four"."""
    whole, point, part = text.partition(".")
    words = cardinal(whole) if whole else ""
    return f"{words} point {digit_by_digit(part)}".strip() if point and part else words


def digit_by_digit(digits: str) -> str:
    return " ".join(DIGITS[int(digit)] for digit in digits if digit.isdigit())


@lru_cache(maxsize=1024)
def ordinal(digits: str) -> str:
    """21 as "twenty-first"."""
    digits = digits.replace(",", "").lstrip("0") or "0"
    if len(digits) > LONGEST:
        return digit_by_digit(digits)
    return _engine().number_to_words(_engine().ordinal(int(digits)), andword="").replace(",", "")


def year(digits: str) -> str:
    """1984 in pairs, 1905 as "nineteen oh five", 2005 as "two thousand five", 2024 as "twenty twenty-four"."""
    value = int(digits)
    if not 1100 <= value <= 2099 or 2000 <= value <= 2009:
        return cardinal(digits.lstrip("0") or "0")
    century, rest = digits[:2], digits[2:]
    tail = "hundred" if rest == "00" else f"oh {cardinal(rest[1])}" if rest[0] == "0" else cardinal(rest)
    return f"{cardinal(century)} {tail}"


def _version(match: re.Match[str]) -> str:
    """3.11.7 by points; four parts are an internet address, told by dots and digits; 1.000.000 is a million abroad."""
    parts = match[0].split(".")
    if len(parts[0]) < 4 and parts[0] != "0" and all(len(part) == 3 for part in parts[1:]) and "000" in parts:
        return cardinal("".join(parts))
    if len(parts) == 4:
        return " dot ".join(map(digit_by_digit, parts))
    return " point ".join(map(cardinal, parts))


def _plural(match: re.Match[str]) -> str:
    """1990s, '80s, 747s; what is left of 5s is seconds, which the units have taken already."""
    digits = match[1]
    say = {3: digit_by_digit, 4: year}.get(len(digits), cardinal)
    return plural(say(digits))


def _fraction(match: re.Match[str]) -> str:
    """1/2, 3 3/4; 24/7 and 9/11 have names; a denominator nobody says as an ordinal is said "over"."""
    whole, top, bottom = match[1], match[2], match[3]
    if (top, bottom) in (("24", "7"), ("9", "11")) and not whole:
        return f"{cardinal(top)} {cardinal(bottom)}"
    if top == bottom and not whole:
        return f"{cardinal(top)} {cardinal(bottom)}"  # fifty fifty
    common = bottom.lstrip("0") in COMMON_DENOMINATORS and len(top) < 3 and int(top) > 0
    if not common:
        words = f"{cardinal(top)} over {cardinal(bottom)}"
        return f"{cardinal(whole)} {words}" if whole else words
    name = {"2": "half", "4": "quarter"}.get(bottom.lstrip("0")) or ordinal(bottom)
    one = int(top) == 1
    name = name if one else "halves" if name == "half" else plural(name)
    if not whole:
        return f"{cardinal(top)} {name}"
    article = "an" if name.startswith("eig") or name.startswith("ele") else "a"
    return f"{cardinal(whole)} and {article if one else cardinal(top)} {name}"


def _mixed(match: re.Match[str]) -> str:
    """Letters and digits in one word: mp3, H2O, A4, x86, B747; letters that make no word are spelled."""
    token = match[0]
    if token.isalpha() or token.isdigit():
        return token
    return " ".join(_part(part) for part in re.findall(r"[A-Za-z]+|\d+", token))


def _part(part: str) -> str:
    if part.isdigit():
        if len(part) == 4 and part[0] != "0" and part[1:3] != "00":
            return f"{cardinal(part[:2])} {cardinal(part[2:]) if part[2] != '0' else 'oh ' + cardinal(part[3])}"
        return cardinal(part) if len(part) < 3 or part.endswith("00") else digit_by_digit(part)
    short = len(part) == 1 or (len(part) <= 3 and (part.isupper() or not re.search("[aeiouy]", part.lower())))
    return spell(part) if short else part
