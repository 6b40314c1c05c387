"""The plan of a question by rules alone: no parser, no model, well under a millisecond.

Comparisons are split at their operands. Any other question gives up its innermost clause, which
leaves `#1` behind, then the next one, up to four times. A question without clauses that has two
predicates is an intersection. The rules are English; in other languages they find nothing.

A plan is used only if it is complete: measured, a half-right one loses to a plain single pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.domain.plan import LONGEST_TEXT, MOST_NODES, Expects, Op, Plan, SubQuestion, violations
from app.engine.plan import chain, comparison, expects, intersection
from app.engine.plan.comparison import Comparison, Sense
from app.engine.plan.cuts import CutKind
from app.engine.plan.intersection import Intersection
from app.engine.plan.tokens import Token, content, has_name, needs, read, render
from retrievers.protocol import Names

Kind = Literal["comparison", "bridge-comparison", "bridge", "intersection", "one-hop"]

MOST_RETRIEVED = MOST_NODES - 1
"""Retrieving nodes of a complete plan; one place is kept for the operator."""
NAMELESS = 5
"""Words of content from which a node can be found without a name: "the first team that won the
harbour cup twice"."""
LONGEST_QUESTION = MOST_NODES * LONGEST_TEXT
"""Characters. A longer question cannot be spread over nodes, and is not looked at."""


@dataclass(frozen=True, slots=True)
class Split:
    """What the rules make of a question, complete or not; for the trace and for measuring."""

    kind: Kind
    nodes: tuple[tuple[Token, ...], ...]
    """Retrieving nodes, numbered from 1, each after all it needs."""
    cuts: tuple[CutKind, ...] = ()
    joins: Comparison | Intersection | None = None
    """What an operator does with the answers of `ends`."""
    ends: tuple[int, int] | None = None

    @property
    def complete(self) -> bool:
        """Whether it can be retrieved for: 2 to 5 nodes, and each says what it is about."""
        return 2 <= len(self.nodes) <= MOST_RETRIEVED and all(map(_tells, self.nodes))


def _tells(tokens: Sequence[Token]) -> bool:
    """A name or an answer and a word beside it; without a name, many words."""
    words = content(tokens)
    return bool(words) and (bool(needs(tokens)) or has_name(tokens) or len(words) >= NAMELESS)


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A complete plan, its type, and what the operator of a comparison must know."""

    plan: Plan
    kind: Kind
    cuts: tuple[CutKind, ...] = ()
    """How the nodes of a bridge were found, the innermost first."""
    operands: tuple[str, ...] = ()
    """The names compared, in the order in which the `compare` node needs their values."""
    sense: Sense | None = None


def plan(question: str, names: Names) -> RulePlan | None:
    """The plan of a question; None where the rules find no complete one.

    Deterministic; any text will do. The last node of a comparison or intersection is an operator,
    the others retrieve.

    Args:
        names: The names of the collection's index. Joined to one token, a name of several words
            cannot be cut apart.
    """
    found = split(question, names)
    if not found.complete:
        return None
    nodes = _retrieving(found)
    operator = _operator(found, question)
    if operator is not None:
        nodes.append(operator)
    if violations(question, nodes, "rules"):
        return None
    joins = found.joins if isinstance(found.joins, Comparison) else None
    return RulePlan(
        plan=Plan(question, tuple(nodes), "rules"),
        kind=found.kind,
        cuts=found.cuts,
        operands=tuple(render(operand) for operand in joins.operands) if joins else (),
        # Of the operator's text: the names compared are not in it, and "First" may be a name.
        sense=comparison.sense(nodes[-1].text) if joins else None,
    )


def split(question: str, names: Names) -> Split:
    """Type the question and cut it; a question that resists is one hop of one node."""
    if len(question) > LONGEST_QUESTION:
        return Split("one-hop", ())
    tokens = read(question, names)
    if compared := comparison.find(tokens):
        nodes, ends = comparison.unfold(compared)
        kind: Kind = "comparison" if len(nodes) == 2 else "bridge-comparison"
        return Split(kind, tuple(nodes), joins=compared, ends=ends)
    nodes, cuts = chain.unfold(tokens)
    if cuts:
        return Split("bridge", tuple(nodes), tuple(cuts))
    if both := intersection.find(tokens):
        return Split("intersection", both.parts, joins=both, ends=(1, 2))
    return Split("one-hop", tuple(nodes))


def _retrieving(found: Split) -> list[SubQuestion]:
    return [
        SubQuestion(
            str(number), render(tokens), needs(tokens), "retrieve", _expected(found, number)
        )
        for number, tokens in enumerate(found.nodes, start=1)
    ]


def _expected(found: Split, number: int) -> Expects:
    tokens = found.nodes[number - 1]
    if isinstance(found.joins, Intersection):
        return "list"
    if isinstance(found.joins, Comparison) and found.ends and number in found.ends:
        return expects.of_operand(found.joins)
    if number < len(found.nodes):
        return expects.of_clause(tokens)
    return expects.of_question(render(tokens))


def _operator(found: Split, question: str) -> SubQuestion | None:
    """The last node of a plan whose ends meet in an operator."""
    if found.joins is None or found.ends is None:
        return None
    if isinstance(found.joins, Intersection):
        op: Op = "intersect"
        text, expected = found.joins.in_both(*found.ends), expects.of_choice(question)
    else:
        op = "compare"
        text = found.joins.asked_of_both(*found.ends)
        expected = "bool" if found.joins.whether else expects.of_choice(question)
    number = str(len(found.nodes) + 1)
    return SubQuestion(number, text, tuple(str(end) for end in found.ends), op, expected)
