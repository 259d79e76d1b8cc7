"""Money, measures and ranges: a number with a sign or a unit beside it."""

from __future__ import annotations

import re

from synthesizer.text.letters import plural
from synthesizer.text.numbers import NUMBER, cardinal, number

CURRENCIES = {
    "$": ("dollar", "cent"),
    "£": ("pound", "penny"),
    "€": ("euro", "cent"),
    "¥": ("yen", "sen"),
    "₹": ("rupee", "paisa"),
    "₽": ("ruble", "kopeck"),
    "₩": ("won", "jeon"),
    "₺": ("lira", "kurus"),
    "₪": ("shekel", "agora"),
    "₫": ("dong", "xu"),
    "₴": ("hryvnia", "kopeck"),
    "₿": ("bitcoin", "cent"),
    "USD": ("dollar", "cent"),
    "EUR": ("euro", "cent"),
    "GBP": ("pound", "penny"),
    "JPY": ("yen", "sen"),
    "CHF": ("franc", "cent"),
    "INR": ("rupee", "paisa"),
    "CAD": ("canadian dollar", "cent"),
    "AUD": ("australian dollar", "cent"),
}
_SAME = ("yen", "sen", "won", "jeon", "dong", "xu", "hertz", "kilohertz", "megahertz", "gigahertz")
IRREGULAR = {**{name: name for name in _SAME}, "penny": "pence", "foot": "feet"}
MAGNITUDES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "bn": "billion"}
MAGNITUDES |= {"b": "billion", "B": "billion", "tn": "trillion", "T": "trillion"}
MAGNITUDES |= {word: word for word in ("hundred", "thousand", "million", "billion", "trillion")}

UNITS = {
    "km": "kilometer",
    "cm": "centimeter",
    "mm": "millimeter",
    "µm": "micrometer",
    "nm": "nanometer",
    "m": "meter",
    "mi": "mile",
    "yd": "yard",
    "ft": "foot",
    "in.": "inch",
    "kg": "kilogram",
    "mg": "milligram",
    "µg": "microgram",
    "g": "gram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "l": "liter",
    "L": "liter",
    "ml": "milliliter",
    "mL": "milliliter",
    "cl": "centiliter",
    "dl": "deciliter",
    "ms": "millisecond",
    "µs": "microsecond",
    "ns": "nanosecond",
    "s": "second",
    "sec": "second",
    "secs": "second",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "yr": "year",
    "yrs": "year",
    "°C": "degree celsius",
    "°F": "degree fahrenheit",
    "°": "degree",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "dB": "decibel",
    "V": "volt",
    "kV": "kilovolt",
    "mV": "millivolt",
    "W": "watt",
    "kW": "kilowatt",
    "MW": "megawatt",
    "GW": "gigawatt",
    "kWh": "kilowatt hour",
    "MWh": "megawatt hour",
    "mA": "milliamp",
    "mAh": "milliamp hour",
    "kJ": "kilojoule",
    "cal": "calorie",
    "kcal": "kilocalorie",
    "Pa": "pascal",
    "kPa": "kilopascal",
    "hPa": "hectopascal",
    "KB": "kilobyte",
    "kB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "Ω": "ohm",
    "kΩ": "kilohm",
    "MΩ": "megohm",
    "px": "pixel",
    "ha": "hectare",
}
RATES = {
    "mph": "mile per hour",
    "kph": "kilometer per hour",
    "kmh": "kilometer per hour",
    "kbps": "kilobit per second",
    "Mbps": "megabit per second",
    "Gbps": "gigabit per second",
    "fps": "frame per second",
    "rpm": "revolution per minute",
    "dpi": "dot per inch",
    "psi": "pound per square inch",
    "mpg": "mile per gallon",
    "bpm": "beat per minute",
}


