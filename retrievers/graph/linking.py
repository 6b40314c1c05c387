"""From text to entities by rules alone: what might be a name, and which known names stand where.

Candidates of a passage depend on its text only and are made at ingest. Which of them are entities
depends on the whole collection: an entity is a title, or a candidate of at least two passages.
"""

from __future__ import annotations

import re
from collections import Counter

from retrievers.graph.words import STOP_WORDS, entity_key

LONGEST_NAME = 6
"""Words of a name that are matched; longer keys stay in the vocabulary, unmatched."""
MOST_CANDIDATES = 2_000
"""Distinct candidates kept of one passage: ten times what a full passage of names holds."""

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
_CAPITAL = re.compile(f"[{_UPPER}]")


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
        if len(key) > 2 and key not in STOP_WORDS and not key.isdigit():
            found[key] += 1
    return (
        found
        if len(found) <= MOST_CANDIDATES
        else Counter(dict(found.most_common(MOST_CANDIDATES)))
    )


def title_key(title: str) -> str:
    """The key of a title without its qualifier in parentheses; "" if it names nothing."""
    key = entity_key(_QUALIFIER.sub("", title))
    return key if len(key) >= 3 else ""


def title_alias(title: str) -> str:
    """A title up to its first comma if that leaves a full name ("Edward Baring, 1st Baron R.")."""
    name, comma, _ = _QUALIFIER.sub("", title).partition(",")
    key = entity_key(name) if comma else ""
    return key if " " in key else ""
