"""The way of a job's documents: parse and cut, embed, write, index, publish.

Three stages run beside each other, joined by short queues: while one batch is embedded, the one
before it is written and indexed and the one after it is cut. So the encoder, which takes most of
the time, never waits for the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.documents import Parsed
from app.ingest.cut.prepare import Prepared, prepare
from app.ingest.indexers import Indexers
from app.ingest.isolate import isolate
from app.ingest.parse.parser import Parser
from app.ingest.problems import problem_of
from app.store.chunks import StoredChunks
from app.store.documents import Documents, Pending, Written
from app.store.jobs import Jobs, Lease, LeaseLost
from retrievers.lane import Lane
from retrievers.protocol import Embedder

LOG = logging.getLogger("anabranch.ingest")
_EMBEDDERS = 2
_PIECE = 8  # documents cut in one call: a few milliseconds in which no other Python code runs


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """Sizes of batches and chunks."""

    documents: int = 64  # fetched first; later four times as many
    chunks: int = 256  # embedded at a time: the encoder puts texts of like length together
    rows: int = 64  # chunks written at a time: questions wait while statements are put together
    longest: int = 240  # tokens of a chunk of a document that must be cut
    share: float = 0.05
    """Of the collection's chunks: so many new ones are indexed at a time, since some indexes
    rework much of what they hold with every change."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the pipeline works with."""

    jobs: Jobs
    documents: Documents
    chunks: StoredChunks
    embedder: Embedder  # remembers vectors, as `VectorCache` does
    parser: Parser
    indexers: Indexers
    lane: Lane
    options: PipelineOptions


