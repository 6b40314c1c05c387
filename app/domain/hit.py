"""A ranked piece of evidence with the standing it had in each channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retrievers.types import Chunk, Evidence, Rows


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one channel put a fact."""

    rank: int  # from 1
    score: float  # comparable within the channel only


@dataclass(frozen=True, slots=True)
class Hit:
    """One fact in the final ranking; exactly one per key."""

    evidence: Evidence
    score: float
    channels: Mapping[str, Standing]

    @property
    def key(self) -> str:
        """Identity of the fact."""
        return self.evidence.key

    @property
    def chunk(self) -> Chunk | None:
        """The passage, if it is one."""
        return self.evidence.origin if isinstance(self.evidence.origin, Chunk) else None

    @property
    def rows(self) -> Rows | None:
        """The table rows, if it is some."""
        return self.evidence.origin if isinstance(self.evidence.origin, Rows) else None


@dataclass(frozen=True, slots=True)
class Degraded:
    """What was left out of an answer, and why."""

    component: str  # vector, graph, fulltext, sql, embedder, llm, lfd, reranker, budget
    reason: str


@dataclass(frozen=True, slots=True)
class Signals:
    """What the search knows of its picks; both are shares in [0, 1]."""

    uncovered: float
    """Weight of the question's terms, by rarity in the collection, in none of the two first picks.
    Terms that the collection does not know count as uncovered."""
    lexical_gap: float
    """How much the full-text score of the second passage is below the first's."""


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of one query: the ranking, how it was made, and what was left out."""

    hits: tuple[Hit, ...]
    strategy: Literal["single", "multihop"]
    degraded: tuple[Degraded, ...]
    trace: Mapping[str, Any]
    """Gate signals, per channel its status, time and error, the query's residual (JSON values)."""
    signals: Signals | None = None  # where bridge selection ordered the hits
