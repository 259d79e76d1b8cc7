"""Tokens, the symbol table and pieces of long text."""

import re

import pytest

from speech.errors import InputError
from synthesizer.text import SYMBOLS, Piece, decode, differences, encode, normalize, pronounce, split_sentences

PROSE = """Dr. J. R. Smith, of 42 Elm St., paid $3.50 at 5 p.m. on May 5, 2020; he said: "Stop!" and left.
It was late...

The U.S. team (in 1984) won 3-2, which nobody, not even the 12,000 people who had waited since 9:30 in the rain, had
expected from a side without its captain, its coach and its {HH AH0 L OW1} keeper. Yes. No. "Why?" she asked."""


def words(text: str) -> list[str]:
    return re.findall(r"\{[^}]*\}|[a-z']+", text)


def test_table_is_unique_and_whole():
    assert len(set(SYMBOLS)) == len(SYMBOLS) == 3 + 11 + 26 + 84
    assert SYMBOLS[:3] == ("_", "~", " ")
    assert {"@AH0", "@ZH", "a", "z", '"'} <= set(SYMBOLS)


def test_tokens_come_back():
    for text in ("Hi, there!", "{HH AH0 L OW1} world", "a {B}{CH} c", PROSE):
        tokens = encode(text)
        assert decode(tokens) == normalize(text)
        assert tokens.count(1) == 1
        assert tokens[-1] == 1
    assert decode([*encode("yes"), 0, 0]) == "yes"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("...", "nothing in"),
        ("😀🎉", "grinning face, party popper"),
        ("say {XX}", r"'XX' in braces is not an ARPAbet symbol; allowed are AA AA0 .* ZH"),
    ],
)
def test_what_cannot_be_spoken_is_one_clear_sentence(text, says):
    with pytest.raises(InputError, match=says):
        encode(text)


def test_decode_refuses_other_tokens():
    with pytest.raises(InputError, match="token 999"):
        decode([999])


def test_words_of_the_dictionary_become_phones_and_others_stay_letters():
    assert pronounce("Hello, Xyzzyx!") == "{HH AH0 L OW1}, xyzzyx!"
    assert pronounce("say {B AE1} twice") == "{S EY1} {B AE1} {T W AY1 S}"
    # Possessives of known words: hissing, voiceless and voiced ends.
    assert pronounce("cactus's teapot's spoon's") == "{K AE1 K T AH0 S AH0 Z} {T IY1 P AA2 T S} {S P UW1 N Z}"
    assert pronounce(pronounce(PROSE)) == pronounce(PROSE)
    encode(pronounce(PROSE))


def test_a_share_of_known_words_stays_spelled_and_always_the_same():
    text = " ".join(["water"] * 400)
    half = pronounce(text, spelled=0.5)
    assert half == pronounce(text, spelled=0.5)
    assert 150 < half.split().count("water") < 250


def test_differences_of_tables_are_named():
    assert differences(SYMBOLS) == []
    assert differences([*SYMBOLS, "é"]) == ["'é' is only in the stored table"]
    assert differences(SYMBOLS[:-1]) == ["'@ZH' is only in the current table"]
    swapped = [SYMBOLS[1], SYMBOLS[0], *SYMBOLS[2:]]
    assert differences(swapped) == ["token 0 is '~' in the stored table and '_' in the current one"]


def test_sentences_end_where_they_end():
    text = 'Dr. Smith met J. R. Lee at 3.50 p.m. Then "Stop!" he said; so it was. Yes. No.\n\nTitle\nThe end'
    assert split_sentences(text) == [
        Piece("doctor smith met jay ar lee at three point five zero pee em.", 0.35),
        Piece('then "stop!" he said; so it was.', 0.35),
        Piece("yes.", 0.35),
        Piece("no.", 0.6),
        Piece("title", 0.6),
        Piece("the end", 0.0),
    ]


def test_wrapped_lines_are_one_paragraph():
    assert len(split_sentences("a line of a book that was wrapped at some width,\nand goes on")) == 1


def test_long_sentences_part_at_their_marks():
    text = (
        "It was the best of times, it was the worst of times; it was the age of wisdom, and of "
        + "very " * 20
        + "much more"
    )
    pieces = split_sentences(text, longest=60)
    assert pieces[0] == Piece("it was the best of times, it was the worst of times;", 0.25)
    assert pieces[1] == Piece("it was the age of wisdom,", 0.15)
    assert pieces[2].pause == 0.05
    assert [piece.text for piece in split_sentences("a" * 45, longest=20)] == ["a" * 20, "a" * 20, "a" * 5]


@pytest.mark.parametrize("longest", [20, 33, 60, 160])
def test_no_word_is_lost_and_no_piece_too_long(longest):
    pieces = split_sentences(PROSE, longest)
    assert words(" ".join(piece.text for piece in pieces)) == words(normalize(PROSE))
    assert max(len(piece.text) for piece in pieces) <= longest
    assert all(normalize(piece.text).strip() and words(piece.text) for piece in pieces)
    assert [piece.pause > 0 for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    for piece in pieces:
        encode(piece.text)


def test_phones_are_not_torn():
    pieces = split_sentences("{" + "HH AH0 " * 40 + "}", longest=40)
    assert all(re.fullmatch(r"\{[A-Z0-2 ]+\}", piece.text) for piece in pieces)
    assert sum(len(encode(piece.text)) - 1 for piece in pieces) == 80


def test_nothing_to_say_is_no_piece():
    assert split_sentences("") == []
    assert split_sentences("😀 ...") == []
    with pytest.raises(InputError, match="at least 20"):
        split_sentences("hello", longest=0)
