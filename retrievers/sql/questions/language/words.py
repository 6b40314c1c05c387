"""Questions as tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from retrievers.sql.catalogue.names import singular

TokenKind = Literal["word", "number", "date", "quoted", "mark"]

_TOKEN = re.compile(
    r"""
      (?P<quoted>"[^"]{1,200}"|\u201c[^\u201d]{1,200}\u201d|`[^`]{1,200}`
        |(?<!\w)['\u2018][^'\u2019"]{1,200}['\u2019](?!\w))
    | (?P<date>\d{4}-\d{2}-\d{2})
    | (?P<number>[$€£]?\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th|k|m)?\b%?)
    | (?P<word>[^\W\d_]\w*(?:\.[^\W\d_](?!\w))*|\w+)
    | (?P<mark>>=|<=|!=|<>|[<>=?.,;:()/&!%+-])
    """,
    re.VERBOSE,
)
POSSESSIVE = re.compile(r"(?<=\w)['\u2019]s\b|(?<=s)['\u2019](?=\s)")
_SCALE = {"k": 1_000, "m": 1_000_000}
LARGEST = 1e18
"""Greater numbers count as this one; hundreds of digits would be infinity."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a question.

    Attributes:
        low: Lower case, quotes removed.
        key: Light stem of a word.
        number: Value of a number.
        glued: No white space before it.
    """

    kind: TokenKind
    text: str
    low: str
    key: str
    start: int
    number: float | None = None
    glued: bool = False

    @property
    def capital(self) -> bool:
        """Written as a name."""
        return self.text[:1].isupper()


def tokens(text: str) -> list[Token]:
    """Tokens in order; possessive endings are dropped, contractions spelt out."""
    text = text.replace("n't", " not").replace("n\u2019t", " not")
    text = POSSESSIVE.sub(" ", text)
    found: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "mark"
        written = match.group()
        glued = match.start() == end
        end = match.end()
        if kind == "quoted":
            inner = written[1:-1].strip()
            found.append(Token("quoted", inner, inner.lower(), "", match.start(), None, glued))
        elif kind == "number":
            found.append(_number(written, match.start(), glued))
        elif kind == "date":
            found.append(Token("date", written, written, "", match.start(), None, glued))
        elif kind == "word":
            for part in filter(None, written.split("_")):
                low = part.lower().replace(".", "")
                found.append(Token("word", part, low, singular(low), match.start(), None, glued))
        else:
            found.append(Token("mark", written, written, "", match.start(), None, glued))
    return found


def _number(written: str, start: int, glued: bool) -> Token:
    low = written.lower()
    digits = re.match(r"[\d,]*(?:\.\d+)?", low.lstrip("$€£"))
    value = float(digits.group().replace(",", "")) if digits and digits.group() else 0.0
    value = min(value * _SCALE.get(low[-1], 1), LARGEST)
    return Token("number", written, low, low, start, value, glued)


def spelled(words: list[str]) -> tuple[float, int] | None:
    """A number written in words at the front, and how many words it takes."""
    total, current, used = 0.0, 0.0, 0
    for place, word in enumerate(words):
        if word in UNITS:
            current += UNITS[word]
        elif word in SCALES and (place or word in ("hundred", "thousand", "million", "dozen")):
            current = max(current, 1) * SCALES[word]
            if SCALES[word] >= 1_000:
                total, current = total + current, 0.0
        elif word == "a" and words[place + 1 : place + 2] and words[place + 1] in SCALES:
            current = 1
        elif word != "and" or not used:
            break
        used = place + 1
    while used and words[used - 1] == "and":
        used -= 1
    return (min(total + current, LARGEST), used) if used else None


UNITS = {
    word: value
    for value, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
            *("seventeen", "eighteen", "nineteen"),
        )
    )
}
UNITS |= {
    word: value * 10
    for value, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2
    )
}
SCALES = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 1_000_000}
SCALES |= {"billion": 1_000_000_000}
