"""English text as the synthesizer reads it. Importing this brings in neither torch nor numpy."""

from synthesizer.text.normalizing import normalize, unknown_characters
from synthesizer.text.pronunciation import pronounce, word_places
from synthesizer.text.sentences import Piece, split_sentences
from synthesizer.text.symbols import SYMBOLS, differences
from synthesizer.text.tokens import decode, encode

__all__ = [
    "SYMBOLS",
    "Piece",
    "decode",
    "differences",
    "encode",
    "normalize",
    "pronounce",
    "split_sentences",
    "unknown_characters",
    "word_places",
]
