"""Decides which table or column each name of a draft stands for, all of them together.

Every combination is scored: good names, few joins, words of the question that the chosen names
account for. Two different combinations that are about as good mean that nothing is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from retrievers.sql.questions.draft import Draft, Measure, Mention, ValueIs
from retrievers.sql.questions.naming import Meaning
from retrievers.sql.questions.statement.candidates import Candidates, Scored, Slot
from retrievers.sql.questions.statement.facts import Facts
from retrievers.sql.questions.vocabulary import Value

JOIN_COST = 0.2
NEAR = 0.04  # combinations closer than this are equally good
MOST_COMBINATIONS = 3_000


@dataclass
class Resolution:
    """What was decided. Keys are the draft's own objects."""

    chosen: dict[int, Meaning] = field(default_factory=dict)
    values: dict[int, tuple[Value, ...]] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    keys: list[object] = field(default_factory=list)  # keeps them alive: ids are the keys

    def __getitem__(self, key: object) -> Meaning:
        return self.chosen[id(key)]

    def __contains__(self, key: object) -> bool:
        return id(key) in self.chosen

    def put(self, key: object, meaning: Meaning, score: float) -> None:
        """Decide one."""
        self.chosen[id(key)] = meaning
        self.scores.append(score)
        self.keys.append(key)

    @property
    def tables(self) -> set[str]:
        """Tables of all decisions."""
        return {meaning.table for meaning in self.chosen.values()}


class Resolver:
    """For one database."""

    def __init__(self, facts: Facts) -> None:
        self._facts, self._candidates = facts, Candidates(facts)

    def resolve(self, draft: Draft) -> Resolution | None:
        """Decisions for every slot but time; None where one has none or two are equally good."""
        slots = list(self._candidates.slots(draft))
        if any(not slot.candidates for slot in slots):
            return None
        stems = self._facts.stems
        said = [stems(word) for word, _ in draft.words]
        verbs = [stems(word) for word, _ in draft.verbs]
        best = self._best(slots, said, verbs)
        if best is None:
            return None
        resolution = Resolution()
        for slot, (meaning, score) in zip(slots, best, strict=True):
            resolution.put(slot.key, meaning, score)
            if isinstance(slot.key, ValueIs):
                resolution.values[id(slot.key)] = tuple(
                    value
                    for alternatives in slot.key.values
                    for value in alternatives
                    if (value.table, value.column) == (meaning.table, meaning.column)
                )
        return resolution

    def _best(
        self, slots: Sequence[Slot], said: Sequence[str], verbs: Sequence[str]
    ) -> tuple[Scored, ...] | None:
        first = [_first_alike(slots, slot) for slot in slots]
        own = sorted(set(first))
        combinations = 1
        for place in own:
            combinations *= len(slots[place].candidates)
        if combinations > MOST_COMBINATIONS:
            return None
        joined = [slot.joined for slot in slots]
        choices = (
            tuple(picked[own.index(place)] for place in first)
            for picked in product(*(slots[place].candidates for place in own))
        )
        ranked = sorted(
            (
                (self._score(choice, joined, said, verbs), number, choice)
                for number, choice in enumerate(choices)
            ),
            key=lambda item: (-item[0], item[1]),
        )
        if not ranked:
            return None
        score, _, best = ranked[0]
        for other_score, _, other in ranked[1:]:
            if other_score < score - NEAR:
                break
            if not self._alike(best, other):
                return None
        return best

    def _score(
        self,
        choice: Sequence[Scored],
        joined: Sequence[bool],
        said: Sequence[str],
        verbs: Sequence[str],
    ) -> float:
        tables = {meaning.table for (meaning, _), yes in zip(choice, joined, strict=True) if yes}
        total = sum(score for _, score in choice) - JOIN_COST * self._facts.joins.size(tables)
        if said or verbs:
            claimed = self._facts.claimed([meaning for meaning, _ in choice])
            total += 0.3 * sum(word in claimed for word in said)
            total += 0.1 * sum(word in claimed for word in verbs)
        return total

    def _alike(self, one: Sequence[Scored], other: Sequence[Scored]) -> bool:
        """Whether two combinations mean the same by foreign keys."""
        for (a, _), (b, _) in zip(one, other, strict=True):
            if (a.table, a.column) == (b.table, b.column):
                continue
            if a.column is None or b.column is None:
                return False
            if not self._facts.joins.same((a.table, a.column), (b.table, b.column)):
                return False
        return True


def _first_alike(slots: Sequence[Slot], slot: Slot) -> int:
    """The first slot that asks the same: what is said twice means the same twice."""
    for place, other in enumerate(slots):
        if other is slot:
            return place
        if type(other.key) is not type(slot.key) or other.candidates != slot.candidates:
            continue
        if isinstance(slot.key, Measure | Mention) and not isinstance(other.key, ValueIs):
            return place
    raise ValueError("a slot that is none")
