"""Questions that compare: "which N is older, A or B", "are A and B from the same N"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from app.engine.plan.cuts import nominal
from app.engine.plan.lexicon import COMMON_ROLES, LEAST_WORDS, MOST_WORDS, ROLES, SCALE_WORDS
from app.engine.plan.tokens import Token, content, reference, render, word

Sense = Literal["least", "most", "equal", "both", "which"]
"""What decides: an end of a scale, that two values are equal, that a statement holds for both, or
for which of them it holds."""

_WORD = re.compile(r"\w+")
_ASKS_WHICH = frozenset(("which", "who", "what", "where", "when"))
_ASKS_WHICH_BARE = frozenset(("which", "who", "what"))
_ASKS_WHETHER = frozenset(("are", "were", "is", "was", "do", "did", "does", "have", "has"))
_PREDICATE = re.compile(
    r"""both | (?: (?:from|of|in)\ )? the\ same | same | located | have | share | born | an?\ \S
    | based | american | considered""",
    re.VERBOSE,
)
"""How the part behind "A and B" begins, once it speaks of both."""
_PREDICATE_REACH = 3  # words of the longest beginning


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands, and what is asked of each."""

    opening: tuple[Token, ...]  # "Which", "Are both"
    attribute: tuple[Token, ...]
    operands: tuple[tuple[Token, ...], tuple[Token, ...]]
    whether: bool  # asks for yes or no; the operands then stand before the attribute

    def asked_of(self, operand: Iterable[Token]) -> list[Token]:
        """The attribute asked of one operand, in the question's order of words."""
        if self.whether:
            return [*operand, *self.attribute]
        return [*self.attribute, *operand]

    def asked_of_both(self, first: int, second: int) -> str:
        """The question over the answers of two nodes: the text of the node that compares them."""
        a, b = (render([reference(node)]) for node in (first, second))
        opening, attribute = render(self.opening), render(self.attribute)
        if self.whether:
            return f"{opening} {a} and {b} {attribute}"
        return f"{f'{opening} {attribute}'.strip()}: {a} or {b}"


class _Operand(NamedTuple):
    start: int
    end: int  # where the "or" or "and" behind it stands


def find(tokens: Sequence[Token]) -> Comparison | None:
    """The comparison a question makes, if it makes one."""
    if not tokens:
        return None
    either = _either(tokens)
    return _both(tokens) if either is None else either


def unfold(comparison: Comparison) -> tuple[list[tuple[Token, ...]], tuple[int, int]]:
    """The nodes that fetch what is compared, and the numbers of the two that hold it.

    An operand that is itself to be looked up ("the director of A") becomes a node of its own.
    """
    nodes: list[tuple[Token, ...]] = []
    ends: list[int] = []
    for operand in comparison.operands:
        nodes += _of_operand(comparison, operand, len(nodes) + 1)
        ends.append(len(nodes))
    return nodes, (ends[0], ends[1])


def sense(text: str) -> Sense:
    """What decides the comparison that the text of a `compare` node makes.

    Being older or first is having the lesser date.
    """
    words = _WORD.findall(text.lower())
    if words and words[0] in _ASKS_WHETHER and "or" not in words:
        return "equal" if "same" in words else "both"
    for said in words:
        if said in LEAST_WORDS:
            return "least"
        if said in MOST_WORDS:
            return "most"
    return "equal" if "same" in words else "which"


def _of_operand(
    comparison: Comparison, operand: tuple[Token, ...], number: int
) -> list[tuple[Token, ...]]:
    """One node, or two of which the first gets this number."""
    asked = comparison.asked_of(operand)
    clause = nominal(asked)
    answer = reference(number)
    if clause is None and (role := _role_of(asked)):
        return [(word(role), word("of"), *operand), (*comparison.attribute, answer)]
    if clause is not None:
        before, after = asked[: clause.start], asked[clause.end :]
        if content([*before, *after]):
            return [tuple(asked[clause.start : clause.end]), (*before, answer, *after)]
    return [tuple(asked)]


def _role_of(tokens: Iterable[Token]) -> str | None:
    """The role that leads from an operand to what is compared: "film whose *director* is older"."""
    for token in tokens:
        role = token.low.rstrip("s")
        if role in ROLES and role not in COMMON_ROLES:
            return role
    return None


def _either(tokens: Sequence[Token]) -> Comparison | None:
    """`which ATTRIBUTE, A or B`; behind a word of a scale the comma may be missing."""
    first = _alternative(tokens)
    # "…, red or blue": what is compared must be named.
    if first is None or not tokens[first.end - 1].name:
        return None
    return Comparison(
        opening=tuple(tokens[:1]),
        attribute=_without_sign(tokens[1 : first.start]),
        operands=(tuple(tokens[first.start : first.end]), tuple(tokens[first.end + 1 :])),
        whether=False,
    )


def _alternative(tokens: Sequence[Token]) -> _Operand | None:
    asking = _WORD.match(tokens[0].low)
    opening = asking.group() if asking else ""
    found = None
    if opening in _ASKS_WHICH:
        signs = (place for place, token in enumerate(tokens) if token.text[-1] in ",:")
        found = _operand(tokens, next(signs, len(tokens)) + 1, "or")
    if found is None and opening in _ASKS_WHICH_BARE:
        scales = (place for place, token in enumerate(tokens) if token.low in SCALE_WORDS)
        found = _operand(tokens, next(scales, len(tokens)) + 1, "or")
    return found


def _both(tokens: Sequence[Token]) -> Comparison | None:
    """`are (both) A and B PREDICATE`, where the predicate sounds like one about both."""
    if tokens[0].low not in _ASKS_WHETHER:
        return None
    start = 2 if len(tokens) > 1 and tokens[1].low == "both" else 1
    first = _operand(tokens, start, "and")
    if first is None:
        return None
    for place in range(first.end + 2, len(tokens)):
        if _PREDICATE.match(" ".join(t.low for t in tokens[place : place + _PREDICATE_REACH])):
            return Comparison(
                opening=tuple(tokens[:start]),
                attribute=tuple(tokens[place:]),
                operands=(tuple(tokens[start : first.end]), tuple(tokens[first.end + 1 : place])),
                whether=True,
            )
    return None


def _operand(tokens: Sequence[Token], start: int, joint: str) -> _Operand | None:
    """The operand from `start` to the first joint; neither it nor what follows may be empty."""
    for place in range(start + 1, len(tokens) - 1):
        if tokens[place].low == joint:
            return _Operand(start, place)
    return None


def _without_sign(attribute: Sequence[Token]) -> tuple[Token, ...]:
    """The attribute without the comma or colon that ends it."""
    if not attribute or attribute[-1].text[-1] not in ",:":
        return tuple(attribute)
    *others, last = attribute
    text = last.text[:-1].rstrip()
    return (*others, replace(last, text=text, low=text.lower())) if text else tuple(others)
