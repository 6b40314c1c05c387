"""A scripted OpenAI-compatible server on loopback, for tests.

The script maps globs over step ids (header `X-Anabranch-Step`) to replies: the first glob that
matches counts, its replies are used in order and the last one repeats. A step that no glob matches
is answered with 599, kept in `unscripted`, and makes `stub` raise when its block ends.

    async with stub({"plan": [Text("{}")], "node.*": [Status(503), Hang()]}) as server:
        ...  # a client of server.url
        assert server.requests[0].step == "plan"

Probes for layer-fused decoding go to `/completions` and belong to no script: `stub_lfd` holds what
servers answer to them.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from fnmatch import fnmatchcase
from typing import Any

from stub_lfd import Lfd, without
from stub_replies import Cut, Echo, Hang, Raw, Reply, Request, Reset, Status, Text

__all__ = [
    "Cut",
    "Echo",
    "Hang",
    "Raw",
    "Reply",
    "Request",
    "Reset",
    "Script",
    "Status",
    "Stub",
    "Text",
    "stub",
]

Script = Mapping[str, Sequence[Reply | Callable[[Request], Reply]]]
_STREAM = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}


class _Left(Exception):
    """The client closed its connection."""


class Stub:
    """The running server.

    Attributes:
        requests: Those for chat completions, in the order of their arrival.
        probes: Those for layer-fused decoding.
        listings: Those for the models.
        lfd: What it does about layer-fused decoding; may be changed, as by a new start.
        unscripted: Steps that the script does not know.
        connections: How many were opened.
        peak: Most completions at once.
    """

    def __init__(
        self, script: Script, models: Status | Hang | None, keep_key: bool, lfd: Lfd
    ) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.listings: list[Request] = []
        self.probes: list[Request] = []
        self.unscripted: list[str] = []
        self.connections = self.peak = self._now = 0
        self._script = {glob: list(replies) for glob, replies in script.items()}
        self._models, self._keep_key, self.lfd = models, keep_key, lfd
        self._arrival = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def arrived(self, count: int) -> None:
        """Wait until this many completions were asked for."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) >= count)

    async def probed(self, count: int) -> None:
        """Wait until this many probes arrived."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.probes) >= count)

    def of(self, glob: str) -> list[Request]:
        """The requests of the steps that match."""
        return [request for request in self.requests if fnmatchcase(request.step, glob)]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (request := await self._received(reader)) is not None:
                reply = await self._chosen(request)
                try:
                    await _Exchange(request, reader, writer).answer(reply)
                finally:
                    self._now -= request.method == "POST" and not request.probing
        except asyncio.CancelledError:
            # By `close`. Closing politely would wait for a client that does not read, and streams
            # of Python 3.11 report a handler that ends cancelled as an error.
            writer.transport.abort()
        except (_Left, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def close(self) -> None:
        """Drop the connections that are still open."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _received(self, reader: asyncio.StreamReader) -> Request | None:
        with suppress(asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            if "authorization" in headers and not self._keep_key:
                headers["authorization"] = "Bearer ***"
            method, path, _ = first.split(" ")
            return Request(method, path, headers, json.loads(body) if body else {})
        return None

    async def _chosen(self, request: Request) -> Reply:
        if request.method == "GET":
            self.listings.append(request)
            listed = {"object": "list", "data": [{"id": "some-model", "max_model_len": 4096}]}
            return self._models or Status(200, body=json.dumps(listed))
        if request.probing:
            async with self._arrival:
                self.probes.append(request)
                self._arrival.notify_all()
            reply = self.lfd(request)
            assert reply is not None
            return reply
        self._now += 1
        self.peak = max(self.peak, self._now)
        async with self._arrival:
            self.requests.append(request)
            self._arrival.notify_all()
        for glob, replies in self._script.items():
            if fnmatchcase(request.step, glob):
                if request.vllm_xargs and isinstance(refusal := self.lfd(request), Status | Raw):
                    return refusal
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
                return reply(request) if callable(reply) else reply
        self.unscripted.append(request.step)
        return Status(599, body=f"the script has no step {request.step!r}")


class _Exchange:
    """One request and its answer over an open connection."""

    def __init__(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._request, self._reader, self._writer = request, reader, writer

    async def answer(self, reply: Reply) -> None:
        """Send it, or misbehave; `_Left` when the client does not wait for the end."""
        try:
            await self._answer(reply)
        except (ConnectionError, _Left):
            self._request.left.set()
            raise

    async def _answer(self, reply: Reply) -> None:
        match reply:
            case Text():
                await self._says(reply)
            case Echo():
                await self._says(Text(self._request.messages[-1]["content"]))
            case Status(status, headers, body, pace):
                if pace is not None:
                    await self._unless_left(pace.acquire())
                sized = {"content-length": str(len(body.encode())), **headers}
                self._head(status, sized)
                await self._send(body.encode())
            case Hang(pieces):
                if pieces:
                    self._head(200, _STREAM)
                    await self._events(pieces)
                await self._unless_left(asyncio.Event().wait())
            case Cut(pieces, clean):
                self._head(200, _STREAM)
                await self._events(pieces)
                if not clean:
                    raise ConnectionError("scripted")
                await self._send(b"0\r\n\r\n")
            case Reset():
                # Closing with a linger time of 0 resets instead of ending politely.
                linger = struct.pack("ii", 1, 0)
                connection = self._writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._writer.transport.abort()
                raise ConnectionError("scripted")
            case Raw(chunks, content_type, headers, stays):
                self._head(200, {**_STREAM, "content-type": content_type, **headers})
                for chunk in chunks:
                    await self._chunk(chunk)
                if stays:
                    await self._unless_left(asyncio.Event().wait())
                await self._send(b"0\r\n\r\n")

    async def _says(self, reply: Text) -> None:
        pieces = list(reply.pieces) or [reply.text]
        usage = reply.usage and {
            "prompt_tokens": reply.usage[0],
            "completion_tokens": reply.usage[1],
            "total_tokens": sum(reply.usage),
        }
        if not self._request.stream:
            if reply.pace is not None:
                await self._unless_left(reply.pace.acquire())
            said = {"role": "assistant", "content": "".join(pieces)}
            choice = {"index": 0, "message": said, "finish_reason": reply.finish}
            body = json.dumps(self._completion([choice]) | ({"usage": usage} if usage else {}))
            self._head(200, {"content-length": str(len(body))})
            return await self._send(body.encode())
        self._head(200, _STREAM)
        await self._events(pieces, reply.pace)
        await self._event(self._completion([_delta("", reply.finish)]))
        if usage:
            await self._event({**self._completion([]), "usage": usage})
        await self._chunk(b"data: [DONE]\n\n")
        return await self._send(b"0\r\n\r\n")

    async def _events(self, pieces: Sequence[str], pace: asyncio.Semaphore | None = None) -> None:
        for piece in pieces:
            if pace is not None:
                await self._unless_left(pace.acquire())
            await self._event(self._completion([_delta(piece, None)]))

    async def _event(self, body: Mapping[str, Any]) -> None:
        await self._chunk(f"data: {json.dumps(body)}\n\n".encode())

    def _completion(self, choices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "model": self._request.model, "choices": choices}

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode("latin-1"))

    async def _chunk(self, content: bytes) -> None:
        await self._send(b"%x\r\n%b\r\n" % (len(content), content))

    async def _send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def _unless_left(self, wanted: Awaitable[Any]) -> None:
        """Wait for it; raises `_Left` as soon as the client closes the connection."""
        await self._writer.drain()
        waiting = asyncio.ensure_future(wanted)
        leaving = asyncio.ensure_future(self._reader.read(1))  # clients send nothing meanwhile
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                raise _Left
        finally:
            for task in (waiting, leaving):
                task.cancel()
            await asyncio.gather(waiting, leaving, return_exceptions=True)


def _delta(text: str, finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": {"content": text}, "finish_reason": finish}


@asynccontextmanager
async def stub(
    script: Script,
    *,
    models: Status | Hang | None = None,
    keep_key: bool = False,
    lfd: Lfd = without,
) -> AsyncIterator[Stub]:
    """A server that plays this script while the block runs.

    Args:
        models: What `GET /models` answers; by default a listing of `some-model`.
        keep_key: Record the `Authorization` header as it came.
        lfd: What the server does about layer-fused decoding; by default it has none.

    Raises:
        AssertionError: The block ended well, but a step was asked for that is not in the script.
    """
    running = Stub(script, models, keep_key, lfd)
    server = await asyncio.start_server(running.connected, "127.0.0.1", 0)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield running
    finally:
        server.close()
        await running.close()
        await server.wait_closed()
    assert not running.unscripted, f"steps without a script: {running.unscripted}"
