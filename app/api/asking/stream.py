"""Server-Sent Events of work that goes on while they are sent.

Not FastAPI's `EventSourceResponse`: that one is for routes that are generators, which answer in
one shape only. It sends status 200 before the work has said anything, so a refusal could not be an
error response; it cuts the stream off at an error instead of telling it as the last event; and it
notices a client that has gone only by a frame that cannot be sent, if the server speaks ASGI 2.4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.kinds import KINDS
from app.api.problems import Failure, failure, reported
from app.api.render import encoded

KEEP_ALIVE_S = 15.0
KEEP_ALIVE = b": keep-alive\n\n"
FAREWELL_S = 1.0
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
# JSON may hold them as they are; who splits lines as Python does would split the event.
_BREAKS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


class Put(Protocol):
    """Takes a frame on its way to the client; never blocks."""

    def __call__(self, frame: bytes, *, held: bool = False) -> None:
        """A held frame waits for one that is not, while the status may still be an error's."""
        ...


def frame(data: object, event: str | None = None, id: int | None = None) -> bytes:
    """One event; `data` is sent as JSON in one line."""
    body = encoded(data).translate(_BREAKS)
    name = f"event: {event}\n" if event else ""
    number = f"id: {id}\n" if id is not None else ""
    return f"{name}{number}data: {body}\n\n".encode()


class EventStream(Response):
    """A response whose events are told by a task, which ends with the response at the latest.

    The status leaves with the first frame that is not held, at the latest with the first
    keep-alive. What the work raises before is an ordinary error response, afterwards the last
    event. Frames wait in memory for a client that reads slowly: those of one answer are few.

    Args:
        work: Is cancelled, and waited for, as soon as the client leaves.
        failed: Makes the last event from the body of an error response.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        work: Callable[[Put], Coroutine[Any, Any, None]],
        failed: Callable[[Mapping[str, Any]], bytes],
    ) -> None:
        self.status_code, self.background = 200, None
        self._work, self._failed = work, failed
        self.init_headers(HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work, and send what the work tells."""
        outbox = _Outbox()
        working = asyncio.create_task(self._work(outbox.put))
        leaving = asyncio.create_task(_left(receive))

        def ended(task: asyncio.Task[None]) -> None:
            if task is leaving and not task.cancelled():
                working.cancel()  # at once, even while a frame is stuck on its way
            outbox.stir()

        working.add_done_callback(ended)
        leaving.add_done_callback(ended)
        door = _Door(send, self.raw_headers)
        try:
            await self._serve(Request(scope), outbox, door, working, leaving)
        except asyncio.CancelledError:  # the server stops and has waited long enough
            if door.opened:
                stopping = Failure(KINDS["not-ready"], "the service is stopping")
                with suppress(TimeoutError):
                    async with asyncio.timeout(FAREWELL_S):
                        await door.send(self._last(Request(scope), stopping), last=True)
            raise
        finally:
            # Never a second time: that would cut short what is done about the first.
            if not leaving.done():
                leaving.cancel()
                working.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)

    async def _serve(
        self,
        request: Request,
        outbox: _Outbox,
        door: _Door,
        working: asyncio.Task[None],
        leaving: asyncio.Task[None],
    ) -> None:
        while True:
            quiet = not await outbox.stirred(KEEP_ALIVE_S)
            if leaving.done():
                return
            done = working.done()
            error = working.exception() if done else None
            if error is not None and not door.opened:
                raise error
            if not (done or quiet or door.opened or outbox.settled):
                continue
            frames = outbox.taken()
            if error is not None:
                found = failure(error)
                internal = Failure(KINDS["internal"], "")
                await door.send(frames + self._last(request, found or internal), last=True)
                if found is None:
                    raise error  # for the log
                return
            if frames or done or quiet:
                await door.send(frames or (b"" if done else KEEP_ALIVE), last=done)
            if done or door.broken:
                return

    def _last(self, request: Request, found: Failure) -> bytes:
        return self._failed(reported(request, found).body)


class _Door:
    """Lets bytes out to the client, the status before the first of them."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send, self._headers = send, headers
        self.opened = self.broken = False

    async def send(self, body: bytes, *, last: bool) -> None:
        try:
            if not self.opened:
                self.opened = True
                start = {"type": "http.response.start", "status": 200, "headers": self._headers}
                await self._send(start)
            await self._send({"type": "http.response.body", "body": body, "more_body": not last})
        except OSError:  # what some servers say of a client that has gone
            self.broken = True


class _Outbox:
    """Frames that are not sent yet."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._stirred = asyncio.Event()
        self.settled = False  # one of them was not held

    def put(self, frame: bytes, *, held: bool = False) -> None:
        self._frames.append(frame)
        self.settled = self.settled or not held
        self.stir()

    def stir(self) -> None:
        self._stirred.set()

    async def stirred(self, seconds: float) -> bool:
        """Whether something happened within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            return False
        self._stirred.clear()
        return True

    def taken(self) -> bytes:
        taken, self._frames = b"".join(self._frames), []
        return taken


async def _left(receive: Receive) -> None:
    """Returns once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
