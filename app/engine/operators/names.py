"""Names that mean the same, and lists of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "\u0131": "i"}
)
_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"(?<=\w)['\u2019](?=\w)")
_ARTICLES = frozenset(("the", "a", "an"))
_APART_TEXT = """
north south east west northern southern eastern western central new old upper lower jr junior sr
senior
"""
_APART = frozenset(_APART_TEXT.split())
"""Words that make another name of a name: "West Sedge" is not "Sedge"."""
_COMMAS = re.compile(r"\s*[,;]\s*(?:(?:and|or|&)\s+)?|\s+(?:and|&)\s+")


def words(name: str) -> tuple[str, ...]:
    """Lower-case words without diacritics, bracketed parts and a leading article."""
    plain = _BRACKETS.sub("", name).strip() or name
    folded = unicodedata.normalize("NFKD", plain.casefold().translate(_LETTERS))
    bare = "".join(sign for sign in folded if not unicodedata.combining(sign))
    found = _WORD.findall(_APOSTROPHE.sub("", bare))
    return tuple(found[1:] if len(found) > 1 and found[0] in _ARTICLES else found)


def same(one: str, other: str) -> bool:
    """Whether two names mean one thing.

    Equal words, whatever the spacing; or a name of two words or more that stands, in order, in the
    longer one ("Paul Smith", "Paul J. Smith"); or one that a comma makes
    more exact ("Kell, Norland").
    """
    short, long = sorted((words(one), words(other)), key=len)
    if not short:
        return False
    if short == long or "".join(short) == "".join(long):
        return True
    orders = [(short, long), (long, short)] if len(short) == len(long) else [(short, long)]
    if not any(_within(one, other) for one, other in orders):
        return False
    if len(short) == 1:
        return any(short == words(name.split(",", 1)[0]) for name in (one, other) if "," in name)
    return _APART.isdisjoint(set(long) ^ set(short))


def _within(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether the words, or their initials, stand in the longer name in order."""
    more = list(long)
    return all(_taken(word, more) for word in short)


def _taken(word: str, rest: list[str]) -> bool:
    """Whether the word, or its initial, is among the rest, which then begins behind it."""
    for place, other in enumerate(rest):
        if word == other or (len(word) == 1 and other.startswith(word)):
            del rest[: place + 1]
            return True
    return False


def listed(text: str) -> tuple[str, ...]:
    """The parts of an enumeration; brackets are not looked into."""
    held = _BRACKETS.sub(lambda match: re.sub(r"[,;&]| and ", "\x00", match.group()), text)
    if held != text:
        return tuple(part.strip() for part in (text,) if part.strip())
    return tuple(part.strip(" .") for part in _COMMAS.split(text) if part.strip(" ."))


def distinct(names: Iterable[str]) -> list[str]:
    """Each thing once, by its first name, in order."""
    found: list[str] = []
    for name in names:
        if words(name) and not any(same(name, other) for other in found):
            found.append(name)
    return found


def enumerated(names: Sequence[str]) -> str:
    """As a sentence lists them: "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
