"""Unicode folded to what the rules for English read: ASCII, a few marks, and words for symbols with a spoken name.

Accents and typographic marks go the way of unidecode. What it would only romanize
(Cyrillic, Chinese) or lose (emoji) is left out here and reported, because nonsense in the voice is worse than a gap
one is told about.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from unidecode import unidecode

KEPT = "°²³µΩ€£¥₹₽₩₺₪₫₴₿¢×÷±"
"""Not ASCII, yet left for the rules about quantities, which know more of their surroundings."""

MARKS = {
    **dict.fromkeys("‘’‚‛′ʹʼʻˈ`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑−﹣－", "-"),
    **dict.fromkeys("—―", " - "),
    "–": "–",  # a range between numbers, else a dash: rules for numbers decide
    "…": "...",
    **dict.fromkeys("•‣◦▪●·", ", "),
    "¿": "",
    "¡": "",
    "⁄": "/",
    "№": " No. ",
    **dict.fromkeys("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n"),
}

SPOKEN = {
    "©": "copyright",
    "®": "registered",
    "™": "trademark",
    "℠": "service mark",
    "§": "section",
    "¶": "paragraph",
    "†": "dagger",
    "‰": "per mille",
    "→": "right arrow",
    "←": "left arrow",
    "↑": "up arrow",
    "↓": "down arrow",
    "↔": "left right arrow",
    "⇒": "implies",
    "⇔": "if and only if",
    "≈": "approximately",
    "≠": "is not equal to",
    "≤": "is less than or equal to",
    "≥": "is greater than or equal to",
    "≡": "is identical to",
    "∞": "infinity",
    "√": "square root of",
    "∑": "sum of",
    "∏": "product of",
    "∫": "integral of",
    "∂": "partial",
    "∇": "nabla",
    "∈": "in",
    "∉": "not in",
    "∪": "union",
    "∩": "intersection",
    "∴": "therefore",
    "∀": "for all",
    "∃": "there exists",
    "♯": "sharp",
    "♭": "flat",
    "♮": "natural",
    "¬": "not",
    "∧": "and",
    "∨": "or",
    "¦": "bar",
    "¤": "currency",
    "℃": "°C",
    "℉": "°F",
}

SUPERSCRIPT = dict(zip("⁰¹⁴⁵⁶⁷⁸⁹⁻", "01456789-"))
_POWER = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_GREEK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]+")


def fold(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The text in ASCII (and KEPT), and what could not be said: (character, its Unicode name), each once, in order."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    text = _GREEK.sub(_greek, _POWER.sub(_power, text))
    unknown: dict[str, str] = {}
    pieces = []
    for character in text:
        piece = character if " " <= character <= "~" and character != "`" else _folded(character)
        if piece is None:
            unknown.setdefault(character, unicodedata.name(character, f"U+{ord(character):04X}"))
            piece = " "
        pieces.append(piece)
    return "".join(pieces), list(unknown.items())


@lru_cache(maxsize=4096)
def _folded(character: str) -> str | None:
    """What one character becomes; None if it has no spoken form."""
    if character in KEPT:
        return character
    if character in MARKS:
        return MARKS[character]
    if character in SPOKEN:
        words = SPOKEN[character]
        return words if words.startswith("°") else f" {words} "
    if character.isspace():
        return "\n" if character == "\n" else " "
    name, category = unicodedata.name(character, ""), unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in ("Mn", "Me", "Cf"):
        return ""  # accents without a letter, joiners, variation selectors: they belong to a neighbor
    if category == "Sc" and name.endswith(" SIGN"):
        return f" {name[:-5].lower()} "
    if name.startswith("VULGAR FRACTION"):
        return f" {unicodedata.normalize('NFKC', character).replace('⁄', '/')} "
    plain = unicodedata.normalize("NFKC", character)
    if plain != character:
        parts = [part if part.isascii() and part.isprintable() else _folded(part) for part in plain]
        return None if None in parts else "".join(parts)
    if name.startswith("LATIN ") or category.startswith("P"):
        ascii_text = unidecode(character, errors="ignore")
        letters = any(c.isalnum() for c in ascii_text)
        return ascii_text if ascii_text.strip() and letters == name.startswith("LATIN ") else None
    return None


def _power(match: re.Match[str]) -> str:
    """10⁻³ and x⁴ in words; ² and ³ alone stay, for they are units' too."""
    if match[0] in ("²", "³"):
        return match[0]
    digits = "".join(SUPERSCRIPT.get(c) or ("2" if c == "²" else "3") for c in match[0])
    return f" to the power of {digits} "


def _greek(match: re.Match[str]) -> str:
    """One Greek letter is a symbol with a name; more of them are a word of another language and stay unknown."""
    if len(match[0]) > 1:
        return match[0]
    name = unicodedata.name(match[0], "")
    if match[0] in "μΩ":
        return "µ" if match[0] == "μ" else "Ω"  # micro and ohm, more often than not
    named = re.fullmatch(r"GREEK (?:SMALL|CAPITAL) LETTER (\w+)", name)
    return f" {named[1].lower()} " if named else match[0]
