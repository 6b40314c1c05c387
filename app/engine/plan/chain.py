"""Questions inside questions: each clause becomes a node, and `#k` stands where it was."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.plan.cuts import Cut, CutKind, cuts
from app.engine.plan.lexicon import ROLES, TRAILING
from app.engine.plan.tokens import Token, content, reference

MOST_CUTS = 4
_HEAD = 5
"""Words at the start of a nominal clause among which the noun stands."""


def unfold(tokens: Sequence[Token]) -> tuple[list[tuple[Token, ...]], list[CutKind]]:
    """The nodes of a chain, the innermost first and the question that is left last.

    Returns:
        The tokens of each node, numbered from 1, and the kinds of the cuts that made them: one
        less than there are nodes.
    """
    nodes: list[tuple[Token, ...]] = []
    kinds: list[CutKind] = []
    left = list(tokens)
    while len(nodes) < MOST_CUTS:
        cut = _next(left)
        if cut is None:
            break
        nodes.append(tuple(left[cut.start : cut.end]))
        kinds.append(cut.kind)
        left[cut.start : cut.end] = [reference(len(nodes))]
    return [*nodes, tuple(left)], kinds


def _next(tokens: Sequence[Token]) -> Cut | None:
    """The innermost cut that leaves two questions which both ask something."""
    found = cuts(tokens)
    for proposed in found:
        cut = _give_back(tokens, proposed)
        inner = tokens[cut.start : cut.end]
        if not content(_outside(tokens, cut)) or not content(inner):
            continue
        if cut.kind == "nominal" and not _relates(inner, cut, found):
            continue
        return cut
    return None


def _give_back(tokens: Sequence[Token], cut: Cut) -> Cut:
    """Leave the verbs at a clause's end to the outer question if it has no other content."""
    if not TRAILING.issuperset(content(_outside(tokens, cut))):
        return cut
    end = cut.end
    while end > cut.start + 1 and tokens[end - 1].low in TRAILING and not tokens[end - 1].name:
        end -= 1
    return cut._replace(end=end)


def _outside(tokens: Sequence[Token], cut: Cut) -> list[Token]:
    return [*tokens[: cut.start], *tokens[cut.end :]]


def _relates(inner: Sequence[Token], cut: Cut, found: Sequence[Cut]) -> bool:
    """Whether a nominal clause is a relation of its name, rather than part of a longer clause."""
    head = [token.low for token in inner[:_HEAD]]
    if any(word in ROLES or word.endswith("est") or word == "most" for word in head):
        return True
    if any(
        other.kind == "relative" and other.start <= cut.start and cut.end <= other.end
        for other in found
    ):
        return False
    return "of" in head
