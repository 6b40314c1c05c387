"""uvicorn, made to drain on SIGTERM and end with status 0, inside the application's lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping
from typing import Any, TypeVar

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.deps import Lifecycle
from app.domain.errors import Misconfigured

T = TypeVar("T")
Started = Callable[[str, int, Mapping[str, Any]], None]
LOG = logging.getLogger("anabranch.server")
LAME_DUCK_S = 0.5
CLOSING_S = 25.0


@contextlib.asynccontextmanager
async def opened(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    """Enter the application's lifespan; what it yields is for `Stated`."""
    async with app.router.lifespan_context(app) as state:
        yield state or {}


class Stated:
    """ASGI wrapper that hands the lifespan's state to every request.

    The lifespan is entered by us and not by uvicorn, so that what goes wrong at the start arrives
    as the exception it is, not as a logged traceback and exit status 3.
    """

    def __init__(self, app: ASGIApp, state: Mapping[str, Any]) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope.setdefault("state", {}).update(self._state)
        await self._app(scope, receive, send)


class Leaving:
    """ASGI wrapper that ends each connection after its next response once the server is stopping.

    Idle connections are cut when the door is shut; a client that has just sent a request over one
    would see it reset.
    """

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app, self._lifecycle = app, lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def last(message: Message) -> None:
            if message["type"] == "http.response.start" and self._lifecycle.draining:
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, last)


class Server(uvicorn.Server):
    """A server that leaves signals to `serve`, and says when it accepts connections.

    uvicorn re-raises SIGTERM once it has drained, which would end the process with status 143.
    """

    def __init__(self, config: uvicorn.Config, started: Callable[[], None] | None = None) -> None:
        super().__init__(config)
        self._announce = started

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Install nothing."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self._announce:
            self._announce()


async def serve(
    app: FastAPI,
    host: str,
    port: int,
    grace_s: float,
    started: Started | None = None,
    stopping: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT: `/readyz` says 503, running requests end, all is closed.

    A second signal ends the process at once. What has not closed after the grace and another
    `CLOSING_S` is abandoned: the truth is in SQL, and every index replays from it.

    Args:
        grace_s: What running requests may still take.
        started: Told address, port and the lifespan's state once connections are accepted.
        stopping: Set it to stop as a signal does.

    Raises:
        Misconfigured: The address cannot be listened on; nothing was opened.
    """
    loop = asyncio.get_running_loop()
    told = stopping or asyncio.Event()
    door = bind(host, port)

    def stop() -> None:
        if told.is_set():
            os._exit(1)
        LOG.info("stopping")
        loop.call_later(grace_s + CLOSING_S, _abandon)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with contextlib.closing(door):
        async with contextlib.AsyncExitStack() as stack:
            state = await _unless(told, stack.enter_async_context(opened(app)))
            if state is not None:
                await _until(told, app, state, door, grace_s, started)


def bind(host: str, port: int) -> socket.socket:
    """A socket with this address that does not listen yet.

    Raises:
        Misconfigured: The address is taken, not ours or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named: asyncio sets TCP_NODELAY only then, and without it the body of each
    # response waits 40 ms for the client to acknowledge its headers.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise Misconfigured(
            f"cannot listen on {host} port {port}: {error.strerror or error}; "
            "choose another with --host and --port"
        ) from error
    return door


async def _unless(told: asyncio.Event, opening: Coroutine[Any, Any, T]) -> T | None:
    """What `opening` gives; None when told to stop before it is done: it is cancelled then."""
    task = asyncio.ensure_future(opening)
    waiting = asyncio.ensure_future(told.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
        return None if task.cancelled() else task.result()
    finally:
        waiting.cancel()


async def _until(
    told: asyncio.Event,
    app: FastAPI,
    state: Mapping[str, Any],
    door: socket.socket,
    grace_s: float,
    started: Started | None,
) -> None:
    config = uvicorn.Config(
        Leaving(Stated(app, state), app.state.lifecycle),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,  # longer than most proxies keep theirs, so that they close first
        timeout_graceful_shutdown=max(1, round(grace_s)),
    )

    def announce() -> None:
        if started:
            bound = door.getsockname()
            started(bound[0], bound[1], state)

    async def stop() -> None:
        await told.wait()
        app.state.lifecycle.drain()
        # Those who watch readiness must see the 503 before the door is shut.
        await asyncio.sleep(LAME_DUCK_S)
        server.should_exit = True

    server = Server(config, announce)
    stopper = asyncio.create_task(stop())
    try:
        await server.serve([door])
    finally:
        stopper.cancel()


def _abandon() -> None:
    LOG.error("closing took too long; what is not written will be done again at the next start")
    logging.shutdown()
    os._exit(0)
