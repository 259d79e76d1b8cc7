"""Letters said one by one: acronyms, initials, single letters; and Roman numerals.

A grapheme model cannot know that "bbc" is three letters, so it is given their names: "bee bee see". The hard part is
to tell BBC from SHOUTING: whole transcripts are upper case (LibriSpeech), and those are words.
"""

from __future__ import annotations

import re

from synthesizer.text.abbreviations import STARTERS, ends_sentence

_NAMES = "ay bee see dee ee eff jee aitch eye jay kay ell em en oh pee cue ar ess tee you vee double-you ex why zee"
NAMES = dict(zip("abcdefghijklmnopqrstuvwxyz", _NAMES.split()))

_SPELLED = """
abc aka api asap atm bbc bmw ceo cfo cia cnn cpu cto cv dc diy dna dvd eta eu faq fbi fda gdp gps gpu hiv html http
https iaea ibm imf io ip iq irs isbn isp lapd lgbt mba mit mri mvp naacp nba nbc nfl ngo nhl nhs nsa nyc nypd pbs pc
pdf phd rspca sms sos sql suv tv uae uefa ufo uk unhcr url usa usb usda usps ussr vip vpn www xml
"""
SPELLED = frozenset(_SPELLED.split())
"""Spelled even in an upper-case sentence: none of them is a word."""

_WORDS = """
ad ah am an as at aw ax be by do eh ex go ha he hi ho if in is it la lo ma me my no of oh on or ow ox pa so to up we
ye yo ace act add ado age ago aid ail aim air ale all and ann ant any ape apt arc are ark arm art ash ask ass ate
awe axe aye bad bag ban bar bat bay bed bee beg ben bet bid big bin bit boa bob bow box boy bud bug bun bus but buy
bye cab can cap car cat cow cry cub cup cut dad dam dan day den dew did die dig dim din dip doe dog don dot dry due
dug ear eat ebb egg ego elf elk elm end era eve eye fan far fat fed fee few fig fin fir fit fix fly foe fog for fox
fun fur gap gas gay gem get god got gum gun gut guy gym had ham has hat hay hen her hey hid him hip his hit hog hop
hot how hue hug hum hut ice icy ill ink inn ion its ivy jam jar jaw jet jim job joe jog joy jug key kid kin kit lab
lad lag lap law lay lee leg let lid lie lip lit log lot low mad man map mat may men met mid mix mob mom mop mud mug
nan nap nay net new nil nod nor not now nun nut oak oar odd off oft oil old one opt orb ore our out owe owl own pad
pal pan par pat paw pay pea peg pen per pet pie pig pin pit ply pod pop pot pro pub put rag ram ran rap rat raw ray
red rib rid rim rip rob rod roe rot row rub rue rug rum run rye sad sag sam sap sat saw say sea see set sew sex she
shy sin sip sir sit six ski sky sly sob sod son sow soy spa spy sue sum sun tan tap tar tax tea ted ten the thy tie
tim tin tip toe tom ton too top tow toy try tub tug two urn use van vat vet vow wag war was wax way web wed wee wet
who why wig win wit woe won woo wow yea yes yet you zip zoo hmm shh psst pst brr grr tsk pfft zzz mr mrs nth ok ooh
aah ugh
"""
WORDS = frozenset(_WORDS.split())
"""Short upper-case words that are words, as in "I said NO"; an unknown one of two or three letters is an acronym."""

LETTER_AFTER = (
    "appendix block class exhibit figure gate grade group hepatitis letter option part plan section team type vitamin"
)
REGNAL = (
    "Albert Alexander Alfonso Anne Benedict Carl Catherine Charles Christian Clement Darius Edward Elizabeth "
    "Emmanuel Ferdinand Francis Frederick George Gregory Gustav Harald Henry Innocent Ivan James John Juan Leo "
    "Leopold Louis Mary Mehmed Napoleon Nicholas Paul Peter Philip Pius Ptolemy Ramesses Ramses Richard Sixtus "
    "Urban Wilhelm William Xerxes"
)
NUMBERED = (
    "Act Appendix Article Book Bowl Canto Chapter Class Figure Game Grade Group Level Mark Part Phase Psalm "
    "Scene Section Stage Table Title Type Vol Volume War"
)

_ROMAN = r"(M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))\b"
_REGNAL = re.compile(rf"\b({'|'.join(REGNAL.split())}) (?=[MDCLXVI]){_ROMAN}(?![.]\w)")
_NUMBERED = re.compile(
    rf"\b({'|'.join(word + '|' + word.upper() for word in NUMBERED.split())}) (?=[MDCLXVI]){_ROMAN}(?!['.]\w)"
)
_NAMED = re.compile(r"\b([A-Z][a-z]+) (?=[IVX]{2})(X{0,3}(?:IX|IV|V?I{0,3}))\b(?!['.]\w)")
_FIRST_FOLLOWS = re.compile(r"\s*(?:[,.;:!?)]|'s\b|(?:of|was|died|ruled|reigned|and|became|had)\b|$)")
_DOTTED = re.compile(r"(?<![\w.'])(?:[A-Za-z]\.){2,}(?:[A-Za-z](?![\w.]))?")
_INITIALS = re.compile(r"(?<![\w.'])[A-Z]\.(?: ?[A-Z]\.)*(?= ?[A-Z])")
_AFTER_INITIAL = re.compile(r" ?(\w{1,14})")
_CAPITAL_A = re.compile(rf"\b({'|'.join(LETTER_AFTER.split())}) A\b(?!')", re.IGNORECASE)
_PAIR = re.compile(r"\b([A-Z]{1,3})&([A-Z]{1,2})\b")
_WORD = re.compile(r"(?<![\ue000A-Za-z'])[A-Za-z']+")
"""But not an ending right after braces."""


