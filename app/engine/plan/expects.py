"""What kind of answer each node of a rule plan waits for, from its wh-word or its relation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.domain.plan import Expects
from app.engine.plan.comparison import Comparison
from app.engine.plan.lexicon import (
    ARTICLES,
    FUNCTION_WORDS,
    MOST_WORDS,
    NOMINAL_LINKS,
    PARTICIPLES,
    RELATIVES,
    SMALLER_WORDS,
    TIME_WORDS,
)
from app.engine.plan.tokens import POSSESSIVE, Token
from app.engine.reading.question import Kind, asked

_OF_KIND: dict[Kind, Expects] = {
    "date": "date",
    "number": "number",
    "person": "person",
    "place": "place",
    "name": "entity",
    "reason": "text",
    "verdict": "bool",
    "text": "text",
}
# "year" and "date" ask nothing of their own, but are what a clause is about.
_HEAD_ENDS = (FUNCTION_WORDS | RELATIVES | PARTICIPLES | NOMINAL_LINKS) - {"year", "date", "name"}


def of_question(text: str) -> Expects:
    """What a whole question waits for, by its wh-word and the noun behind it."""
    return _OF_KIND[asked(text).kind]


def of_choice(text: str) -> Expects:
    """What a question waits for whose answer is one of several things it names or finds."""
    found = of_question(text)
    return "entity" if found in ("text", "bool") else found


def of_clause(tokens: Sequence[Token]) -> Expects:
    """What a clause cut out of a question stands for: "the *city* where …", "X's *father*".

    Its answer is put in the place of `#k`, so it is never mere text.
    """
    return of_choice(" ".join(_head(tokens)))


def of_operand(comparison: Comparison) -> Expects:
    """What is compared: dates, numbers, the thing that may be the same, or whether it holds."""
    words = [token.bare for token in comparison.attribute]
    if comparison.whether:
        if "same" not in words:
            return "bool"
        return of_choice(" ".join(words[words.index("same") + 1 :]))
    if TIME_WORDS.intersection(words):
        return "date"
    return "number" if (MOST_WORDS | SMALLER_WORDS).intersection(words) else "bool"


def _head(tokens: Sequence[Token]) -> Iterable[str]:
    """The noun phrase a clause is about: behind its article or its last possessive."""
    start = 0
    if tokens[0].low in ARTICLES:
        start = 1
    else:
        for place, token in enumerate(tokens[:-1]):
            if POSSESSIVE.search(token.text):
                start = place + 1
    for token in tokens[start:]:
        if token.low in _HEAD_ENDS:
            return
        yield token.bare