def _either(words) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_BEFORE = r"(?<![\w.,])"
_NOT_IN_WORD = r"(?<![A-Za-z\d.])"
_SIGN = _either([sign for sign in CURRENCIES if len(sign) == 1])
_CODE = _either([code for code in CURRENCIES if len(code) > 1])
_MAGNITUDE = rf"(?: ?({_either(MAGNITUDES)})\b)?"
_UNIT = rf"(?:{_either(UNITS)})"
_MONEY_RANGE = re.compile(rf"({_SIGN})({NUMBER})(?:-|–| to )(?={NUMBER})(?!\d+[-–/])")
_RANGE = re.compile(rf"(?<=[\d%]) ?– ?(?=(?:{_SIGN})?\d)|(?<=[\d%])-(?=(?:{_SIGN})?\d)")
_MONEY = re.compile(rf"(?:\b(?:US|A|C|NZ|HK))?({_SIGN}|\b(?:{_CODE})\b) ?({NUMBER}){_MAGNITUDE}")
_MONEY_AFTER = re.compile(rf"{_NOT_IN_WORD}({NUMBER}){_MAGNITUDE} ?({_SIGN}|(?:{_CODE})\b)(?!\d)")
_CENTS = re.compile(rf"{_NOT_IN_WORD}({NUMBER}) ?¢")
_MINUS = re.compile(rf"(?<![\w)\"'.%-])[-–](?=(?:{_SIGN})?\.?\d)")
_FEET_INCHES = re.compile(r"(?<![\w.'])(\d{1,2})' ?(\d{1,2})(?:\"|''|\b(?!'))")
_DECADE = re.compile(r"[2-9]0")
_POWER = r"([²³]|\^?[23](?!\d))?"
_MEASURE = re.compile(
    rf"{_NOT_IN_WORD}({NUMBER})([ -]?)"
    rf"(?:({_either(RATES)})|({_UNIT}){_POWER}(?:/({_UNIT})([²³])?)?)(?![\w/'²³])"
)


def expand_quantities(text: str) -> str:
    text = _MONEY_RANGE.sub(r"\2 to \1", text)
    text = _RANGE.sub(" to ", text)
    text = _MINUS.sub("minus ", text)
    text = _MONEY.sub(lambda m: _money(m[2], m[3], m[1]), text)
    text = _MONEY_AFTER.sub(lambda m: _money(m[1], m[2], m[3]), text)
    text = _CENTS.sub(lambda m: f"{number(m[1])} {_counted(m[1], 'cent')}", text)
    text = _FEET_INCHES.sub(lambda m: f"{cardinal(m[1])} foot {cardinal(m[2])}", text)
    return _MEASURE.sub(_measure, text)


def _money(amount: str, magnitude: str | None, currency: str) -> str:
    """$3.50 as "three dollars and fifty cents", $1.2 million as "one point two million dollars"."""
    big, small = CURRENCIES[currency]
    if magnitude:
        return f"{number(amount)} {MAGNITUDES[magnitude]} {_plural(big)}"
    whole, _, part = amount.partition(".")
    if len(part) != 2:
        return f"{number(amount)} {_counted(amount, big)}"
    words = [f"{cardinal(whole)} {_counted(whole, big)}"] if whole.strip("0,") or part == "00" else []
    if part != "00":
        part = part.lstrip("0")
        words.append(f"{cardinal(part)} {_counted(part, small)}")
    return " and ".join(words)


def _measure(match: re.Match[str]) -> str:
    """5 km, 20°C, 3 m/s², and a 5-km run: there the unit stays in the singular."""
    amount, joint, rate, unit, power, per, per_power = match.groups()
    short = unit and len(unit) == 1 and unit.isalpha()
    if (unit == "s" and (_DECADE.fullmatch(amount) or len(amount) > 2)) or (short and joint == "-"):
        return match[0]
    name = RATES.get(rate) or UNITS[unit]
    if power:
        name = f"cubic {name}" if power[-1] in "3³" else f"square {name}"
    if joint != "-":
        name = _counted(amount, name)
    if per:
        name += f" per {UNITS[per]}" + {"²": " squared", "³": " cubed"}.get(per_power or "", "")
    stop = "." if unit == "in." and match.end() == len(match.string) else ""
    return f"{number(amount)}{joint if joint == '-' else ' '}{name}{stop}"


def _counted(amount: str, name: str) -> str:
    return name if amount == "1" else _plural(name)


def _plural(name: str) -> str:
    """Kilometers per hour, degrees celsius, square feet: it is not always the last word that takes the s."""
    head, per, rest = name.partition(" per ")
    first, _, scale = head.partition(" ")
    if first == "degree":
        return " ".join(filter(None, ("degrees", scale)))
    before, _, last = head.rpartition(" ")
    last = IRREGULAR.get(last) or plural(last)
    return f"{before} {last}".strip() + per + rest
