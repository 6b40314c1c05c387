"""Splits a question: by a model where there is one, else by rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.plan import LONGEST_TEXT, MOST_NODES, Plan, SubQuestion, references, violations
from app.engine.plan import comparison, rules
from app.engine.plan.comparison import Comparison, Sense
from app.engine.plan.tokens import render
from app.engine.prompts.plan import ProposedNode, ProposedPlan, prompt, repair
from app.engine.reading.passage import folded, mentions
from app.engine.reading.question import asked
from app.engine.run import Run
from app.engine.sanitise import sanitise
from retrievers.protocol import Names

STEP, REPAIR = "plan", "plan.repair"
_LONGEST_REPLY = 600  # tokens
_LOOKED_AT = 2 * MOST_NODES  # nodes; so many are refused whatever they are
_LONGEST_LOOK = LONGEST_TEXT + 100  # characters of a text; refused, unless cleaning shortens it
_MOST_FAULTS, _LONGEST_FAULT = 10, 200
_ID = re.compile(r"\s*#?\s*0*([0-9]{1,3})\s*")


@dataclass(frozen=True, slots=True)
class Planning:
    """How a question is split, and how that came about."""

    plan: Plan | None  # None: one node, the question as it is
    kind: str
    """`comparison`, `bridge` and the like of rules, `llm` of a model, `one-hop` without a plan."""
    sense: Sense | None = None  # what decides the comparison that the plan makes
    operands: tuple[str, ...] = ()
    """Names compared, in the order in which the `compare` node needs their values."""
    issues: tuple[str, ...] = ()  # what was wrong with a model's plans


async def propose(
    run: Run,
    question: str,
    names: Names,
    linked: Sequence[str] = (),
    most_nodes: int = MOST_NODES,
) -> Planning:
    """A plan that can be executed, with at most so many nodes.

    A model's plan that cannot be executed goes back once with what is wrong with it; then, and
    where there is no model or no reply, the rules plan.

    Args:
        linked: Names of the question that the collection knows; with the question all that the
            model is told.
    """
    most = min(most_nodes, MOST_NODES)
    if most < 2:
        return Planning(None, "one-hop")
    issues: list[str] = []
    request, step = prompt(question, linked, most), STEP
    for repairs in range(2):
        proposed = await run.complete(step, request, ProposedPlan, _LONGEST_REPLY)
        if proposed is None:
            break
        nodes = [_node(one) for one in proposed.nodes[:_LOOKED_AT]]
        if len(nodes) == 1 and not nodes[0].needs:
            return Planning(None, "llm", issues=tuple(issues))
        faults = _faults(question, nodes, most)
        if not faults:
            plan = Plan(question, tuple(nodes), "llm", repairs)
            return _planned(plan, names, linked, tuple(issues))
        issues += faults
        request, step = repair(question, linked, most, proposed, faults), REPAIR
    return _by_rules(question, names, most, tuple(issues))


def _by_rules(question: str, names: Names, most: int, issues: tuple[str, ...]) -> Planning:
    found = rules.plan(question, names)
    if found is None or len(found.plan.nodes) > most:
        return Planning(None, "one-hop", issues=issues)
    return Planning(found.plan, found.kind, found.sense, found.operands, issues)


def _node(proposed: ProposedNode) -> SubQuestion:
    """The node with its text on one clean line, ids as plain numbers, and needs completed."""
    text = " ".join(sanitise(proposed.text[:_LONGEST_LOOK]).split())
    needs = dict.fromkeys([*map(_id, proposed.needs), *references(text)])
    return SubQuestion(_id(proposed.id), text, tuple(needs), proposed.op, proposed.expects)


def _id(said: str) -> str:
    """`#1`, `01` and ` 1 ` are node 1; what is no number is left for `violations` to name."""
    match = _ID.fullmatch(said)
    return match[1] if match else said[:20]


def _faults(question: str, nodes: Sequence[SubQuestion], most: int) -> list[str]:
    found = violations(question, nodes, "llm")
    if most < len(nodes) <= MOST_NODES:
        found.append(f"a plan has at most {most} nodes here, not {len(nodes)}")
    # A fault may quote what the model wrote, and be as long.
    return [fault[:_LONGEST_FAULT] for fault in found[:_MOST_FAULTS]]


def _planned(plan: Plan, names: Names, linked: Sequence[str], issues: tuple[str, ...]) -> Planning:
    compare = next((node for node in plan.nodes if node.op == "compare"), None)
    if compare is None:
        return Planning(plan, "llm", issues=issues)
    ruled = rules.split(plan.question, names).joins
    joins = ruled if isinstance(ruled, Comparison) else None
    sense = comparison.sense(compare.text)
    if sense == "which" and joins:  # "Compare #1 and #2" says less than the question
        sense = comparison.sense(joins.asked_of_both(1, 2))
    known = [render(operand) for operand in joins.operands] if joins else []
    candidates = [*known, *linked, *asked(plan.question).names]
    return Planning(plan, "llm", sense, _operands(plan, compare, candidates), issues)


def _operands(plan: Plan, compare: SubQuestion, candidates: Sequence[str]) -> tuple[str, ...]:
    """For each need the name that its branch alone speaks of; none if one has no such name.

    Args:
        candidates: Names, those preferred first among the longest.
    """
    branches = [folded(" ".join(_branch(plan, need))) for need in compare.needs]
    chosen = []
    for place, said in enumerate(branches):
        others = [*branches[:place], *branches[place + 1 :]]
        own = [
            name
            for name in candidates
            if mentions(said, folded(name))
            and not any(mentions(other, folded(name)) for other in others)
        ]
        if not own:
            return ()
        chosen.append(max(own, key=lambda name: len(folded(name))))
    return tuple(chosen)


def _branch(plan: Plan, id: str) -> list[str]:
    """The texts of a node and of all it needs."""
    node = plan.node(id)
    return [node.text, *(text for need in node.needs for text in _branch(plan, need))]
