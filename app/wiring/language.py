"""Opens the configured language model, if there is one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.domain.errors import Misconfigured
from app.generation.endpoint import Endpoint, EndpointOptions
from app.generation.vllm import ChatModel
from app.settings import Settings
from retrievers.protocol import Health

_PROBE_S = 1.0
_FRESH_S = 5.0


class Language:
    """The open model, and whether its server answers."""

    def __init__(self, model: ChatModel) -> None:
        self.model = model
        self._seen: tuple[float, Health] | None = None
        self._asking = asyncio.Lock()

    async def health(self) -> Health:
        """Never down: without its model the service quotes sentences, and says so.

        Remembered for some seconds, so that whoever watches readiness does not burden the server.
        """
        async with self._asking:  # who comes meanwhile is told the same
            if self._seen is not None and time.monotonic() - self._seen[0] < _FRESH_S:
                return self._seen[1]
            found = await self.model.probe(_PROBE_S)
            if found.status == "down":
                found = Health("degraded", f"answers quote sentences: {found.detail}")
            self._seen = (time.monotonic(), found)
            return found


@asynccontextmanager
async def language(settings: Settings) -> AsyncIterator[Language | None]:
    """The model of these settings; None where none is configured. The server is not asked yet.

    Raises:
        Misconfigured: Half of it is configured, or its address or key cannot be used.
    """
    chosen = settings.generation
    key = chosen.key.get_secret_value()
    if not (chosen.url or chosen.model or key):
        yield None
        return
    if not chosen.url or not chosen.model:
        raise Misconfigured(
            "a language model needs both ANABRANCH_GENERATION__URL and ANABRANCH_GENERATION__MODEL"
        )
    options = EndpointOptions(concurrency=chosen.concurrency)
    try:
        endpoint = Endpoint(chosen.url, key, options)
    except ValueError as error:
        raise Misconfigured(f"ANABRANCH_GENERATION__URL or …__KEY: {error}") from error
    await endpoint.open()
    try:
        yield Language(ChatModel(endpoint, chosen.model))
    finally:
        await endpoint.close()
