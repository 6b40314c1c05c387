"""Opens the configured language model, if there is one, and settles how its texts are decoded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from app.domain.errors import Misconfigured
from app.generation.endpoint import Endpoint, EndpointOptions
from app.generation.fused import FusedModel
from app.generation.policy import LfdOptions, LfdPolicy
from app.generation.probe import probe
from app.generation.retry import Retries
from app.generation.vllm import ChatModel
from app.generation.watch import NoServer, Watch
from app.settings import Settings
from retrievers.protocol import Health

_PROBE_S = 1.0
_FRESH_S = 5.0


class Language:
    """The open model, and whether its server answers.

    Attributes:
        model: As the engine uses it.
        watch: What is known of the server's layer-fused decoding.
    """

    def __init__(self, client: ChatModel, watch: Watch) -> None:
        self._client, self.watch = client, watch
        self.model = FusedModel(client, watch)
        self._seen: tuple[float, Health] | None = None
        self._asking = asyncio.Lock()

    async def health(self) -> Health:
        """Never down: without its model the service quotes sentences, and says so.

        Remembered for some seconds, so that whoever watches readiness does not burden the server.
        """
        async with self._asking:  # who comes meanwhile is told the same
            if self._seen is not None and time.monotonic() - self._seen[0] < _FRESH_S:
                return self._seen[1]
            found = await self._client.probe(_PROBE_S)
            if found.status == "down":
                found = Health("degraded", f"answers quote sentences: {found.detail}")
            self._seen = (time.monotonic(), found)
            return found


@asynccontextmanager
async def language(settings: Settings) -> AsyncIterator[Language | None]:
    """The model of these settings; None where none is configured. Nothing is waited for.

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
    # Probes wait for no place among the questions, and are repeated anyhow.
    probing = EndpointOptions(concurrency=1, retries=Retries(count=0))
    try:
        endpoint = Endpoint(chosen.url, key, options)
        probed = Endpoint(chosen.url, key, probing)
    except ValueError as error:
        raise Misconfigured(f"ANABRANCH_GENERATION__URL or …__KEY: {error}") from error
    async with AsyncExitStack() as stack:
        for each in (endpoint, probed):
            await each.open()
            stack.push_async_callback(each.close)
        watch = Watch(partial(probe, probed, chosen.model), settings.lfd_probe_seconds)
        stack.push_async_callback(watch.close)
        await watch.open()
        yield Language(ChatModel(endpoint, chosen.model), watch)


def lfd_policy(settings: Settings, language: Language | None) -> LfdPolicy:
    """Whose answers are decoded with fused layers, by these settings."""
    options = LfdOptions(settings.lfd, settings.lfd_alpha, settings.lfd_weight, settings.lfd_every)
    return LfdPolicy(language.watch if language else NoServer(), options)
