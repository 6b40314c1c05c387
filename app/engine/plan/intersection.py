"""Questions with two predicates of one head: "which N … and was …"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.engine.plan.lexicon import PREDICATES
from app.engine.plan.tokens import Token, has_name, reference, render

_ASKS = re.compile(r"(?:which|what|who)\b")
_PRONOUNS = frozenset(("that", "who", "which"))
_WORD = re.compile(r"\w+")
_HEAD = 3
"""Words of the first part that are said again before the second: "which English poet"."""


@dataclass(frozen=True, slots=True)
class Intersection:
    """Two questions with the same head; the answer is in the answers of both."""

    head: tuple[Token, ...]
    parts: tuple[tuple[Token, ...], tuple[Token, ...]]

    def in_both(self, first: int, second: int) -> str:
        """The text of the node that intersects the answers of two nodes."""
        a, b = (render([reference(node)]) for node in (first, second))
        return f"{render(self.head)}: in both {a} and {b}"


def find(tokens: Sequence[Token]) -> Intersection | None:
    """The intersection a question asks for, if each of its predicates holds a name."""
    if not tokens or not _ASKS.match(tokens[0].low):
        return None
    for place in range(1, len(tokens) - 1):
        if tokens[place].low != "and":
            continue
        start = place + 1 + (tokens[place + 1].low in _PRONOUNS)
        if start < len(tokens) and _predicate(tokens[start]):
            break
    else:
        return None
    # The question's first word has a capital and is no name.
    if not has_name(tokens[1:place]) or not has_name(tokens[start:]):
        return None
    head = tuple(tokens[: min(_HEAD, place)])
    return Intersection(head, (tuple(tokens[:place]), (*head, *tokens[start:])))


def _predicate(token: Token) -> bool:
    word = _WORD.match(token.low)
    return word is not None and word.group() in PREDICATES
