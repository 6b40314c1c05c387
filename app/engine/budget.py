"""What one question may cost, and the account of what it has cost so far."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from app.domain.model import Prompt, Spent

_BYTES_PER_TOKEN = 3
"""Fewer than the 4 that are usual, so that a prompt seldom costs more than was debited."""
_TEMPLATE_TOKENS = 300  # around the messages, and the JSON schema as many servers add it


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one question; a request may lower them, never raise them.

    Only `seconds`, `store_queries`, `rounds` and `nodes` bind an answer that needs no model.
    """

    seconds: float = 20.0
    llm_calls: int = 12
    prompt_tokens: int = 24_000
    completion_tokens: int = 3_000
    store_queries: int = 60  # texts put to the channels
    rounds: int = 3  # of one node
    nodes: int = 6  # of a plan

    def lowered(self, **asked: float | None) -> Budget:
        """The smaller of each limit and what a request asks for; None leaves it.

        What is counted stays a whole number, and nothing goes below 0.

        Raises:
            TypeError: There is no such limit.
        """
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        if unknown := asked.keys() - known.keys():
            raise TypeError(f"no such limit: {', '.join(sorted(unknown))}")
        lower = {
            name: type(known[name])(max(0, min(known[name], value)))
            for name, value in asked.items()
            if value is not None
        }
        return replace(self, **lower)


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is kept back for writing the answer, whatever the steps before it would like."""

    calls: int = 1
    prompt_tokens: int = 6_000
    completion_tokens: int = 800
    time: float = 0.25  # share of the seconds
    last: float = 0.1
    """Share of the seconds left that no model gets: in it the answer can be written without one."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one call to the model may use; settled by `Ledger.settle`."""

    calls: int  # 2 where a faulty reply may be repaired
    prompt_tokens: int
    completion_tokens: int
    seconds: float


def estimated(text: str) -> int:
    """About how many tokens a text has, rather too many than too few."""
    return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN)


def prompt_tokens(prompt: Prompt) -> int:
    """Estimate of what a prompt costs, with what a server puts around it."""
    return estimated(prompt.system) + estimated(prompt.user) + _TEMPLATE_TOKENS


class Ledger:
    """Debits before each call, so that no order of concurrent calls exceeds a limit.

    A prompt's tokens are estimated from its bytes before the call and corrected after it. The
    limits hold for what was granted; a server that counts more tokens than were granted can
    exceed them by that one call, and gets no other.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        budget: Budget,
        reserve: Reserve | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget, self._clock = budget, clock
        # A budget that is smaller than the reserve is kept for the answer as a whole.
        self._reserve = reserve or Reserve()
        self._began = clock()
        self.calls = self.prompt_tokens = self.completion_tokens = self.store_queries = 0
        self.spent = Spent()

    @property
    def seconds_left(self) -> float:
        """Of the whole question; never negative."""
        return max(0.0, self.budget.seconds - (self._clock() - self._began))

    @property
    def prompt_tokens_left(self) -> int:
        """For the call that writes the answer; never negative."""
        return max(0, self.budget.prompt_tokens - self.prompt_tokens)

    @property
    def seconds_for_writing(self) -> float:
        """What the call that writes the answer may take."""
        return self.seconds_left * (1 - self._reserve.last)

    @property
    def seconds_for_step(self) -> float:
        """What one call of a step may take: half of what is left before the time for writing.

        So a server that hangs once leaves time for other steps.
        """
        return max(0.0, self.seconds_left - self._reserve.time * self.budget.seconds) / 2

    def grant(
        self, prompt_tokens: int, completion_tokens: int, *, repairs: int = 0, writing: bool = False
    ) -> Grant | None:
        """Debit one call; None where a limit does not allow it.

        Args:
            prompt_tokens: Estimate; a repair is taken to need as much again, and the reply.
            completion_tokens: Longest reply wanted; less may be granted, but not below a quarter
                (for writing: of the reserve, if that is less).
            repairs: Wanted; none is granted where only one call is left.
            writing: Whether the call may use what is kept for writing.
        """
        kept = Reserve(0, 0, 0, 0.0) if writing else self._reserve
        calls = self.budget.llm_calls - self.calls - kept.calls
        prompt = self.budget.prompt_tokens - self.prompt_tokens - kept.prompt_tokens
        completion = self.budget.completion_tokens - self.completion_tokens - kept.completion_tokens
        seconds = self.seconds_for_writing if writing else self.seconds_for_step
        # A caller may want a longer answer than its budget holds, and gets what that holds.
        fair = min(completion_tokens, self._reserve.completion_tokens if writing else math.inf)
        if calls < 1 or prompt < prompt_tokens or seconds <= 0:
            return None
        for extra in range(min(repairs, calls - 1), -1, -1):
            longest = min(completion_tokens, completion // (1 + extra))
            told = (1 + extra) * prompt_tokens + extra * longest
            if told <= prompt and longest >= 1 and 4 * longest >= fair:
                made = Grant(1 + extra, told, (1 + extra) * longest, seconds)
                self.calls += made.calls
                self.prompt_tokens += made.prompt_tokens
                self.completion_tokens += made.completion_tokens
                return made
        return None

    def settle(self, grant: Grant, spent: Spent) -> None:
        """Give back what a granted call did not use. Without a reply nothing was used."""
        self.calls += spent.calls - grant.calls
        self.prompt_tokens += spent.prompt_tokens - grant.prompt_tokens
        self.completion_tokens += spent.completion_tokens - grant.completion_tokens
        self.spent += spent

    def query(self) -> bool:
        """Debit one text put to the channels; False where the limit does not allow it."""
        if self.store_queries >= self.budget.store_queries:
            return False
        self.store_queries += 1
        return True
