"""Joins questions that are asked at the same time into one run of the encoder."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt

from retrievers.errors import QueryRefused, RetrieverUnavailable
from retrievers.protocol import Embedder, Matrix

Vector = npt.NDArray[np.float32]


@dataclass(slots=True)
class _Wanted:
    """A text on its way to a vector, and how many callers wait for it."""

    vector: asyncio.Future[Vector] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    callers: int = 0


class BatchingEmbedder:
    """An embedder whose `queries` share runs and remember vectors; passages pass through.

    An idle embedder starts at once. While a run is under way further texts gather, and go
    together when it ends: a batch costs far less than its texts one by one. Vectors differ in
    their last bits with the company in a batch; the first one is kept, so a repeated question is
    answered alike.

    Args:
        inner: An open embedder; it stays the caller's to close.
        cache: Vectors to remember.
        runs: Runs at once.
        batch: Texts in one run.
        backlog: Texts that may wait before new ones are refused.
    """

    def __init__(
        self,
        inner: Embedder,
        cache: int = 2048,
        runs: int = 1,
        batch: int = 16,
        backlog: int = 1024,
    ) -> None:
        self.fingerprint = inner.fingerprint
        self.dimension = inner.dimension
        self.max_tokens = inner.max_tokens
        self._inner, self._cache = inner, cache
        self._runs, self._batch, self._backlog = runs, batch, backlog
        self._known: OrderedDict[str, Vector] = OrderedDict()
        self._wanted: dict[str, _Wanted] = {}  # waiting or running
        self._waiting: OrderedDict[str, _Wanted] = OrderedDict()  # those not yet in a run
        self._workers: set[asyncio.Task[None]] = set()
        self._closed = False

    async def close(self) -> None:
        """End the runs; their callers get `RetrieverUnavailable`."""
        self._closed = True
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for wanted in self._wanted.values():
            _fail(wanted, RetrieverUnavailable("the encoder is closed"))

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors.

        Raises:
            RetrieverUnavailable: Too many texts wait, or the inner embedder raised it.
        """
        if self._closed:
            raise RetrieverUnavailable("the encoder is closed")
        found = {text: self._known[text] for text in texts if text in self._known}
        for text in found:
            self._known.move_to_end(text)
        missing = dict.fromkeys(text for text in texts if text not in found)
        if missing:
            found |= await self._encoded(list(missing))
        return np.array([found[text] for text in texts], np.float32).reshape(-1, self.dimension)

    async def passages(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors, by the inner embedder."""
        return await self._inner.passages(texts)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Token spans, by the inner embedder."""
        return self._inner.offsets(text)

    async def _encoded(self, texts: Sequence[str]) -> dict[str, Vector]:
        new = [text for text in texts if text not in self._wanted]
        if len(self._waiting) + len(new) > self._backlog:
            raise RetrieverUnavailable("too many questions wait for the encoder")
        for text in new:
            self._wanted[text] = self._waiting[text] = _Wanted()
        mine = {text: self._wanted[text] for text in texts}
        for wanted in mine.values():
            wanted.callers += 1
        while len(self._workers) < min(self._runs, len(self._waiting)):
            self._start_worker()
        try:
            # Shielded: who leaves must not take the vector from the others who wait for it.
            return {text: await asyncio.shield(wanted.vector) for text, wanted in mine.items()}
        finally:
            for text, wanted in mine.items():
                wanted.callers -= 1
                if not wanted.callers and self._waiting.get(text) is wanted:
                    del self._waiting[text], self._wanted[text]

    def _start_worker(self) -> None:
        worker = asyncio.create_task(self._work(), name="encode-questions")
        self._workers.add(worker)

    async def _work(self) -> None:
        try:
            while True:
                await asyncio.sleep(0)  # callers of the same turn of the loop come along
                if not self._waiting:
                    return
                await self._run([self._waiting.popitem(last=False) for _ in range(self._due())])
        finally:
            # Here, not in a callback: who asks before that ran would find a worker and wait for it.
            self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _due(self) -> int:
        """Texts of the next run: the workers share what waits."""
        return min(self._batch, math.ceil(len(self._waiting) / len(self._workers)))

    async def _run(self, batch: Sequence[tuple[str, _Wanted]]) -> None:
        """Give every text of the batch its vector or its error, whatever the error is."""
        texts = [text for text, _ in batch]
        (found,) = await asyncio.gather(self._inner.queries(texts), return_exceptions=True)
        if isinstance(found, QueryRefused) and len(batch) > 1:
            for one in batch:  # the text that is to blame must not fail the others
                await self._run([one])
            return
        for row, (text, wanted) in enumerate(batch):
            del self._wanted[text]
            if isinstance(found, BaseException):
                _fail(wanted, found)
            else:
                wanted.vector.set_result(self._remember(text, found[row]))

    def _remember(self, text: str, row: Vector) -> Vector:
        # A copy: a view would keep the whole batch alive as long as one of its rows.
        vector = self._known[text] = row.copy()
        if len(self._known) > self._cache:
            self._known.popitem(last=False)
        return vector


def _fail(wanted: _Wanted, error: BaseException) -> None:
    if not wanted.vector.done():
        wanted.vector.set_exception(error)
        wanted.vector.exception()  # all its callers may have left; then nobody else looks
