"""uvicorn, made to drain on SIGTERM and end with status 0, inside the application's lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

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


class Server(uvicorn.Server):
    """A server that leaves signals to `serve`.

    uvicorn re-raises SIGTERM once it has drained, which would end the process with status 143.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Install nothing."""
        yield


async def serve(
    app: FastAPI,
    host: str,
    port: int,
    grace_s: float,
    started: Started | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT: `/readyz` says 503, running requests end, all is closed.

    A second signal ends the process at once. What has not closed after the grace and another
    `CLOSING_S` is abandoned: the truth is in SQL, and every index replays from it.

    Args:
        grace_s: What running requests may still take.
        started: Told address, port and the lifespan's state once connections are accepted.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)
        LOG.info("stopping")
        app.state.lifecycle.draining = True
        loop.call_later(grace_s + CLOSING_S, _abandon)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    opening = asyncio.ensure_future(_run(app, host, port, grace_s, stopping, started))
    waiting = asyncio.ensure_future(stopping.wait())
    await asyncio.wait((opening, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await opening


async def _run(
    app: FastAPI,
    host: str,
    port: int,
    grace_s: float,
    stopping: asyncio.Event,
    started: Started | None,
) -> None:
    async with opened(app) as state:
        if stopping.is_set():
            return
        config = uvicorn.Config(
            Stated(app, state),
            host=host,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(grace_s),
        )
        server = Server(config)
        async with asyncio.TaskGroup() as group:
            group.create_task(_stop_when_told(server, stopping))
            group.create_task(_announce(server, state, started))
            await server.serve()
            stopping.set()


async def _stop_when_told(server: Server, stopping: asyncio.Event) -> None:
    await stopping.wait()
    # Those who watch readiness must see the 503 before the door is shut.
    await asyncio.sleep(LAME_DUCK_S)
    server.should_exit = True


async def _announce(server: Server, state: Mapping[str, Any], started: Started | None) -> None:
    while not server.started:
        if server.should_exit:
            return
        await asyncio.sleep(0.01)
    if started:
        sockets = [each for part in server.servers for each in part.sockets]
        host, port = sockets[0].getsockname()[:2]
        started(host, port, state)


def _abandon() -> None:
    LOG.error("closing took too long; what is not written will be done again at the next start")
    logging.shutdown()
    os._exit(0)
