"""How much one request, one key and all requests together may ask for."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from app.domain.errors import Overloaded, Rejected, StorageUnavailable

BodyLimit = Literal["question_bytes", "body_bytes", "upload_bytes"]


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Sizes in bytes of UTF-8 where not said otherwise."""

    question_bytes: int = 2 * 1024**2  # a body that brings no documents
    body_bytes: int = 32 * 1024**2
    upload_bytes: int = 512 * 1024**2  # all files of one request together
    file_bytes: int = 100 * 1024**2
    files: int = 50
    uploads: int = 2  # requests whose files are in memory at once
    text_bytes: int = 2 * 1024**2
    metadata_bytes: int = 64 * 1024
    query_characters: int = 8_000
    concurrency: int = 32  # questions worked on at once
    queue: int = 512  # questions that may wait for their turn
    rate_per_minute: int = 600  # requests per key without `admin`; 0 = no limit
    free_bytes: int = 1024**3  # left on the disk; nothing is taken in when there is less


class Turnstile:
    """Lets `concurrency` requests through at once, makes `queue` more wait, refuses the rest."""

    def __init__(self, concurrency: int, queue: int) -> None:
        self._room = concurrency + queue
        self._inside = 0
        self._semaphore = asyncio.Semaphore(concurrency)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a place while the body runs.

        Raises:
            Overloaded: The queue is full.
        """
        if self._inside >= self._room:
            raise Overloaded("too many of these are waiting already", retry_after_s=2)
        self._inside += 1
        try:
            async with self._semaphore:
                yield
        finally:
            self._inside -= 1


class RateLimit:
    """At most `per_minute` requests per key in any 60 seconds; 0 lifts the limit."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._seen: dict[str, deque[float]] = {}

    def count(self, key_id: str) -> None:
        """Count one request.

        Raises:
            Overloaded: The key has used up its minute.
        """
        if not self._per_minute:
            return
        now = time.monotonic()
        seen = self._seen.setdefault(key_id, deque())
        while seen and seen[0] <= now - 60:
            seen.popleft()
        if len(seen) >= self._per_minute:
            wait = seen[0] + 60 - now
            raise Overloaded(
                f"this key may send {self._per_minute} requests a minute", wait, "rate-limited"
            )
        seen.append(now)


class Disk:
    """Keeps documents from filling the disk up: reads and deletes need some room too."""

    def __init__(self, folder: Path, free_bytes: int) -> None:
        self._folder, self._free_bytes = folder, free_bytes

    def room(self) -> None:
        """Look whether documents may be taken in.

        Raises:
            StorageUnavailable: `read-only-disk`: less than the limit, or a twentieth, is free.
        """
        usage = shutil.disk_usage(self._folder)
        if usage.free < min(self._free_bytes, usage.total // 20):
            raise StorageUnavailable(
                f"only {usage.free // 2**20} MiB are free on the disk of the data directory; "
                "free some, or lower ANABRANCH_LIMITS__FREE_BYTES",
                "read-only-disk",
            )


def at_most(limits: ApiLimits, name: BodyLimit, request: Request) -> Receive:
    """The request's body, up to the limit of this name, whatever its Content-Length claims.

    Raises:
        HTTPException: 413. FastAPI lets no other class through while it reads a body.
    """
    limit = int(getattr(limits, name))
    detail = f"a body of this route may have {limit} bytes (ANABRANCH_LIMITS__{name.upper()})"
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise HTTPException(413, detail)
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413, detail)
        return message

    return receive


def printable(text: str, at: str) -> str:
    """The text, unless it holds what SQL and UTF-8 cannot.

    Raises:
        Rejected: A NUL character or a lone surrogate, named with its place.
    """
    if "\x00" in text:
        place = text.index("\x00")
        raise Rejected(f"holds a NUL character (U+0000) at {place}, which cannot be kept", at=at)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Rejected(
                f"holds a lone surrogate at {error.start}, which is no Unicode character", at=at
            ) from error
    return text


def query_size(text: str, limits: ApiLimits, at: str) -> None:
    """Refuse a question that is longer than any encoder or parser is meant for."""
    if len(text) > limits.query_characters:
        raise Rejected(
            f"a question may have {limits.query_characters} characters "
            f"(ANABRANCH_LIMITS__QUERY_CHARACTERS); this one has {len(text)}",
            at=at,
        )
