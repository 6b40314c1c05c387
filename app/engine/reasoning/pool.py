"""The evidence pool of one node: what is known so far, and what was asked for it.

Facts are verbatim spans. Merging is idempotent and does not depend on the order: of facts that say
the same the best stays, and what once had no room stays out, with everything that is worth less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

CAP = 6_000
"""Characters of known facts, about 1,500 tokens."""

_Standing = tuple[bool, float, int, str, int, int, str, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """A span of a passage: `chunk.text[start:end] == text`."""

    text: str
    passage: str  # key
    start: int
    end: int
    round: int  # from 1
    utility: float = 0.0  # the higher, the longer it stays
    answers: bool = False  # carries the answer: never evicted
    title: str = ""  # of its passage

    @property
    def folded(self) -> str:
        """What facts that say the same share."""
        return folded(self.text)

    @property
    def standing(self) -> _Standing:
        """Sorts the fact that stays longest first; equal only for equal facts."""
        place = (self.passage, self.start, self.end)
        return (not self.answers, -self.utility, self.round, *place, self.text, self.title)


@dataclass(frozen=True, slots=True)
class Look:
    """One query that was put to the channels for the node."""

    round: int
    query: str
    why: str
    new: int  # passages that no look before it saw
    sufficiency: float | None = None  # in [0, 1]; None where nothing judged it


@dataclass(frozen=True, slots=True)
class Pool:
    """State of one node; every change makes a new one.

    Args:
        known: Best first.
        seen: Keys of the passages that were read for it, whether facts came of them or not.
        refused: The best fact that had no room.
    """

    known: tuple[Fact, ...] = ()
    history: tuple[Look, ...] = ()
    seen: frozenset[str] = frozenset()
    refused: Fact | None = None

    def merged(self, facts: Iterable[Fact], cap: int = CAP) -> Pool:
        """With these facts, as far as there is room.

        Only facts that carry the answer may exceed the cap. A fact is as long as its folded text,
        so that it takes the same room wherever it stands.
        """
        best: dict[str, Fact] = {}
        for fact in (*self.known, *facts):
            same = best.get(fact.folded)
            if same is None or fact.standing < same.standing:
                best[fact.folded] = fact
        room, refused, kept = cap, self.refused, []
        for fact in sorted(best.values(), key=lambda fact: fact.standing):
            room -= len(fact.folded)
            # Filling a gap with a lesser fact would make the result depend on what came first.
            late = refused is not None and refused.standing <= fact.standing
            if fact.answers or (room >= 0 and not late):
                kept.append(fact)
            else:
                refused = fact if refused is None else min(refused, fact, key=_standing)
        return replace(self, known=tuple(kept), refused=refused)

    def unseen(self, keys: Iterable[str]) -> list[str]:
        """Those of the passages that no look saw, in their order, each once."""
        return [key for key in dict.fromkeys(keys) if key not in self.seen]

    def asked(self, query: str) -> bool:
        """Whether the very same words were put to the channels before."""
        return any(folded(look.query) == folded(query) for look in self.history)

    def looked(
        self,
        round: int,
        query: str,
        why: str,
        keys: Iterable[str],
        sufficiency: float | None = None,
    ) -> Pool:
        """With one more query in its history.

        Args:
            keys: Of the passages that the query brought.
        """
        new = self.unseen(keys)
        look = Look(round, query, why, len(new), sufficiency)
        return replace(self, history=(*self.history, look), seen=self.seen.union(new))


def folded(text: str) -> str:
    """Lower-case, with single spaces."""
    return " ".join(text.casefold().split())


def _standing(fact: Fact) -> _Standing:
    return fact.standing
