"""One server's HTTP API: connections, places, deadlines, retries, and errors without secrets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import httpx

from app.domain.model import MalformedReply, ModelError, ModelUnavailable, PromptRefused
from app.generation.deadline import Deadline
from app.generation.retry import Passing, Retries, retry_after

_REFUSING = frozenset({400, 413, 422})  # about the request itself
_PASSING = frozenset({429, 500, 502, 503, 504})
_TOLD = 200  # characters of what a server says about its refusal
_ERROR_BYTES = 64 * 1024
_KEY = re.compile(r"[!-~]*")
_NO_STEP = re.compile(r"[^A-Za-z0-9_.:-]")


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """How the server is used."""

    concurrency: int = 8  # requests at once; the others wait
    connect_s: float = 5.0
    max_bytes: int = 8 * 1024**2  # of one reply
    retries: Retries = field(default_factory=Retries)


class Endpoint:
    """Sends JSON and receives JSON or a stream; the connections open with `open`.

    Redirects are not followed. Proxy variables of the environment are obeyed.

    Args:
        url: Base of the API, with its version: `http://host:8000/v1`.
        key: Sent as bearer token; empty sends none.

    Raises:
        ValueError: No such address, or a key that no header can hold.
    """

    def __init__(self, url: str, key: str, options: EndpointOptions | None = None) -> None:
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(f"the model server's address is unusable: {error}") from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError("the model server's address must begin with http:// or https://")
        if parsed.userinfo or parsed.query or parsed.fragment:
            raise ValueError("the model server's address is more than scheme, host, port and path")
        # The HTTP library would put such a key into the text of its error.
        if not _KEY.fullmatch(key):
            raise ValueError("the model server's key holds characters that no header can hold")
        self.url, self._key = url.rstrip("/"), key
        self._options = options or EndpointOptions()
        self._places = asyncio.Semaphore(self._options.concurrency)
        self._opened: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Prepare the connections; the server is not asked yet."""
        # Compressed replies could be far larger than what is counted.
        headers = {"Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._opened = httpx.AsyncClient(
            headers=headers,
            # The deadline limits everything; a host that does not answer leaves time for a retry.
            timeout=httpx.Timeout(None, connect=self._options.connect_s),
            limits=httpx.Limits(
                # Places are counted here, so that the listing of models waits for none.
                max_connections=None,
                max_keepalive_connections=self._options.concurrency,
                # Below the 5 s after which uvicorn, and so vLLM, closes an idle connection.
                keepalive_expiry=4,
            ),
        )

    async def close(self) -> None:
        """Close the connections."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    async def get(self, path: str, deadline: Deadline) -> Any:
        """JSON of a GET; tried once, and it waits for no place."""
        async with deadline.limit(), self._reply("GET", path, {}, None, deadline) as chunks:
            return self._json(b"".join([chunk async for chunk in chunks]))

    async def post(self, path: str, step: str, body: Mapping[str, Any], deadline: Deadline) -> Any:
        """JSON of the answer to a POST.

        Raises:
            ModelUnavailable: No answer in time, or none after the retries.
            PromptRefused: The server does not take this body.
            MalformedReply: The answer is no JSON, or too large.
        """

        async def attempt() -> bytes:
            async with self._places, self._post(path, step, body, deadline) as chunks:
                return b"".join([chunk async for chunk in chunks])

        return self._json(await self._options.retries.run(attempt, deadline))

    @asynccontextmanager
    async def stream(
        self, path: str, step: str, body: Mapping[str, Any], deadline: Deadline
    ) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """The bytes of the answer to a POST as they come; leaving the block closes the connection.

        Raises like `post`. Only what fails before the first byte is tried again.
        """

        async def attempt() -> tuple[AsyncExitStack, AsyncIterator[bytes]]:
            async with AsyncExitStack() as held:
                await held.enter_async_context(self._places)
                chunks = await held.enter_async_context(self._post(path, step, body, deadline))
                return held.pop_all(), chunks

        held, chunks = await self._options.retries.run(attempt, deadline)
        async with held:
            yield chunks

    def told(self, text: str) -> str:
        """What a server said, short enough for an error, in one line and without the key."""
        line = " ".join(text.split())
        return (line.replace(self._key, "***") if self._key else line)[:_TOLD]

    @asynccontextmanager
    async def _post(
        self, path: str, step: str, body: Mapping[str, Any], deadline: Deadline
    ) -> AsyncGenerator[AsyncIterator[bytes], None]:
        headers = {
            "Content-Type": "application/json",
            # An id may hold a node's name, which a model chose.
            "X-Anabranch-Step": _NO_STEP.sub("_", step)[:100],
        }
        # ASCII, so that a lone surrogate in a question or a passage breaks nothing.
        content = json.dumps(body, allow_nan=False).encode("ascii")
        async with self._reply("POST", path, headers, content, deadline) as chunks:
            yield chunks

    @asynccontextmanager
    async def _reply(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None,
        deadline: Deadline,
    ) -> AsyncGenerator[AsyncIterator[bytes], None]:
        if self._opened is None:
            raise ModelUnavailable("the model's client is not open")
        url = f"{self.url}/{path}"
        try:
            async with self._opened.stream(
                method, url, headers=dict(headers), content=content
            ) as response:
                chunks = self._bytes(response, deadline)
                async with aclosing(chunks):
                    if not response.is_success:
                        raise await self._refusal(response, chunks)
                    yield chunks
        except httpx.TransportError as error:
            raise self._broken(error) from None

    async def _bytes(
        self, response: httpx.Response, deadline: Deadline
    ) -> AsyncGenerator[bytes, None]:
        encoding = response.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise MalformedReply(f"{self.url} compresses its replies, though asked not to")
        left = self._options.max_bytes
        # An async generator, though typed as less; closed here, not whenever it is collected.
        async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as raw:
            while True:
                try:
                    async with deadline.limit():
                        chunk = await anext(raw, None)
                except httpx.TransportError as error:
                    raise self._broken(error) from None
                if chunk is None:
                    return
                left -= len(chunk)
                if left < 0:
                    raise MalformedReply(
                        f"{self.url} replies with more than {self._options.max_bytes} bytes"
                    )
                yield chunk

    async def _refusal(self, response: httpx.Response, chunks: AsyncIterator[bytes]) -> ModelError:
        status, said = response.status_code, ""
        problem = f"{self.url} answered {status}"
        if response.is_redirect:
            return ModelUnavailable(f"{problem}, a redirect, which is not followed")
        with suppress(MalformedReply):  # too large or compressed: then the status must do
            said = self.told(message(await _all(chunks)))
            problem = f"{problem}: {said}" if said else problem
        error: ModelError
        if status in _REFUSING:
            error = PromptRefused(problem)
        elif status in _PASSING:
            asked = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
            error = Passing(problem, asked)
        else:
            error = ModelUnavailable(problem)
        error.status, error.said = status, said
        return error

    def _broken(self, error: httpx.TransportError) -> Passing:
        # Raised `from None`: the library quotes what the server sent, and that may hold the key.
        what = self.told(f"{type(error).__name__} {error}")
        return Passing(f"the connection to {self.url} failed: {what}")

    def _json(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise MalformedReply(f"{self.url} answered no JSON") from error


def message(content: bytes | str) -> str:
    """What an error's body says in the forms that servers use; the whole of it in any other."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return content if isinstance(content, str) else content.decode("utf-8", "replace")
    for name in ("error", "message", "detail"):
        if isinstance(body, dict) and name in body:
            body = body[name]
    return body if isinstance(body, str) else json.dumps(body)


async def _all(chunks: AsyncIterator[bytes]) -> bytes:
    """A refusal's body; nothing of a large one, which no one would read, nor of one cut off."""
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > _ERROR_BYTES:
            return b""
    return bytes(found)
