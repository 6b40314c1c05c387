"""Trying again: when, how often, after which pause."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from app.domain.model import ModelUnavailable
from app.generation.deadline import Deadline

T = TypeVar("T")

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class Passing(ModelUnavailable):
    """A failure that may be over by the next try.

    Args:
        wait_s: The server asks for at least this pause.
    """

    def __init__(self, detail: str, wait_s: float = 0.0) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Retries:
    """How passing failures are tried again.

    Args:
        count: Further tries after the first.
        backoff_s: Longest own pause before the first of them; it doubles.
        jitter: A number in [0, 1); spreads the tries of clients that failed together.
        sleep: Waits for that many seconds.
    """

    count: int = 1
    backoff_s: float = 0.5
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, attempt: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
        """The result of the first attempt that does not fail in passing.

        Raises:
            ModelUnavailable: The tries are used up, the time is over, or it would be over before
                the server wants to be asked again: then at once, so that the rest of it can be
                used for something else.
        """
        tried = 0
        while True:
            try:
                async with deadline.limit():
                    return await attempt()
            except Passing as failure:
                if tried >= self.count:
                    raise
                pause = self._pause(tried, failure.wait_s)
                if pause >= deadline.left():
                    raise ModelUnavailable(
                        f"{failure}; the next try, in {pause:.1f} s, would be too late"
                    ) from failure
            await self.sleep(pause)
            tried += 1

    def _pause(self, tried: int, wait_s: float) -> float:
        # On top of what is asked for: everyone who was refused was told the same moment.
        return wait_s + math.ldexp(self.backoff_s, tried) * (1 + self.jitter()) / 2


def retry_after(value: str | None, now: datetime) -> float:
    """Seconds that a `Retry-After` header asks for, as a number or as a date; 0 if it does not."""
    value = (value or "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    # A date in "-0000" comes without a zone; HTTP dates are in UTC.
    aware = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((aware - now).total_seconds(), 0.0)
