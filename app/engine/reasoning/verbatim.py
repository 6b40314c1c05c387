"""Whether what a model says stands in a text: spans letter by letter, answers word by word."""

from __future__ import annotations

import re
import unicodedata

from app.engine.reading.words import STOP_WORDS, UNSPACED

# Scripts without spaces: a run of signs there is looked for as a whole, not sign by sign.
_TERM = re.compile(rf"[{UNSPACED}]+|[^\W{UNSPACED}_]+")
_RUN = re.compile(rf"[{UNSPACED}]")
_LETTER = rf"[^\W{UNSPACED}]"
_THOUSANDS = re.compile(r"(?<=\d)[,\u202f'](?=\d{3}(?!\d))")


def locate(span: str, text: str) -> tuple[int, int] | None:
    """Offsets of the first place where the text holds the span, whatever white space parts it.

    The place begins and ends with whole words, so that "art" does not stand in "party". None where
    there is none, or where the span has no letter and no digit.
    """
    parts = span.split()
    if not parts or not _TERM.search(span):
        return None
    opens = rf"(?<!{_LETTER})" if re.match(_LETTER, parts[0]) else ""
    closes = rf"(?!{_LETTER})" if re.match(_LETTER, parts[-1][-1]) else ""
    found = re.search(opens + r"\s+".join(map(re.escape, parts)) + closes, text)
    return found.span() if found else None


def terms(text: str) -> frozenset[str]:
    """The folded words of a text; without its stop words, unless it has no others."""
    every = frozenset(_TERM.findall(_folded(text)))
    return every - STOP_WORDS or every


def held(wanted: frozenset[str], text: str) -> frozenset[str]:
    """Those of the terms that the text holds as words."""
    folded = _folded(text)
    words = frozenset(_TERM.findall(folded))
    return frozenset(
        term for term in wanted if term in words or (_RUN.match(term) and term in folded)
    )


def _folded(text: str) -> str:
    """Lower-case, without accents and without the signs that part thousands."""
    apart = unicodedata.normalize("NFKD", _THOUSANDS.sub("", text).casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
