"""A client of the stub whose pauses take no time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict
from stub_llm import Stub

from app.domain.model import Prompt, Sampling
from app.generation.endpoint import Endpoint, EndpointOptions
from app.generation.retry import Retries
from app.generation.vllm import ChatModel

KEY = "sk-a-secret-of-tests-0123456789"
PROMPT = Prompt("Be brief.", "Who keeps the lighthouse?")
SAMPLING = Sampling(max_tokens=50)


class Kept(BaseModel):
    """What the model is asked for in these tests."""

    model_config = ConfigDict(extra="forbid")

    keeper: str
    years: int


GOOD = '{"keeper": "Ada", "years": 7}'
KEPT = Kept(keeper="Ada", years=7)


@dataclass
class Pauses:
    """Sleeps that are only written down."""

    taken: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


def endpoint(
    url: str, pauses: Pauses | None = None, retries: int = 1, key: str = KEY, **options: Any
) -> Endpoint:
    """The jitter is fixed in the middle: the first pause is 0.75 of the back-off."""
    tries = Retries(retries, 0.4, lambda: 0.5, (pauses or Pauses()).sleep)
    return Endpoint(url, key, EndpointOptions(retries=tries, **options))


@asynccontextmanager
async def client(
    server: Stub, pauses: Pauses | None = None, **options: Any
) -> AsyncIterator[ChatModel]:
    """An open client of the stub."""
    opened = endpoint(server.url, pauses, **options)
    await opened.open()
    try:
        yield ChatModel(opened, "some-model")
    finally:
        await opened.close()
