"""Dates, times of day and telephone numbers."""

from __future__ import annotations

import re

from synthesizer.text.abbreviations import ends_sentence
from synthesizer.text.letters import spell
from synthesizer.text.numbers import cardinal, digit_by_digit, ordinal, year

_NAMES = "January February March April May June July August September October November December"
MONTHS = _NAMES.split()
_SHORT = {**{month[:3]: month for month in MONTHS if month != "May"}, "Sept": "September"}
_SHORT_NAME = "|".join(sorted(_SHORT, key=len, reverse=True))
_MONTH = "|".join([*MONTHS, *map(str.upper, MONTHS), *map(str.lower, MONTHS)])
_SAFE_MONTH = "|".join(word for word in _MONTH.split("|") if word not in ("may", "march", "MAY", "MARCH"))
"""After a day: "10 may apply" is no date."""
_DAY = r"(0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_NO_MORE = r"(?![\w:%/]|[.,-]\d|,\d)"
_YEAR = r"(?:,? (\d{4})\b(?![:%/]|[.,-]\d))?"

_SHORT_MONTH = re.compile(rf"\b({_SHORT_NAME})\b\.?(?= \d)|(?<=\d )({_SHORT_NAME})\b\.?")
_ISO = re.compile(r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)(?![\w-])")
_SLASHED = re.compile(r"(?<![\w/])(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?![\w/])")
_MONTH_DAY = re.compile(rf"\b({_MONTH}) {_DAY}(?:-{_DAY})?{_NO_MORE}{_YEAR}")
_DAY_MONTH = re.compile(rf"(?<![\w.,:/-])(the )?{_DAY}(?: of)? ({_SAFE_MONTH})\b{_YEAR}")
_HALF = r"(?: ?([AaPp])\.?[Mm](?:\.(?=\W|$)|\b))"
_CLOCK = re.compile(rf"(?<![\w:.,])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:]){_HALF}?")
_HOUR = re.compile(rf"(?<![\w:.,])(1[0-2]|0?[1-9]){_HALF}")
_TO = re.compile(rf"(?<=[\dMm.]) ?[-–] ?(?=\d\d?(?::\d\d|{_HALF}))")
_RATIO = re.compile(r"(?<=\d):(?=\d)")
_INTERNATIONAL = re.compile(r"(?<![\w+])\+(\d(?:[ .()-]{0,2}\d){6,14})(?!\d)")
_LOCAL = re.compile(r"(?<![\w.-])(1[-. ])?\(?(\d{3})(?:\) ?|[-. ])(\d{3})[-. ](\d{4})(?![\w-])")
_SHORT_LOCAL = re.compile(r"(?<![\w.,-])(\d{3})-(\d{4})(?![\w,-]|\.\d)")
_GROUPS = re.compile(r"(?<![\w.,-])\d+(?:-\d+){2,}(?![\w-])")


def expand_times(text: str) -> str:
    text = _SHORT_MONTH.sub(lambda m: _SHORT[m[1] or m[2]], text)
    text = _ISO.sub(_iso, text)
    text = _SLASHED.sub(_slashed, text)
    text = _MONTH_DAY.sub(lambda m: _said_day(m[1], m[2], m[4], m[3]), text)
    text = _DAY_MONTH.sub(lambda m: f"the {ordinal(m[2])} of {m[3]}" + (f" {year(m[4])}" if m[4] else ""), text)
    text = _TO.sub(" to ", text)
    text = _CLOCK.sub(_clock, text)
    text = _HOUR.sub(lambda m: f"{cardinal(m[1].lstrip('0'))} {_half(m, 2)}", text)
    text = _INTERNATIONAL.sub(lambda m: "plus " + _groups(re.findall(r"\d+", m[1])), text)
    text = _LOCAL.sub(lambda m: _groups([g.strip("-. ") for g in m.groups() if g]), text)
    text = _SHORT_LOCAL.sub(lambda m: _groups(m.groups()), text)
    text = _GROUPS.sub(lambda m: _groups(m[0].split("-")), text)
    return _RATIO.sub(" to ", text)


def _said_day(month: str, day: str, of_year: str | None, last_day: str | None = None) -> str:
    """May 17, 2024 as "may seventeenth, twenty twenty-four"."""
    days = ordinal(day) + (f" to {ordinal(last_day)}" if last_day else "")
    return f"{month} {days}" + (f", {year(of_year)}" if of_year else "")


def _iso(match: re.Match[str]) -> str:
    month, day = int(match[2]), int(match[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return _said_day(MONTHS[month - 1], match[3], match[1])


def _slashed(match: re.Match[str]) -> str:
    """17/05/2024 can only be a day first, 5/17/2024 only a month; 5/6/2024 may be either and is read as written."""
    first, second = int(match[1]), int(match[3])
    if first > 12 >= second >= 1 and first <= 31:
        first, second = second, first
    elif not (1 <= first <= 12 < second <= 31):
        joint = " slash " if match[2] == "/" else " dot "
        return joint.join((cardinal(str(first)), cardinal(str(second)), year(match[4])))
    return _said_day(MONTHS[first - 1], str(second), match[4])


def _clock(match: re.Match[str]) -> str:
    """3:45, 3:05 as "three oh five", 3:00 as "three o'clock", 17:00 as "seventeen hundred"."""
    hour, minute, second, half = match.groups()
    words = [cardinal(hour.lstrip("0") or "0")]
    if minute != "00" or second:
        words.append(_minutes(minute))
    elif not half:
        words.append("hundred" if int(hour) > 12 or hour[0] == "0" else "o'clock")
    if second:
        words.append(_minutes(second))
    if half:
        words.append(_half(match, 4))
    return " ".join(words)


def _minutes(digits: str) -> str:
    return cardinal(digits) if digits[0] != "0" else f"oh {cardinal(digits[1])}"


def _half(match: re.Match[str], group: int) -> str:
    """Ay em or pee em, and the dot if it ends the sentence as well."""
    return spell(match[group] + "m") + ("." if match[0].endswith(".") and ends_sentence(match) else "")


def _groups(groups) -> str:
    """Telephone numbers: digit by digit, with a short rest between groups."""
    return ", ".join(map(digit_by_digit, groups))
