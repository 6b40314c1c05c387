"""An application spoken to without a socket, while it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class InProcess(httpx.AsyncBaseTransport):
    """Hands on each part of a response as the application sends it.

    `httpx.ASGITransport`, which does the speaking, keeps a response back until it is whole. A
    response that is closed before its end takes the application's work on it along.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, as soon as it has begun."""
        sent: asyncio.Queue[Message | None] = asyncio.Queue()

        async def overheard(scope: Scope, receive: Receive, send: Send) -> None:
            async def tell(message: Message) -> None:
                sent.put_nowait(message)
                await send(message)

            await self._app(scope, receive, tell)

        running = asyncio.create_task(httpx.ASGITransport(overheard).handle_async_request(request))
        running.add_done_callback(lambda _: sent.put_nowait(None))
        body = _Body(sent, running)
        try:
            start = await sent.get()
            if start is None:  # it failed before it said anything
                return await running
        except asyncio.CancelledError:
            await body.aclose()
            raise
        return httpx.Response(start["status"], headers=start.get("headers"), stream=body)


class _Body(httpx.AsyncByteStream):
    """What is sent until the task ends, which None says."""

    def __init__(
        self, sent: asyncio.Queue[Message | None], running: asyncio.Task[httpx.Response]
    ) -> None:
        self._sent, self._running = sent, running

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self._sent.get()) is not None:
            yield message.get("body", b"")
        await self._running  # raises what the application raised

    async def aclose(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
