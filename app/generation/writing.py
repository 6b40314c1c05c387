"""A reply while it is streamed: the server's events become pieces of text."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Self

from app.domain.model import Completion, MalformedReply, ModelError, ModelUnavailable
from app.generation.chat import Message, Said, piece, spent
from app.generation.sse import Events

_DONE = "[DONE]"
_LINGER_S = 0.1


class Writing:
    """Pieces of text in order, none empty, to be read once.

    Args:
        chunks: The stream's bytes.
        told: What the model was told, for the estimate of the cost.
        model: The name to give until the server has given its own.
    """

    def __init__(self, chunks: AsyncIterator[bytes], told: Sequence[Message], model: str) -> None:
        self._chunks, self._told = chunks, told
        self._events, self._waiting = Events(), deque[str]()
        self._pieces: list[str] = []
        self._last = Said(model=model)
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """The next piece.

        Raises:
            ModelUnavailable: The stream broke off, reported an error, or took too long.
            MalformedReply: An event is no piece of a chat completion, or there was no text.
        """
        while not self._ended:
            while self._waiting:
                data = self._waiting.popleft()
                if data.strip() == _DONE:
                    await self._finish()
                    break
                if text := self._read(data):
                    return text
            else:
                await self._receive()
        raise StopAsyncIteration

    def so_far(self) -> Completion[str]:
        """What was received up to now, and its cost, estimated until the server has said it."""
        said = replace(self._last, text="".join(self._pieces))
        return Completion(said.text, spent(said, self._told), said.model, said.finish)

    async def _receive(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is not None:
            self._waiting.extend(self._events.feed(chunk))
            return
        rest = self._events.end()
        if not rest or rest[-1].strip() != _DONE:
            raise ModelUnavailable("the model server broke off before the end of its reply")
        self._waiting.extend(rest)

    def _read(self, data: str) -> str:
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise MalformedReply("the model server streamed an event that is no JSON") from error
        said = piece(body)
        last = self._last
        self._last = Said(
            finish=said.finish or last.finish,
            model=said.model or last.model,
            usage=said.usage or last.usage,
        )
        if said.text:
            self._pieces.append(said.text)
        return said.text

    async def _finish(self) -> None:
        self._ended = True
        # Read to its end, a connection can be used again. A server that does not end it loses it.
        with suppress(TimeoutError, ModelError):
            async with asyncio.timeout(_LINGER_S):
                async for _ in self._chunks:
                    pass
        if not self._pieces:
            raise MalformedReply("the model replied without a text")