class JobRun:
    """One worker's work on one job. Documents that cannot be used fail alone.

    Args:
        collection: Name of the job's collection.
        stop: Once set, no further documents are taken and those in hand are finished.
        fresh: Nobody has worked on the job before, so what is left of it need not be looked up.
    """

    def __init__(
        self, tools: Tools, lease: Lease, collection: str, stop: asyncio.Event, fresh: bool
    ) -> None:
        self._tools, self._lease, self._name, self._stop = tools, lease, collection, stop
        self._fresh = fresh
        self._held: set[int] = set()
        self._cut: asyncio.Queue[list[Prepared] | None] = asyncio.Queue(1)
        self._embedded: asyncio.Queue[list[Prepared] | None] = asyncio.Queue(2)
        self._left = True
        self._embedding = _EMBEDDERS
        self.published = 0  # documents

    async def finish(self) -> bool:
        """Work until no document is left, or `stop`; returns whether none is left.

        Raises:
            LeaseLost: Another worker has the job.
            RetrieverError: An index or the encoder cannot be used now.
            StorageUnavailable: Nothing can be written now.
        """
        try:
            async with asyncio.TaskGroup() as stages:
                stages.create_task(self._cut_all(), name="ingest-cut")
                # Two at once, so that no core waits for the last texts of a batch.
                for _ in range(_EMBEDDERS):
                    stages.create_task(self._embed_all(), name="ingest-embed")
                stages.create_task(self._write_all(), name="ingest-write")
        except ExceptionGroup as errors:  # of the task group; the caller sees one bare error
            lost = errors.subgroup(LeaseLost)
            raise (lost or errors).exceptions[0] from None
        return not self._left

    async def give_back(self) -> None:
        """After an interruption: documents in hand shall not count as attempted."""
        if self._held:
            await self._tools.documents.give_back(self._lease, self._held)

    async def _cut_all(self) -> None:
        job = self._lease.job
        expected = job.total - job.unchanged if self._fresh else None
        taken = 0
        while not self._stop.is_set():
            pending: list[Pending] = []
            if taken != expected:
                wanted = self._tools.options.documents * (4 if taken else 1)
                pending = await self._tools.documents.pending(self._lease, wanted, self._held)
            if not pending:
                self._left = False
                break
            taken += len(pending)
            self._held.update(one.version for one in pending)
            for group in _grouped(await self._prepared(pending), self._tools.options.chunks):
                await self._cut.put(group)
        await self._reached("embed")
        await self._cut.put(None)

    async def _embed_all(self) -> None:
        while (group := await self._cut.get()) is not None:
            done, broken = await isolate(group, self._embed)
            await self._fail([(one.pending, error) for one, error in broken])
            await self._embedded.put(done)
        self._embedding -= 1
        if self._embedding:
            await self._cut.put(None)  # for the others
            return
        await self._reached("index")
        await self._embedded.put(None)

    async def _write_all(self) -> None:
        """Write what comes, and index and publish when it is worth it or nothing more comes."""
        waiting: list[Written] = []
        if not self._fresh:
            waiting = await self._tools.documents.written(self._lease)
        chunks = 0
        worth = await self._worth()
        while True:
            batch = await self._embedded.get()
            for group in _grouped(batch or [], self._tools.options.rows):
                written, broken = await isolate(group, self._write)
                await self._fail([(one.pending, error) for one, error in broken])
                self._held.difference_update(one.version for one in group)
                waiting += written
                chunks += sum(len(one.texts) for one in group)
            if waiting and (batch is None or chunks >= worth):
                await self._publish(waiting)
                waiting, worth, chunks = [], worth + self._tools.options.share * chunks, 0
            if batch is None:
                return

    async def _prepared(self, pending: Sequence[Pending]) -> list[Prepared]:
        parsed: list[tuple[Pending, Parsed]] = []
        for one in pending:
            # Alone from the start: what a hostile file costs is spent once.
            done, broken = await isolate([one], self._parse)
            parsed += done
            await self._fail(broken)
        prepared: list[Prepared] = []
        for first in range(0, len(parsed), _PIECE):
            ready, unusable = await isolate(parsed[first : first + _PIECE], self._prepare)
            prepared += ready
            await self._fail([(one, error) for (one, _), error in unusable])
        return prepared

    async def _parse(self, pending: Sequence[Pending]) -> list[tuple[Pending, Parsed]]:
        return [(one, await self._tools.parser.parse(one.source)) for one in pending]

    async def _prepare(self, parsed: Sequence[tuple[Pending, Parsed]]) -> list[Prepared]:
        embedder, longest = self._tools.embedder, self._tools.options.longest

        def work() -> list[Prepared]:
            return [
                prepare(self._name, *one, embedder.offsets, embedder.max_tokens, longest)
                for one in parsed
            ]

        return await self._tools.lane.run(work)

    async def _embed(self, batch: Sequence[Prepared]) -> Sequence[Prepared]:
        texts = [text for one in batch for text in one.texts]
        size = self._tools.options.chunks
        for first in range(0, len(texts), size):
            # The vectors are wanted where they are remembered: the index asks for them there.
            await self._tools.embedder.passages(texts[first : first + size])
        return batch

    async def _write(self, batch: Sequence[Prepared]) -> list[Written]:
        return await self._tools.documents.write_chunks(self._lease, [one.built for one in batch])

    async def _publish(self, written: Sequence[Written]) -> None:
        collection = self._lease.job.collection
        await self._tools.indexers.settle(collection, {one.document for one in written})
        changed = await self._tools.documents.publish(self._lease, [one.version for one in written])
        self.published += len(written)
        # What only the former versions held leaves the indexes in the background.
        self._tools.indexers.changed(collection, changed)

    async def _fail(self, broken: Sequence[tuple[Pending, Exception]]) -> None:
        for one, error in broken:
            LOG.warning("document %r of job %s failed: %r", one.source.id, self._job, error)
            await self._tools.documents.fail(self._lease, one.version, problem_of(error))
            self._held.discard(one.version)

    async def _reached(self, stage: str) -> None:
        # A small job is over before anybody could read where it stands.
        if self._lease.job.total > self._tools.options.documents:
            await self._tools.jobs.progress(self._lease, stage)

    async def _worth(self) -> float:
        """How many new chunks are worth a change of the indexes."""
        options, job = self._tools.options, self._lease.job
        if job.total <= options.documents:
            return options.chunks
        present = await self._tools.chunks.count(job.collection)
        return max(options.chunks, options.share * present)

    @property
    def _job(self) -> str:
        return self._lease.job.id


def _grouped(batch: Sequence[Prepared], chunks: int) -> Iterator[list[Prepared]]:
    """Documents in order, so many that their chunks reach the number."""
    group: list[Prepared] = []
    count = 0
    for one in batch:
        group.append(one)
        count += len(one.texts)
        if count >= chunks:
            yield group
            group, count = [], 0
    if group:
        yield group
