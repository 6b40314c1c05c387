"""What came of the nodes of a plan: wordings, rounds, answers. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.domain.events import ChannelSeen
from app.domain.hit import Degraded, Hit, Standing
from app.domain.plan import SubQuestion
from app.engine.reasoning.guess import Guess
from app.engine.steps.write import Pick
from retrievers.types import Evidence, Query, Rows

NodeStatus = Literal["resolved", "guessed", "stopped"]
"""Answered by a model, by rows or by an operator; by rules; or not at all."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One wording of a node and what it found."""

    query: Query  # with the seeds of its walk
    penalty: float  # what the wording is worth less than the best
    nearest: float | None  # highest cosine of any passage
    passages: tuple[Evidence, ...]  # best first by anchor score
    scores: tuple[float, ...]
    standings: Mapping[str, Mapping[str, Standing]]  # of the passages, by key and channel
    channels: tuple[ChannelSeen, ...]
    covered: float = 0.0  # share of the wording's term weight in its first passage
    residual: str = ""  # the words of the wording that its first passage does not hold
    rows: tuple[Evidence, ...] = ()  # of SQL sources, best first
    lost: tuple[Degraded, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """One query of a node, for the trace."""

    number: int  # from 1
    query: str
    why: str
    channels: tuple[ChannelSeen, ...]
    fused: tuple[Hit, ...]  # the first passages by anchor score, with their standings
    new: int  # passages that no round before had among its first
    signals: Mapping[str, Any] = field(default_factory=dict)  # of sufficiency


@dataclass(frozen=True, slots=True)
class Sub:
    """The answer of one node and what it rests on."""

    text: str
    support: float  # in [0, 1]
    trusted: bool  # a model's, or read from rows; not a guess by rules
    picks: tuple[Pick, ...] = ()
    texts: tuple[str, ...] = ()  # all of it, where the answer is a list
    tables: tuple[Rows, ...] = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """One node, done."""

    node: SubQuestion
    text: str  # with the likeliest answers of other nodes filled in
    status: NodeStatus
    reason: str
    variants: tuple[Variant, ...] = ()
    guesses: tuple[Guess, ...] = ()  # best first; what dependent nodes are bound to
    answer: Sub | None = None
    rounds: tuple[Round, ...] = ()
    remembered: bool = False
    valued: bool = False  # its value is needed, not only a bridge to the next node
    ms: float = 0.0

    @property
    def said(self) -> str | None:
        """The answer; of a node that is only a bridge else the likeliest guess."""
        if self.answer is not None:
            return self.answer.text
        return self.guesses[0].text if self.guesses and not self.valued else None
