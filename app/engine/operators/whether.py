"""Whether a sentence says what a statement says, with or without its countries and names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.engine.operators.countries import countries, labels
from app.engine.reading.words import content

_ENOUGH, _HALF, _ROOT = 0.75, 0.5, 4
_HOLDS, _DENIED, _LACKS = 0.8, 0.7, 0.4


def judged(
    bare: str, said: str, wanted: Sequence[str], stems: frozenset[str], names: Sequence[list[str]]
) -> tuple[bool, float]:
    """Yes or no, and how surely; 0 where half of the statement is said."""
    places, here = countries(bare), frozenset(label.country for label in labels(said))
    of_places = [t for t in wanted if places and _names_country(t, bare)]
    held = [t for t in wanted if _held(t, stems) or (t in of_places and places & here)]
    share = len(held) / len(wanted)
    if places and here and not places & here:
        return False, _DENIED
    if share >= _ENOUGH:
        return True, _HOLDS * share
    if any(not any(_held(t, stems) for t in name) for name in names if name):
        return False, _DENIED - 0.1
    return False, _LACKS if share < _HALF else 0.0


def _names_country(term: str, text: str) -> bool:
    """Whether the term is of a word by which the text names a country."""
    return any(term in content(text[label.start : label.end]) for label in labels(text))


def _held(term: str, stems: frozenset[str]) -> bool:
    if term in stems:
        return True
    # "genus" and "genuses" lose different endings.
    return any(
        abs(len(term) - len(other)) == 1 and (term.startswith(other) or other.startswith(term))
        for other in stems
        if min(len(term), len(other)) >= _ROOT
    )


def without_title(text: str, title: str) -> str:
    """The text without the name of the thing, its capitals kept."""
    name = re.escape(re.sub(r"\s*\([^)]*\)", "", title))
    return re.sub(rf"{name}(?:\s*\([^)]*\))?", " ", text, flags=re.IGNORECASE)
