"""What happens while a question is answered, in the order in which it is told.

Created, Planned, (StepStarted, Retrieved…, StepCompleted)…, Selected, (Delta, Cited…)…, and at the
end the answer itself. Joined, the deltas are the answer's text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.answer import Answer, Citation
from app.domain.hit import Hit


@dataclass(frozen=True, slots=True)
class Created:
    """The question is taken up."""

    id: str
    question: str
    reasoning: str  # auto, direct or lag, as asked for


@dataclass(frozen=True, slots=True)
class Planned:
    """It is decided whether the question is split, and how."""

    gate: Mapping[str, Any]
    plan: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A node of the plan is taken up; the step of an unsplit question has the id "0"."""

    step: str
    question: str


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """What one retriever gave to one query."""

    channel: str
    status: str
    count: int
    ms: float
    detail: str = ""  # what went wrong
    hits: Sequence[tuple[str, float]] = ()  # keys and scores of the first, for the trace


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One query went to the retrievers."""

    step: str
    round: int  # from 1
    query: str
    channels: Sequence[ChannelSeen]


@dataclass(frozen=True, slots=True)
class StepCompleted:
    """A node is done."""

    step: str
    status: str  # resolved, guessed, or stopped
    answer: str | None
    reason: str  # why it stopped, or why no further round was needed


@dataclass(frozen=True, slots=True)
class Selected:
    """The evidence the answer is written from."""

    hits: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer's text: a verified statement, or what is missing."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of a statement that the deltas hold already."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class Completed:
    """The whole answer; nothing follows."""

    answer: Answer


Event = (
    Created
    | Planned
    | StepStarted
    | Retrieved
    | StepCompleted
    | Selected
    | Delta
    | Cited
    | Completed
)
Listener = Callable[[Event], None]
"""Is told what happens as it happens; must not block and must not raise."""


def unheard(event: Event) -> None:
    """The listener of a question that nobody follows."""
