"""One question on its way: its budget, its trace, what it lost, and its one door to a model.

Passed explicitly from the flow to every step. A step that gets None from the door goes on with its
counterpart that needs no model; why is in the trace, and in `degraded` unless the budget said so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import BaseModel

from app.domain.events import Event, Listener, unheard
from app.domain.hit import Degraded
from app.domain.lfd import Fusing, Lfd
from app.domain.model import ModelError, Prompt, PromptRefused, Sampling, Spent
from app.engine.budget import Budget, Grant, Ledger, Reserve, prompt_tokens
from app.engine.model import LanguageModel, Writing

T = TypeVar("T", bound=BaseModel)

Outcome = Literal["ok", "failed", "cancelled", "refused by the budget"]

_MOST_FAILURES = 2


@dataclass(frozen=True, slots=True)
class Generation:
    """How the request wants text to be written; steps that return JSON do not heed it."""

    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    instructions: str = ""
    """What the caller says about tone, language and length of the answer."""
    lfd: Lfd | None = None  # where there is a model


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the model, for the trace."""

    step: str
    outcome: Outcome
    model: str = ""
    spent: Spent = field(default_factory=Spent)
    ms: float = 0.0
    detail: str = ""
    prompt: Prompt | None = None
    fusing: Fusing | None = None  # where a text was written


class Run:
    """Mutable, one per question.

    Attributes:
        ledger: What may still be spent.
        calls: Every call to the model, in the order of their ends.
        limited: The limits of the budget that kept a step from its call or its query.
    """

    def __init__(
        self,
        budget: Budget,
        model: LanguageModel | None = None,
        listen: Listener = unheard,
        generation: Generation | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self.ledger = Ledger(budget, reserve)
        self.generation = generation or Generation()
        self.calls: list[Call] = []
        self.limited: list[str] = []
        self._model, self._listen = model, listen
        self._degraded: dict[Degraded, None] = {}
        self._failures = 0  # of the model, in a row

    @property
    def degraded(self) -> tuple[Degraded, ...]:
        """What was lost, each once, in order."""
        return tuple(self._degraded)

    @property
    def thinks(self) -> bool:
        """Whether a step may ask the model; not after failures in a row, which all took time."""
        return (
            self._model is not None
            and self._failures < _MOST_FAILURES
            and self.ledger.budget.llm_calls > 0
        )

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        self._listen(event)

    def degrade(self, component: str, reason: str) -> None:
        """Name something that was lost."""
        self._degraded[Degraded(component, reason)] = None

    def limit(self, what: str) -> None:
        """Note that a limit of the budget left something undone."""
        if what not in self.limited:
            self.limited.append(what)

    async def complete(
        self,
        step: str,
        prompt: Prompt,
        schema: type[T],
        max_tokens: int = 400,
        *,
        writing: bool = False,
        seconds: float | None = None,
    ) -> T | None:
        """A reply that satisfies the schema; None where there is no model, or none to be had.

        Args:
            step: Id of the step (`node.round.1.2`).
            writing: Whether it may use what is kept for writing the answer.
            seconds: The longest it is worth waiting for; less may be left.
        """
        grant = self._granted(step, prompt, max_tokens, repairs=1, writing=writing)
        if grant is None or self._model is None:
            return None
        sampling = Sampling(max_tokens=grant.completion_tokens // grant.calls)
        longest = grant.seconds if seconds is None else min(grant.seconds, seconds)
        began, spent = time.monotonic(), Spent()
        try:
            reply = await self._model.complete(
                step, prompt, schema, sampling, longest, grant.calls - 1
            )
            spent = reply.spent
            self._record(step, "ok", prompt, began, spent, reply.model)
            return reply.value
        except ModelError as error:
            spent = error.spent
            self._failed(step, prompt, began, spent, error)
            return None
        except asyncio.CancelledError:
            self._record(step, "cancelled", prompt, began, spent)
            raise
        finally:
            self.ledger.settle(grant, spent)

    @asynccontextmanager
    async def stream(
        self, step: str, prompt: Prompt, max_tokens: int = 800
    ) -> AsyncGenerator[Writing | None, None]:
        """A text as it is written, for the answer itself; None where there is no model.

        Raises:
            ModelError: On entering, or while it is read, after any piece; recorded here already.
        """
        wished = self.generation
        wanted = wished.max_tokens or max_tokens
        grant = self._granted(step, prompt, wanted, repairs=0, writing=True)
        if grant is None or self._model is None:
            yield None
            return
        fusing = Fusing(wished.lfd) if wished.lfd else None
        sampling = Sampling(
            max_tokens=grant.completion_tokens,
            temperature=wished.temperature or 0.0,
            seed=wished.seed,
            lfd=fusing,
        )
        began, spent = time.monotonic(), Spent()
        try:
            async with self._model.stream(step, prompt, sampling, grant.seconds) as writing:
                try:
                    yield writing
                finally:
                    done = writing.so_far()
                    spent = done.spent
                self._record(step, "ok", prompt, began, spent, done.model, fusing=fusing)
        except ModelError as error:
            spent += error.spent
            self._failed(step, prompt, began, spent, error, fusing)
            raise
        except asyncio.CancelledError:
            self._record(step, "cancelled", prompt, began, spent, fusing=fusing)
            raise
        finally:
            self.ledger.settle(grant, spent)
            if fusing is not None and fusing.lost:
                self.degrade("lfd", fusing.lost)

    def _granted(
        self, step: str, prompt: Prompt, max_tokens: int, *, repairs: int, writing: bool
    ) -> Grant | None:
        if not self.thinks:
            return None
        grant = self.ledger.grant(
            prompt_tokens(prompt), max_tokens, repairs=repairs, writing=writing
        )
        if grant is None:
            self.calls.append(Call(step, "refused by the budget"))
            self.limit("llm")
        return grant

    def _record(
        self,
        step: str,
        outcome: Outcome,
        prompt: Prompt,
        began: float,
        spent: Spent,
        model: str = "",
        detail: str = "",
        fusing: Fusing | None = None,
    ) -> None:
        if outcome != "cancelled":  # which says nothing about the server
            self._failures = 0 if outcome == "ok" else self._failures + 1
        ms = round(1000 * (time.monotonic() - began), 3)
        self.calls.append(Call(step, outcome, model, spent, ms, detail, prompt, fusing))

    def _failed(
        self,
        step: str,
        prompt: Prompt,
        began: float,
        spent: Spent,
        error: ModelError,
        fusing: Fusing | None = None,
    ) -> None:
        self._record(step, "failed", prompt, began, spent, "", str(error), fusing)
        # A server that refuses a request may quote it, and this goes to whoever asked.
        refused = isinstance(error, PromptRefused)
        told = "the model server does not take the prompt" if refused else str(error)
        self.degrade("llm", f"{step}: {told}")
