"""What the stub of a language model is asked, and what it can be told to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """The model says this; `pieces` are how it is streamed, one by default.

    Args:
        usage: Tokens of prompt and reply; None leaves the usage out.
        pace: Each piece waits for one release of it; a whole reply waits for one, too.
    """

    text: str = ""
    pieces: Sequence[str] = ()
    usage: tuple[int, int] | None = (7, 3)
    finish: str = "stop"
    pace: asyncio.Semaphore | None = None


@dataclass(frozen=True)
class Echo:
    """The model says the last message again."""


@dataclass(frozen=True)
class Status:
    """An answer that is no completion; with `pace`, it waits for one release of it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "scripted"}}'
    pace: asyncio.Semaphore | None = None


@dataclass(frozen=True)
class Hang:
    """No answer until the client leaves; with `pieces`, these are streamed first."""

    pieces: Sequence[str] = ()


@dataclass(frozen=True)
class Cut:
    """A stream of these pieces that ends without `[DONE]`.

    Args:
        clean: The body ends as HTTP has it; otherwise the connection closes in the middle.
    """

    pieces: Sequence[str] = ("a",)
    clean: bool = True


@dataclass(frozen=True)
class Reset:
    """The connection is reset instead of an answer."""


@dataclass(frozen=True)
class Raw:
    """These bytes as the body of a 200, chunk by chunk; `stays` does not end the body."""

    chunks: Sequence[bytes]
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    stays: bool = False


Reply = Text | Echo | Status | Hang | Cut | Reset | Raw


@dataclass
class Request:
    """What a client sent, and whether it left before the answer was complete."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: dict[str, Any]
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def step(self) -> str:
        return self.headers.get("x-anabranch-step", "")

    @property
    def model(self) -> str:
        return str(self.body.get("model"))

    @property
    def n(self) -> int:
        return int(self.body.get("n", 1))

    @property
    def temperature(self) -> float | None:
        return self.body.get("temperature")

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema that the reply must satisfy."""
        found: dict[str, Any] | None
        found = self.body.get("response_format", {}).get("json_schema", {}).get("schema")
        return found

    @property
    def vllm_xargs(self) -> dict[str, Any] | None:
        return self.body.get("vllm_xargs")

    @property
    def probing(self) -> bool:
        """Whether it is for a plain completion."""
        return self.path.endswith("/completions") and not self.path.endswith("/chat/completions")

    @property
    def messages(self) -> list[dict[str, str]]:
        return list(self.body.get("messages", []))
