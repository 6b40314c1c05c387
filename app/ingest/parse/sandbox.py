"""Parses files in processes that can be killed and that hold nothing worth stealing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import app
from app.domain.documents import Heading, Parsed, Source
from app.domain.errors import Rejected
from app.ingest.parse.child import source_to_json

# `-I` keeps the working directory and the environment out of the child's import path, so it is
# told where this very package lies.
_START = """
import sys
sys.path.insert(0, sys.argv[1])
from app.ingest.parse.child import main
main(sys.argv[2:])
"""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one file may cost, and how children are kept."""

    address_space: int = 1 << 30  # bytes
    cpu_s: int = 60
    wall_s: float = 120.0
    output: int = 64 << 20  # bytes of the reply
    files_per_child: int = 200
    idle_s: float = 60.0  # a child without work is ended
    width: int = 2  # children at a time


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    requests: asyncio.StreamWriter
    replies: asyncio.StreamReader
    served: int = 0

    def kill(self) -> None:
        """End it and whatever it may have started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Sandbox:
    """Children that parse one file after another; one that breaks a limit is replaced.

    Nothing runs before the first file. A file that cannot be parsed raises `Rejected` with a code
    that says why: the parsers' own, `parse_timeout`, `parse_memory`, `parse_crashed` or
    `parse_output`.
    """

    def __init__(self, limits: SandboxLimits | None = None) -> None:
        self._limits = limits or SandboxLimits()
        self._slots = asyncio.Semaphore(self._limits.width)
        self._idle: list[_Child] = []
        self._rest: asyncio.TimerHandle | None = None
        self._folder: TemporaryDirectory[str] | None = None

    async def parse(self, source: Source) -> Parsed:
        """What an HTML or JSON file holds."""
        found, text = await self._ask("parsed", source)
        headings = tuple(Heading(*heading) for heading in found["headings"])
        return Parsed(found["title"], text, headings, found["metadata"])

    async def documents(self, source: Source) -> list[Source]:
        """The documents of a JSON file, as posted texts."""
        found, _ = await self._ask("documents", source)
        return [Source(**one) for one in found["documents"]]

    async def close(self) -> None:
        """End all children."""
        if self._rest is not None:
            self._rest.cancel()
        children, self._idle = self._idle, []
        for child in children:
            child.kill()
            await child.process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    async def _ask(self, wanted: str, source: Source) -> tuple[dict[str, Any], str]:
        content = source.content or b""
        request = {
            "wanted": wanted,
            "source": source_to_json(source),
            "content_bytes": len(content),
        }
        header = json.dumps(request).encode("ascii")
        async with self._slots, self._child() as child:
            try:
                async with asyncio.timeout(self._limits.wall_s):
                    reply, text = await self._exchange(child, header, content)
            except TimeoutError:
                raise _timeout() from None
            except (asyncio.IncompleteReadError, ConnectionError):
                child.kill()
                raise _died(await child.process.wait()) from None
        if "error" in reply:
            raise Rejected(**reply["error"])
        return reply, text

    async def _exchange(
        self, child: _Child, header: bytes, content: bytes
    ) -> tuple[dict[str, Any], str]:
        child.requests.write(len(header).to_bytes(4, "big") + header + content)
        await child.requests.drain()
        lengths = await child.replies.readexactly(8)
        head, text = int.from_bytes(lengths[:4], "big"), int.from_bytes(lengths[4:], "big")
        if head + text > self._limits.output:
            raise Rejected("the file unfolds into too much text", "parse_output")
        reply: dict[str, Any] = json.loads(await child.replies.readexactly(head))
        return reply, (await child.replies.readexactly(text)).decode()

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[_Child]:
        """A child for one file. It is kept only if the file was answered."""
        child = None
        while child is None and self._idle:
            resting = self._idle.pop()
            child = resting if resting.process.returncode is None else None
        child = child or await self._start()
        kept = False
        try:
            yield child
            child.served += 1
            kept = child.served < self._limits.files_per_child
        finally:
            if kept:
                self._idle.append(child)
                self._rest_later()
            else:
                child.kill()
                await child.process.wait()

    async def _start(self) -> _Child:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="anabranch-parse-")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-B", "-c", _START, str(Path(app.__file__).parents[1])),
            *(str(self._limits.address_space), str(self._limits.cpu_s)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 20,
            cwd=self._folder.name,
            env={"MALLOC_ARENA_MAX": "1"},
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a child was started without pipes")
        return _Child(process, process.stdin, process.stdout)

    def _rest_later(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(self._limits.idle_s, self._rest_now)

    def _rest_now(self) -> None:
        children, self._idle = self._idle, []
        for child in children:
            child.kill()


def _timeout() -> Rejected:
    return Rejected("parsing the file takes too long", "parse_timeout")


def _died(status: int) -> Rejected:
    if status == -signal.SIGXCPU:
        return _timeout()
    return Rejected("the parser broke down over the file", "parse_crashed")