def spell(letters: str) -> str:
    """The names of the letters: BBC as "bee bee see"."""
    return " ".join(NAMES[letter] for letter in letters.lower() if letter in NAMES)


def expand_letters(text: str) -> str:
    """Initials, dotted and plain acronyms and single letters as letter names."""
    text = _DOTTED.sub(_dotted, text)
    text = _INITIALS.sub(_initials, text)
    text = _CAPITAL_A.sub(r"\1 ay", text)
    text = _PAIR.sub(lambda m: f"{spell(m[1])} and {spell(m[2])}", text)
    shouted = _shouted(text)
    return _WORD.sub(lambda match: _word(match[0], match.start() in shouted), text)


def expand_roman(text: str) -> str:
    """Henry VIII, Chapter IV, World War II; elsewhere letters stay letters."""
    text = _REGNAL.sub(_regnal, text)
    text = _NUMBERED.sub(lambda m: f"{m[1]} {roman_value(m[2])}", text)
    return _NAMED.sub(lambda m: f"{m[1]} {roman_value(m[2])}", text)


def roman_value(roman: str) -> int:
    """MCMXCIX is 1999: a smaller numeral before a larger one is taken away."""
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}[c] for c in roman]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0]))


def _regnal(match: re.Match[str]) -> str:
    if match[2] == "I" and not _FIRST_FOLLOWS.match(match.string, match.end()):
        return match[0]  # "Henry I think"
    value = roman_value(match[2])
    ending = {1: "st", 2: "nd", 3: "rd"}.get(value % 10 if value // 10 % 10 != 1 else 0, "th")
    return f"{match[1]} the {value}{ending}"


def _dotted(match: re.Match[str]) -> str:
    """U.S.A. and Ph.D. lose their dots, but for one that also ends a sentence."""
    return spell(match[0]) + ("." if match[0].endswith(".") and ends_sentence(match) else "")


def _initials(match: re.Match[str]) -> str:
    """J. R. R. Tolkien; but "plan B. Then" ends a sentence, and so does "so did I. Mary"."""
    follows = _AFTER_INITIAL.match(match.string, match.end())
    single = len(match[0]) == 2
    if single and (match[0] == "I." or (follows and follows[1] in STARTERS)):
        return match[0]
    stop = "." if follows and follows[1] in STARTERS and len(match[0]) > 2 else ""
    return spell(match[0]) + stop


def _shouted(text: str) -> set[int]:
    """Where words start that are upper case only because their neighbors are: three in a row, or most of the text."""
    words = [(m.start(), m[0]) for m in _WORD.finditer(text) if any(c.isalpha() for c in m[0])]
    upper = [start for start, word in words if word.isupper()]
    if len(upper) >= 3 and 2 * len(upper) > len(words):
        return set(upper)
    shouted: set[int] = set()
    run: list[int] = []
    for start, word in [*words, (0, "end")]:
        if word.isupper():
            run.append(start)
            continue
        if len(run) >= 3:
            shouted.update(run)
        run = []
    return shouted


def _word(word: str, shouted: bool) -> str:
    """One word as it is, or spelled."""
    bare, apostrophe, ending = word.partition("'")
    if len(word) == 1:
        return word if word in "aAiIoO'" else spell(word)
    if not bare or (len(bare) == 1 and ending):
        return f"{spell(bare)}'s" if ending == "s" and bare.isupper() and bare != "I" else word
    if re.fullmatch(r"[A-Z]{2,5}s", bare) and _is_acronym(bare[:-1], False):
        return plural(spell(bare[:-1])) + apostrophe + ending
    if len(bare) > 1 and (bare.isupper() and _is_acronym(bare, shouted)):
        return spell(bare) + apostrophe + ending
    if bare.lower() in SPELLED and not re.search("[aeiouy]", bare.lower()):
        return spell(bare) + apostrophe + ending
    return word


def _is_acronym(word: str, shouted: bool) -> bool:
    """Is this upper-case word said letter by letter?"""
    low = word.lower()
    if low in WORDS:
        return False
    if low in SPELLED or (len(low) <= 6 and not re.search("[aeiouy]", low)):
        return True
    return len(low) <= 3 and not shouted


def plural(words: str) -> str:
    """The plural of a spoken number or letter: "sixes", "nineties", "bees"."""
    if words.endswith("y") and words[-2:-1] not in "aeiou":
        return words[:-1] + "ies"
    return words + ("es" if words.endswith(("s", "x", "ch")) else "s")
