"""Abbreviations written out, and whether the dot after one also ends a sentence."""

from __future__ import annotations

import re

_STARTERS = """
A After All Also Although An And Are As At Because Before But Can Could Did Do For From Have He Her Here His How
However I If In Is It Its Later Let Many Maybe Meanwhile Most My No Not Now On Once One Or Our Perhaps Please She
Since So Some Still That The Their Then There These They This Those Today Was We Were What When Where While Who Why
Will With Would Yes Yet You Your
"""
STARTERS = frozenset(_STARTERS.split())
"""Words that, capitalized, hardly follow an abbreviation unless a sentence starts there."""

TITLES = {
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "messrs": "messers",
    "prof": "professor",
    "dr": "doctor",
}
"""In any case, and without a dot before a capital: Mr Smith, MRS SMITH, dr. smith."""

CAPITALIZED_TITLES = {
    "Rev": "reverend",
    "Hon": "honorable",
    "Gen": "general",
    "Col": "colonel",
    "Capt": "captain",
    "Lt": "lieutenant",
    "Sgt": "sergeant",
    "Maj": "major",
    "Cmdr": "commander",
    "Gov": "governor",
    "Sen": "senator",
    "Rep": "representative",
    "Pres": "president",
    "Mt": "mount",
    "Ft": "fort",
}
"""Only before a capital: "Gen. Lee"; "rep." is as likely something else."""

ANYWHERE = {
    "etc": "et cetera",
    "e.g": "for example",
    "i.e": "that is",
    "vs": "versus",
    "a.k.a": "also known as",
    "approx": "approximately",
    "cf": "compare",
    "viz": "namely",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "dept": "department",
    "blvd": "boulevard",
    "et al": "et al",
    "Jr": "junior",
    "Sr": "senior",
    "Co": "company",
    "Bros": "brothers",
    "Ave": "avenue",
    "Rd": "road",
    "Univ": "university",
    "Mon": "monday",
    "Tue": "tuesday",
    "Tues": "tuesday",
    "Wed": "wednesday",
    "Thurs": "thursday",
    "Fri": "friday",
    "ph.d": "pee aitch dee",
}
"""With their dot; it is kept where it also ends a sentence."""

UNDOTTED = {
    "Jr": "junior",
    "Sr": "senior",
    "vs": "versus",
    "PhD": "pee aitch dee",
    "OK": "okay",
    "WWI": "world war one",
    "WWII": "world war two",
    "w/o": "without",
}
BEFORE_NUMBER = {
    "no": "number",
    "nos": "numbers",
    "p": "page",
    "pp": "pages",
    "vol": "volume",
    "fig": "figure",
    "figs": "figures",
    "ch": "chapter",
    "sec": "section",
    "ext": "extension",
    "ca": "circa",
    "c": "circa",
    "est": "established",
    "eq": "equation",
    "art": "article",
    "min": "minimum",
    "max": "maximum",
    "tel": "telephone",
}


def _either(words) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_START = r"(?<![\w.'])"
_TITLE = re.compile(rf"{_START}({_either(TITLES)})(?:\.|(?= [A-Z]))", re.IGNORECASE)
_CAPITALIZED = re.compile(rf"{_START}({_either(CAPITALIZED_TITLES)})(?:\.|(?<=Mt)) ?(?=[A-Z])")
_SAINT_OR_STREET = re.compile(rf"{_START}(?:[Ss]t\.|ST\.|St(?= [A-Z]|[,.;:!?]|$))")
_CASES = {*ANYWHERE, *map(str.capitalize, ANYWHERE), *map(str.upper, ANYWHERE), "Ph.D"}
_ANYWHERE = re.compile(rf"{_START}({_either(_CASES)})\.")
_UNDOTTED = re.compile(rf"{_START}({_either(UNDOTTED)})(?![\w'/])")
_BEFORE_NUMBER = re.compile(rf"{_START}({_either(BEFORE_NUMBER)})\. ?(?=[#$£€]?\d)", re.IGNORECASE)
_WITH = re.compile(r"(?<!\w)w/(?= ?[A-Za-z])")
_NEXT_WORD = re.compile(r"[\"')]* ?([A-Za-z]{0,14})")
_CAPITAL_BEFORE = re.compile(r"(?:[A-Z][a-z]+|\dth|\dst|\dnd|\drd) $")


def ends_sentence(match: re.Match[str]) -> bool:
    """Does a sentence end where this match does: is the text over, or does a word follow that starts sentences?"""
    follows = _NEXT_WORD.match(match.string, match.end())
    return (not follows[1] and follows.end() == len(match.string)) or follows[1] in STARTERS


def expand_abbreviations(text: str) -> str:
    text = _BEFORE_NUMBER.sub(lambda m: BEFORE_NUMBER[m[1].lower()] + " ", text)
    text = _TITLE.sub(_title, text)
    text = _CAPITALIZED.sub(lambda m: CAPITALIZED_TITLES[m[1]] + " ", text)
    text = _SAINT_OR_STREET.sub(_saint_or_street, text)
    text = _ANYWHERE.sub(_anywhere, text.replace("&c.", "etc."))
    text = _UNDOTTED.sub(lambda m: UNDOTTED[m[1]], text)
    return _WITH.sub("with ", text)


def _title(match: re.Match[str]) -> str:
    key = match[1].lower()
    if key == "dr" and _at_end_of_name(match):
        return "drive" + ("." if match[0].endswith(".") and ends_sentence(match) else "")
    return TITLES[key]


def _saint_or_street(match: re.Match[str]) -> str:
    """ "St. John" but "Main St."; the dot of a street at a sentence's end stays."""
    follows = _NEXT_WORD.match(match.string, match.end())[1]
    if follows and follows not in STARTERS and follows.capitalize() not in STARTERS:
        return "saint"
    return "street" + ("." if match[0].endswith(".") and ends_sentence(match) else "")


def _at_end_of_name(match: re.Match[str]) -> bool:
    """Elm Dr. at a sentence's end or before a small word: a capital before, none after."""
    follows = _NEXT_WORD.match(match.string, match.end())[1]
    before = _CAPITAL_BEFORE.search(match.string, max(0, match.start() - 24), match.start())
    name_follows = follows[:1].isupper() and follows not in STARTERS
    return before is not None and not match[1].islower() and not name_follows


def _anywhere(match: re.Match[str]) -> str:
    words = ANYWHERE.get(match[1]) or ANYWHERE.get(match[1].lower()) or ANYWHERE[match[1].capitalize()]
    return words + ("." if ends_sentence(match) else "")
