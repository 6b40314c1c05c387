"""The moment until which a call may take, whatever it is waiting for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.domain.model import ModelUnavailable


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the event loop's clock, and the seconds that were granted for it."""

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """`seconds` from now; needs a running loop."""
        return cls(asyncio.get_running_loop().time() + seconds, seconds)

    def left(self) -> float:
        """Seconds until then; negative afterwards."""
        return self.at - asyncio.get_running_loop().time()

    @asynccontextmanager
    async def limit(self) -> AsyncGenerator[None, None]:
        """End the block when the time is over.

        Raises:
            ModelUnavailable: It is over, before the block or in it.
        """
        # asyncio.timeout alone would let a block run that never waits.
        if self.left() <= 0:
            raise self._over()
        try:
            async with asyncio.timeout_at(self.at):
                yield
        except TimeoutError:
            raise self._over() from None

    def _over(self) -> ModelUnavailable:
        return ModelUnavailable(f"no answer within {max(self.seconds, 0):g} s")
