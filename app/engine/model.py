"""The language model as the engine sees it; `app.generation` has one that satisfies it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from pydantic import BaseModel

from app.domain.model import Completion, Prompt, Sampling

T = TypeVar("T", bound=BaseModel)


class Writing(Protocol):
    """A reply while it is written: its pieces in order, to be read once."""

    def __aiter__(self) -> AsyncIterator[str]:
        """Pieces as they come, none empty; raises `ModelError` unless the reply was whole."""
        ...

    def so_far(self) -> Completion[str]:
        """What was received up to now; the cost is estimated until the server has said it."""
        ...


class LanguageModel(Protocol):
    """Answers prompts. `step` is the step's id, `seconds` what is left for the whole call.

    `seconds` covers waiting for a free place, retries and repairs. Cancelling a call, or leaving
    the block of `stream`, ends the request at the server at once.
    """

    name: str
    """As the server calls the model."""

    async def complete(
        self,
        step: str,
        prompt: Prompt,
        schema: type[T],
        sampling: Sampling,
        seconds: float,
        repairs: int = 1,
    ) -> Completion[T]:
        """A reply that satisfies `schema`; raises `ModelError`.

        `repairs`: How often a faulty reply may be sent back; each is one more call.
        """
        ...

    def stream(
        self, step: str, prompt: Prompt, sampling: Sampling, seconds: float
    ) -> AbstractAsyncContextManager[Writing]:
        """A text as it is written; raises `ModelError` on entering and on reading."""
        ...
