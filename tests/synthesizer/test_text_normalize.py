"""What is written against what is said."""

import random
import subprocess
import sys
import time

import pytest

from synthesizer.text import normalize, unknown_characters

SAID = {
    # numbers
    "12,345,678": "twelve million three hundred forty-five thousand six hundred seventy-eight",
    "101, 007, .5, 3.14, -5, −3.2": (
        "one hundred one, zero zero seven, point five, three point one four, minus five, minus three point two"
    ),
    "He was 5. She was 6.": "he was five. she was six.",
    "a 5-year-old, the 21st": "a five-year-old, the twenty-first",
    "1/2 cup, 3/4, 3½ cups, 120/80, 24/7": (
        "one half cup, three quarters, three and a half cups, one hundred twenty over eighty, twenty-four seven"
    ),
    "pages 10-12, 10–20%": "pages ten to twelve, ten to twenty percent",
    "12345678901234567890": (
        "one two three four five six seven eight nine zero one two three four five six seven eight nine zero"
    ),
    "1.000.000 of 100 000": "one million of one hundred thousand",
    "MP3, H2O, x86, COVID-19, 192.168.0.1": (
        "em pee three, aitch two oh, ex eighty-six, covid nineteen, one nine two dot one six eight dot zero dot one"
    ),
    "1+1=2, 2*3, 4×4, 1920x1080": (
        "one plus one equals two, two times three, four times four, nineteen twenty by one thousand eighty"
    ),
    "٣ １２ ①": "three twelve one",
    # years, dates, times
    "1984, 1905, 2005, 2024, 1066": (
        "nineteen eighty-four, nineteen oh five, two thousand five, twenty twenty-four, one thousand sixty-six"
    ),
    "the 1900s, 1990s, '80s and 2010s": "the nineteen hundreds, nineteen nineties, eighties and twenty tens",
    "1914-18": "nineteen fourteen to eighteen",
    "2024-05-17": "may seventeenth, twenty twenty-four",
    "May 17th, 2024": "may seventeenth, twenty twenty-four",
    "17/05/2024 or 5/6/2024": "may seventeenth, twenty twenty-four or five slash six slash twenty twenty-four",
    "Jan. 5, 4 July, 10 may apply": "january fifth, the fourth of july, ten may apply",
    "3:45 pm, 17:00, 3:05, 3:00, 9am-5pm": (
        "three forty-five pee em, seventeen hundred, three oh five, three o'clock, nine ay em to five pee em"
    ),
    "At 5 p.m. Then at 6 p.m. on Monday.": "at five pee em. then at six pee em on monday.",
    # money, units, telephones
    "$3.50, $1, $0.99, £1.01, €10, 50¢, -$5": (
        "three dollars and fifty cents, one dollar, ninety-nine cents, one pound and one penny, ten euros, "
        "fifty cents, minus five dollars"
    ),
    "$1.2 million, $10k, $5-10, 20 USD": (
        "one point two million dollars, ten thousand dollars, five to ten dollars, twenty dollars"
    ),
    "5 km, 1 km, 3kg, 20°C, 10 mph, 5 GB, 60 Hz": (
        "five kilometers, one kilometer, three kilograms, twenty degrees celsius, ten miles per hour, five "
        "gigabytes, sixty hertz"
    ),
    "a 5-km run, 3 m/s², 10 m², 100 km/h, 6'2\" tall": (
        "a five-kilometer run, three meters per second squared, ten square meters, one hundred kilometers per "
        "hour, six foot two tall"
    ),
    "5 in the box": "five in the box",
    "–5°C": "minus five degrees celsius",
    "555-123-4567": "five five five, one two three, four five six seven",
    "+1 (555) 123-4567": "plus one, five five five, one two three, four five six seven",
    # letters
    "The BBC and the FBI, TVs, NASA": "the bee bee see and the eff bee eye, tee vees, nasa",
    "Say NO! STOP it.": "say no! stop it.",
    "HE HAD NOT BEEN TO SEE HER FOR IT WAS AN ODD DAY AND I AM A FOE": (
        "he had not been to see her for it was an odd day and i am a foe"
    ),
    "OH SIR": "oh sir",
    "U.S.A. and the U.S. He left.": "you ess ay and the you ess. he left.",
    "J. R. R. Tolkien, George W. Bush": "jay ar ar tolkien, george double-you bush",
    "Plan B. Then so did I. Mary.": "plan bee. then so did i. mary.",
    "AT&T, R&D, C++, Vitamin A": "ay tee and tee, ar and dee, see plus plus, vitamin ay",
    "T-shirt, rock 'n' roll, y'all": "tee-shirt, rock 'n' roll, y'all",
    "Henry VIII's, Chapter IV, World War II": "henry the eighth's, chapter four, world war two",
    "Henry I think, Elizabeth I of England": "henry i think, elizabeth the first of england",
    "I MIX CIVIL": "i mix civil",
    # abbreviations
    "Dr. Smith, Mr Jones and Mrs. Lee vs. Prof. X": "doctor smith, mister jones and missus lee versus professor ex",
    "St. John lives on Main St. and Elm Dr.": "saint john lives on main street and elm drive.",
    "e.g. this, i.e. that, etc. The end.": "for example this, that is that, et cetera. the end.",
    "Sammy Davis Jr. sang. No. 5, p. 12. No. That": "sammy davis junior sang. number five, page twelve. no. that",
    # the web, signs and marks
    "me@example.com": "me at example dot com",
    "See https://www.bbc.co.uk/news.": "see bee bee see dot co dot you kay slash news.",
    "Node.js. The end.Start": "node dot js. the end. start",
    "#5, #tag, 50%, a & b, ±, 5 ≤ 6": (
        "number five, hashtag tag, fifty percent, a and bee, plus or minus, five is less than or equal to six"
    ),
    "“Hi,” she said—‘yes’… café naïve": "\"hi,\" she said - 'yes'... cafe naive",
    "what?! no!!! wait.... --- *wow*": "what? no! wait... - wow",
    "{hh ah0  L OW1}s and {B}": "{HH AH0 L OW1}s and {B}",
    "x = -5, USD 50, WWII, C#, 50/50": "ex equals minus five, fifty dollars, world war two, see sharp, fifty fifty",
}


