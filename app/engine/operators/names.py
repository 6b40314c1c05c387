"""Names as they are compared: folded, with aliases of fewer words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_BRACKETS = re.compile(r"\([^()]*\)")
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['\u2019](?=s\b)", re.IGNORECASE)
_ARTICLES = frozenset(("the", "a", "an"))
_LINKS = frozenset(("of", "and", "de", "la", "the"))


def folded(name: str) -> str:
    """Case, signs, diacritics, parentheses and a leading article make no difference."""
    plain = _BRACKETS.sub(" ", name)
    plain = unicodedata.normalize("NFKD", plain if plain.strip() else name)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    words = _WORD.findall(_POSSESSIVE.sub("", plain.casefold()))
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    return " ".join(words)


def same(one: str, other: str) -> bool:
    """Whether two names fold to the same, or one has the words of the other in order.

    A name of one word is no alias: "Smith" may be anyone.
    """
    a, b = folded(one).split(), folded(other).split()
    if not a or not b:
        return False
    if a == b:
        return True
    short, long = sorted((a, b), key=len)
    if len([word for word in short if word not in _LINKS]) < 2:
        return False
    rest = iter(long)
    return all(word in rest for word in short)


def distinct(names: Iterable[str]) -> list[str]:
    """The names without repeats and aliases, the first spelling of each."""
    found: list[str] = []
    for name in names:
        if folded(name) and not any(same(name, other) for other in found):
            found.append(name)
    return found


def place(name: str, among: Sequence[str]) -> int | None:
    """Where the name or an alias of it stands in a list; None where it does not."""
    return next((n for n, other in enumerate(among) if same(name, other)), None)
