"""E-mail addresses and web addresses, said the way one tells them over the telephone."""

from __future__ import annotations

import re

_ENDINGS = """
ai app at au be br ca ch cn co com de dev edu es eu fm fr gov in info int io it jp me mil net nl org pl ru se tv uk
us xyz
"""
ENDINGS = frozenset(_ENDINGS.split())
SAID = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "@": "at",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "~": "tilde",
    "%": "percent",
    "+": "plus",
}
_TOKEN = re.compile(r"\S+")
_SCHEME = re.compile(r"(?:https?|ftp)://|mailto:|www\.", re.IGNORECASE)
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.([A-Za-z]{2,4})(?:[:/?#]\S*)?")
_PART = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]")


def expand_addresses(text: str) -> str:
    return _TOKEN.sub(_token, text)


def _token(match: re.Match[str]) -> str:
    token = match[0]
    if "." not in token and "://" not in token:
        return token
    core = token.strip("\"'(),;:!?<>[].").rstrip("/")
    if not core:
        return token
    head, _, tail = token.partition(core)
    bare = core
    while scheme := _SCHEME.match(bare):
        bare = bare[scheme.end() :]
    user, at, domain = bare.rpartition("@")
    found = _DOMAIN.fullmatch(domain)
    if not found or (at and not re.fullmatch(r"[\w.+%-]+", user)):
        return token if bare == core else head + _said(bare) + tail.lstrip("/")
    named = found[1].lower() in ENDINGS and (found[1].islower() or found[1].isupper())
    return head + _said(bare) + tail.lstrip("/") if at or named or bare != core else token


def _said(address: str) -> str:
    return " ".join(filter(None, map(_part, _PART.findall(address))))


def _part(part: str) -> str:
    """Country endings and letters without a vowel in capitals, so that they are spelled later."""
    if part.isalpha():
        known = len(part) == 2 and part.lower() in ENDINGS - {"co", "me", "in", "it", "at", "us", "be"}
        return part.upper() if known or not re.search("[aeiouy]", part.lower()) else part.lower()
    return part if part.isdigit() else SAID.get(part, "")
