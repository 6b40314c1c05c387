"""What is said to a language model, what it gives back, and what may go wrong.

It stands below both sides: the engine asks, `app.generation` answers, neither imports the other.

ModelError
├── ModelUnavailable   away, busy, too slow, not taking the key, or breaking off
├── PromptRefused      the server works but does not take this request, mostly for its length
└── MalformedReply     no text, or after a repair still no JSON that satisfies the schema
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from app.domain.lfd import Fusing

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is told.

    One text of the user, not several: many chat templates refuse two of one role in a row.
    """

    system: str  # empty sends none
    user: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn.

    Args:
        max_tokens: Longest reply.
        temperature: 0 takes the most probable token.
        seed: Makes drawing repeatable where the server can.
        extra: Further members of the request's body, sent as they are (`vllm_xargs`); they replace
            none of the client's own.
        lfd: The wish for layer-fused decoding; None for replies that are no text of an answer.
    """

    max_tokens: int = 800
    temperature: float = 0.0
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    lfd: Fusing | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What replies cost, as the server says; `estimated` where one of them did not say."""

    calls: int = 0  # replies, a repair being one; tries that brought none are not counted
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class Completion(Generic[T_co]):
    """One reply.

    Args:
        value: The text, or what was read from it.
        spent: Its cost, repairs included.
        model: As the server calls itself; the configured name where it does not.
        finish: Why it ended: `stop`, `length`, another word of the server, or empty if unknown.
    """

    value: T_co
    spent: Spent
    model: str
    finish: str


class ModelError(Exception):
    """Anything a language model's client raises on purpose; the text is safe to show.

    Args:
        detail: What happened, in one sentence without key and without the model's text.
        spent: Cost of the replies that came before; a try without a reply adds nothing.

    Attributes:
        status: HTTP status that the server answered with; 0 where it did not answer.
        said: The server's own words about it, in one line; they may quote what it was sent.
    """

    def __init__(self, detail: str, spent: Spent | None = None) -> None:
        super().__init__(detail)
        self.spent = spent or Spent()
        self.status, self.said = 0, ""


class ModelUnavailable(ModelError):
    """No reply: the server is away, busy or failing, or the time is over. A later try may work."""


class PromptRefused(ModelError):
    """The same request will not be taken later either: too long, or not understood."""


class MalformedReply(ModelError):
    """The server replied, but not with what was asked for."""