@pytest.mark.parametrize("written", SAID)
def test_written_is_said(written):
    assert normalize(written) == SAID[written]
    assert normalize(SAID[written]) == SAID[written], "what is said already stays as it is"


def test_no_digit_and_no_strange_character_is_left():
    draw = random.Random(0)
    signs = "0123456789" * 3 + " .,-/:$£€%°'\"()+*#@&=~^_²½–kmsxIVXaAp\n①٣日é😀"
    allowed = set("abcdefghijklmnopqrstuvwxyz !'\"(),-.:;?")
    for _ in range(1500):
        text = "".join(draw.choices(signs, k=draw.randint(1, 24)))
        said = normalize(text)
        assert set(said) <= allowed, (text, said)
        assert said or not any(c.isdigit() for c in text), text


def test_every_digit_count_is_said():
    for length in range(1, 60):
        assert len(normalize("9" * length).split()) >= 1


def test_unknown_characters_are_named_and_left_out():
    text = "Hi 😀 世 П, → é © π 😀"
    assert unknown_characters(text) == [
        ("😀", "GRINNING FACE"),
        ("世", "CJK UNIFIED IDEOGRAPH-4E16"),
        ("П", "CYRILLIC CAPITAL LETTER PE"),
    ]
    assert normalize(text) == "hi, right arrow ee copyright pi"
    assert unknown_characters("plain, “typographic” — text… naïve €5 ½") == []
    assert unknown_characters("\x00\ud800") == [("\x00", "U+0000"), ("\ud800", "U+D800")]


@pytest.mark.parametrize(
    "unit", ["1", "1,", "1-", "1,000,", "a.", "A. ", "a", "{", "(", "\n", "😀", "word 12 $3.50 Dr. X "]
)
def test_time_is_linear(unit):
    normalize("1")  # inflect is imported at the first number
    start = time.process_time()
    normalize(unit * (30_000 // len(unit)))
    assert time.process_time() - start < 5


def test_import_is_light():
    code = "import sys, synthesizer.text; print([m for m in ('torch', 'numpy', 'inflect') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
