"""A plan: the sub-questions of a question, and what each of them must wait for.

A text names the answer of another node as `#k`, and `needs` lists the same nodes; the one node that
no other needs answers the question. A comparison ends in an operator: two retrieving nodes, and a
`compare` node that needs both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Op = Literal["retrieve", "compare", "count", "intersect", "union", "arithmetic", "sql"]
Expects = Literal["entity", "person", "place", "date", "number", "bool", "list", "text"]
Source = Literal["llm", "rules", "single"]

MOST_NODES = 6
LONGEST_TEXT = 300
"""Characters of a sub-question."""

_REFERENCE = re.compile(r"#(\d+)")
_ID = re.compile(r"[1-9]\d*")
_LEAST_NEEDS: dict[Op, int] = {
    "compare": 2,
    "intersect": 2,
    "union": 2,
    "count": 1,
    "arithmetic": 1,
}


@dataclass(frozen=True, slots=True)
class SubQuestion:
    """One node. Holds whatever a model proposed; `Plan` refuses what cannot be executed."""

    id: str  # "1", "2", …
    text: str
    needs: tuple[str, ...] = ()
    op: Op = "retrieve"
    expects: Expects = "text"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that can be executed; the constructor raises `ValueError` for any other.

    A `single` plan is the question itself, so its text may be long, and a `#1` in it is literal.
    """

    question: str
    nodes: tuple[SubQuestion, ...]
    source: Source
    repairs: int = 0

    def __post_init__(self) -> None:
        found = violations(self.question, self.nodes, self.source)
        if self.repairs < 0:
            found.append("repairs are counted from 0")
        if found:
            raise ValueError("; ".join(found))

    @property
    def final(self) -> SubQuestion:
        """The node whose answer is the question's."""
        needed = {need for node in self.nodes for need in node.needs}
        return next(node for node in self.nodes if node.id not in needed)

    def node(self, id: str) -> SubQuestion:
        """The node of this id; raises `KeyError`."""
        for node in self.nodes:
            if node.id == id:
                return node
        raise KeyError(id)

    def ranks(self) -> list[list[str]]:
        """Ids by rank: a node stands one rank after the last of what it needs.

        Nodes of one rank do not need each other; within a rank they keep the order of `nodes`.
        """
        return _ranks(self.nodes)


def single(question: str, expects: Expects = "text") -> Plan:
    """The plan of a question that is not split. Raises `ValueError` if nothing is asked."""
    return Plan(question, (SubQuestion("1", question, expects=expects),), "single")


def references(text: str) -> list[str]:
    """Ids of the nodes whose answers the text names, in order, without repeats."""
    return list(dict.fromkeys(_REFERENCE.findall(text)))


def literal(text: str) -> str:
    """The text with every `#1` of its own written `# 1`, so that it names no node.

    Encoders and full-text analysers cut both in the same way.
    """
    return _REFERENCE.sub(r"# \1", text)


def violations(question: str, nodes: Sequence[SubQuestion], source: Source) -> list[str]:
    """All that is wrong with a plan, one readable sentence each; empty if nothing is.

    Written for the model that is asked to repair its plan.
    """
    if source == "single":
        whole = len(nodes) == 1 and nodes[0].text == question and not nodes[0].needs
        found = [] if whole else ["a single plan has one node, whose text is the question"]
        return found if question.strip() else [*found, "the question is empty"]
    found = []
    if not 1 <= len(nodes) <= MOST_NODES:
        found.append(f"a plan has 1 to {MOST_NODES} nodes, not {len(nodes)}")
    counts = Counter(node.id for node in nodes)
    found += [f"the id {id!r} is used {n} times" for id, n in counts.items() if n > 1]
    asked = _folded(question)
    for node in nodes:
        found += _of_node(node, counts.keys(), asked)
    if found:
        # The graph of a plan whose edges are wrong would only repeat what was said above.
        return found
    placed = {id for rank in _ranks(nodes) for id in rank}
    if circular := [node.id for node in nodes if node.id not in placed]:
        return [f"nodes {_listed(circular)} wait for each other"]
    needed = {need for node in nodes for need in node.needs}
    ends = [node.id for node in nodes if node.id not in needed]
    if len(ends) > 1:
        orphans = [node.id for node in nodes if node.id in ends and not node.needs]
        found += [f"node {id} needs nothing and nothing needs it" for id in orphans]
        found.append(f"nodes {_listed(ends)} are not needed; only one node may be the last")
    return found


def _of_node(node: SubQuestion, known: Iterable[str], asked: str) -> list[str]:
    """What is wrong with one node, whatever the others say."""
    name = f"node {node.id}"
    named, needs = references(node.text), list(node.needs)
    found = []
    if not _ID.fullmatch(node.id):
        found.append(f"the id {node.id!r} is not a number from 1 on")
    if not node.text.strip():
        found.append(f"{name} has no text")
    if len(node.text) > LONGEST_TEXT:
        found.append(f"the text of {name} has {len(node.text)} characters, over {LONGEST_TEXT}")
    if asked and _folded(node.text) == asked:
        found.append(f"{name} repeats the question")
    if len(set(needs)) < len(needs):
        found.append(f"{name} needs a node twice")
    found += [f"{name} names #{id}, which is not in its needs" for id in named if id not in needs]
    found += [f"{name} needs {id}, but its text has no #{id}" for id in needs if id not in named]
    both = dict.fromkeys([*named, *needs])
    found += [f"{name} refers to node {id}, which does not exist" for id in both if id not in known]
    least = _LEAST_NEEDS.get(node.op, 0)
    if len(needs) < least:
        found.append(f"{name} is a {node.op} and must need at least {least} other nodes")
    return found


def _ranks(nodes: Sequence[SubQuestion]) -> list[list[str]]:
    """Ids by rank; nodes that wait for each other are left out."""
    ranks: list[list[str]] = []
    placed: set[str] = set()
    open_nodes = list(nodes)
    while ready := [node.id for node in open_nodes if placed.issuperset(node.needs)]:
        ranks.append(ready)
        placed.update(ready)
        open_nodes = [node for node in open_nodes if node.id not in placed]
    return ranks


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip("?!. ")


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:-1]) + f" and {ids[-1]}" if len(ids) > 1 else "".join(ids)
