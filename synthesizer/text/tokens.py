"""Text to tokens and back."""

from __future__ import annotations

import re
from collections.abc import Iterable

from speech.errors import InputError
from synthesizer.text.normalizing import normalize, unknown_characters
from synthesizer.text.symbols import END, LETTERS, PADDING, PHONES, SYMBOLS

_PLACE = {symbol: place for place, symbol in enumerate(SYMBOLS)}
_PIECE = re.compile(r"\{([^{}]*)\}|([^{}])")


def encode(text: str) -> list[int]:
    """Tokens of the normalized text and the end-of-text token. Raises InputError when there is nothing to speak."""
    spoken = normalize(text)
    symbols: list[str] = []
    for phones, character in _PIECE.findall(spoken):
        symbols.extend([character] if character else (_phone(phone) for phone in phones.split()))
    if not any(symbol in LETTERS or symbol.startswith("@") for symbol in symbols):
        raise InputError(_nothing(text))
    return [_PLACE[symbol] for symbol in [*symbols, END]]


def decode(tokens: Iterable[int]) -> str:
    """The text of tokens: encode's other way. Padding and the end-of-text token leave no trace."""
    text = ""
    for token in tokens:
        if not 0 <= token < len(SYMBOLS):
            raise InputError(f"token {token} is not in the symbol table, which has 0 to {len(SYMBOLS) - 1}")
        symbol = SYMBOLS[token]
        if symbol.startswith("@"):
            text += "{" + symbol[1:] + "}"
        elif symbol not in (PADDING, END):
            text += symbol
    return text.replace("}{", " ")


def _phone(phone: str) -> str:
    if phone not in PHONES:
        raise InputError(f"{phone!r} in braces is not an ARPAbet symbol; allowed are {' '.join(PHONES)}")
    return "@" + phone


def _nothing(text: str) -> str:
    if not text.strip():
        return "the text is empty; at least one word is needed"
    shown = text if len(text) <= 40 else text[:37] + "..."
    names = ", ".join(name.lower() for _, name in unknown_characters(text)[:5])
    left_out = f" (left out: {names})" if names else ""
    return f"nothing in {shown!r} can be spoken{left_out}; at least one word is needed"
