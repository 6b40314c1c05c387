"""From text to entities by rules alone: what might be a name, and which known names stand where.

Candidates of a passage depend on its text only and are made at ingest. Which of them are entities
depends on the whole collection: an entity is a title, or a candidate of at least two passages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from retrievers.graph.words import STOP_WORDS, entity_key

LONGEST_NAME = 8
"""Words of a name that are matched in text; longer ones are known, but found nowhere."""
LONGEST_KEY = 200
"""Characters; what is longer (a line in capitals, a paragraph as title) names nothing."""
MOST_CANDIDATES = 2_000
"""Distinct candidates kept of one passage, many times what a passage made of names holds."""

# A class of all capitals would hold 1,800 letters; these are the Latin, Greek and Cyrillic ones.
_UPPER = (
    "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĲĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽȘȚΆΈ-ΊΌΎΏΑ-ΡΣ-ΫЀ-ЯҐ"
)
_NAME = rf"[{_UPPER}][\w'\u2019.\-]*"
_SPAN = re.compile(
    rf"""(?: {_NAME} | \d{{4}} )
    (?: \s+
        (?: (?: of|the|de|von|van|der|den|du|la|le|di|da|al|and|for|in|on|&|ibn|bin ) \s+ )*
        (?: {_NAME} | \d{{1,4}} )
    )*""",
    re.VERBOSE,
)
_QUALIFIER = re.compile(r"\s*\([^)]*\)")


def candidates(text: str) -> Counter[str]:
    """Keys that may name entities, with how often they stand in the text.

    A candidate is a longest run of capitalised words and four-digit numbers, joined across a few
    particles ("Duke of Anhalt"), without stop words at its ends.
    """
    found: Counter[str] = Counter()
    for match in _SPAN.finditer(text):
        run = match.group().split()
        while run and run[0].lower().strip(".'") in STOP_WORDS:
            del run[0]
        while run and run[-1].lower().strip(".'") in STOP_WORDS:
            del run[-1]
        key = entity_key(" ".join(run))
        if 2 < len(key) <= LONGEST_KEY and key not in STOP_WORDS and not key.isdigit():
            found[key] += 1
    if len(found) <= MOST_CANDIDATES:
        return found
    return Counter(
        dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_CANDIDATES])
    )


def title_key(title: str) -> str:
    """The key of a title without its qualifier in parentheses; "" if it names nothing."""
    key = entity_key(_QUALIFIER.sub("", title))
    return key if 3 <= len(key) <= LONGEST_KEY else ""


def title_alias(title: str) -> str:
    """A title up to its first comma, if that is a full name: "Ada Bell, 1st Baroness Bell".

    "" otherwise; one word alone would be taken for too many things.
    """
    name, comma, _ = _QUALIFIER.sub("", title).partition(",")
    key = entity_key(name) if comma and title_key(title) else ""
    return key if " " in key else ""


class Names:
    """The keys that are looked for in text, each with the number of the entity it names."""

    def __init__(self) -> None:
        self._entity: dict[str, int] = {}
        # First word to the words of the longest key that begins with it; removal leaves it as it
        # is, since a bound that is too wide costs a look-up and changes no match.
        self._reach: dict[str, int] = {}

    def get(self, key: str) -> int | None:
        """The entity the key names, if it is looked for."""
        return self._entity.get(key)

    def put(self, key: str, entity: int | None) -> bool:
        """Let the key name this entity, or none; tells whether that changes any match."""
        if entity is None:
            return self._entity.pop(key, None) is not None
        parts = key.split(" ")
        if len(parts) > LONGEST_NAME or (len(parts) == 1 and _weak(key)):
            return False
        if self._entity.get(key) == entity:
            return False
        self._entity[key] = entity
        self._reach[parts[0]] = max(len(parts), self._reach.get(parts[0], 0))
        return True

    def mentions(self, words: Sequence[str], starts: Iterable[int]) -> Iterator[int]:
        """Entities named in a text: greedy longest match, left to right, without overlaps.

        Args:
            words: Lower-case.
            starts: Ascending positions at which a name may begin.
        """
        free = 0
        count = len(words)
        for start in starts:
            reach = self._reach.get(words[start]) if start >= free else None
            if reach is None:
                continue
            for end in range(min(start + reach, count), start, -1):
                entity = self._entity.get(" ".join(words[start:end]))
                if entity is not None:
                    yield entity
                    free = end
                    break


def may_start(word: str) -> bool:
    """Whether a name may begin with this word as written: no small letter at its start.

    Scripts without capitals always may.
    """
    return not word[0].islower()


def _weak(word: str) -> bool:
    return len(word) < 3 or word in STOP_WORDS or word.isdigit()
