"""Leases jobs and sees each to its end, whatever happens on the way."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from app.domain.errors import NotFound, StorageUnavailable
from app.domain.ids import new_id
from app.ingest.bells import Bells
from app.ingest.isolate import PASSING
from app.ingest.pipeline import JobRun, Tools
from app.ingest.problems import problem_of
from app.store.collections import Collections
from app.store.jobs import Jobs, Lease, LeaseLost
from retrievers.errors import RetrieverError

LOG = logging.getLogger("anabranch.worker")
DEATHS = 8
"""How often a process may die with a document in hand before the document is held to blame.

A process that is killed from outside dies with some document in hand too, and what was accepted
must survive that many times over.
"""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Times in seconds."""

    lease_s: float = 45.0
    beat_s: float = 4.0  # also the longest until another process's cancellation is noticed
    look_s: float = 5.0  # for jobs that nobody told this worker of
    width: int = 2  # jobs at a time, so that a small one need not wait for a large one
    patience_s: tuple[float, ...] = (0.2, 1.0, 5.0, 15.0, 30.0, 60.0)
    """Pauses between attempts while an index or the encoder is in trouble; then the job fails."""


@dataclass(slots=True)
class _Work:
    """A job in hand."""

    lease: Lease
    attempt: asyncio.Task[bool] | None = None
    nudge: asyncio.Event = field(default_factory=asyncio.Event)
    ended: Literal["", "cancelled", "lost"] = ""  # why the attempt was broken off from outside


class Worker:
    """Works on up to `width` jobs at a time until it is closed."""

    def __init__(
        self,
        jobs: Jobs,
        collections: Collections,
        tools: Tools,
        bells: Bells,
        options: WorkerOptions | None = None,
    ) -> None:
        self._jobs, self._collections = jobs, collections
        self._tools, self._bells = tools, bells
        self._options = options or WorkerOptions()
        self._owner = new_id("wrk")
        self._called, self._stop = asyncio.Event(), asyncio.Event()
        self._works: dict[asyncio.Task[None], _Work] = {}
        self._loop: asyncio.Task[None] | None = None

    async def start(self, exclusive: bool = True) -> None:
        """Begin; when no other worker can be alive, take up what the last one left at once."""
        if exclusive:
            await self._jobs.reclaim()
        self._loop = asyncio.create_task(self._serve(), name="worker")

    def wake(self) -> None:
        """There is a job."""
        self._called.set()

    def nudge(self, job_id: str) -> None:
        """Look at once whether this job is to be cancelled."""
        for work in self._works.values():
            if work.lease.job.id == job_id:
                work.nudge.set()

    async def close(self, grace_s: float = 20.0) -> None:
        """Take no more documents, finish those in hand, and hand back what is not through."""
        self._stop.set()
        self._called.set()
        if self._loop is not None:
            await self._loop
        if not self._works:
            return
        _, late = await asyncio.wait(self._works, timeout=grace_s)
        for task in late:
            if (attempt := self._works[task].attempt) is not None:
                attempt.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self) -> None:
        # Never cancelled: a job leased at that moment would be nobody's until its lease is over.
        while not self._stop.is_set():
            self._called.clear()
            while len(self._works) < self._options.width and (lease := await self._lease()):
                work = _Work(lease)
                task = asyncio.create_task(self._see_through(work), name=f"job-{lease.job.id}")
                self._works[task] = work
                task.add_done_callback(self._done)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.look_s):
                    await self._called.wait()

    def _done(self, task: asyncio.Task[None]) -> None:
        if len(self._works) >= self._options.width:
            self._called.set()  # a job may have waited for this one's place
        del self._works[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("a job was left to its lease", exc_info=error)

    async def _lease(self) -> Lease | None:
        if self._stop.is_set():
            return None
        try:
            return await self._jobs.lease(self._owner, self._options.lease_s)
        except PASSING as error:
            LOG.warning("no job can be leased: %s", error)
            return None

    async def _see_through(self, work: _Work) -> None:
        """From lease to a terminal state, or back to the queue if the worker stops."""
        work.attempt = asyncio.create_task(self._attempt(work.lease))
        beat = asyncio.create_task(self._beat(work))
        (outcome,) = await asyncio.gather(work.attempt, return_exceptions=True)
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        if isinstance(outcome, LeaseLost) or work.ended == "lost":
            LOG.warning("job %s was taken over or removed", work.lease.job.id)
            return
        try:
            await self._end(work, outcome)
        except LeaseLost:
            LOG.warning("job %s was taken over as it ended", work.lease.job.id)
        except PASSING as error:
            # Whoever leases it when its time is up ends it.
            LOG.warning("job %s is left to its lease: %s", work.lease.job.id, error)

    async def _end(self, work: _Work, outcome: bool | BaseException) -> None:
        lease, problem = work.lease, None
        stopped = isinstance(outcome, asyncio.CancelledError) and work.ended != "cancelled"
        if outcome is False or stopped:
            await self._jobs.release(lease)
            return
        if isinstance(outcome, BaseException):
            await self._tools.documents.abandon(lease)
            if work.ended != "cancelled":
                LOG.error("job %s failed", lease.job.id, exc_info=outcome)
                problem = problem_of(outcome)
        job = await self._jobs.finish(lease, problem)
        self._bells.ring(job)
        if job.status != "succeeded":  # what was written of dropped documents leaves the indexes
            self._tools.indexers.changed(job.collection)

    async def _attempt(self, lease: Lease) -> bool:
        """Whether all documents are through; tries again while the surroundings are in trouble."""
        try:
            name = (await self._collections.by_id(lease.job.collection)).name
        except NotFound as error:
            raise LeaseLost("the collection was deleted") from error
        pauses = iter(self._options.patience_s)
        fresh = lease.job.attempt == 1
        while True:
            run = JobRun(self._tools, lease, name, self._stop, fresh)
            fresh = False
            trouble: StorageUnavailable | RetrieverError
            try:
                return await run.finish()
            except StorageUnavailable as error:
                # Nothing could be decided either: what was acknowledged waits for the disk.
                trouble, pause = error, self._options.patience_s[-1]
            except RetrieverError as error:
                if run.published:
                    pauses = iter(self._options.patience_s)
                if (next_pause := next(pauses, None)) is None:
                    raise
                trouble, pause = error, next_pause
            finally:
                with suppress(LeaseLost, *PASSING):
                    await run.give_back()
            LOG.warning("job %s is tried again in %g s: %s", lease.job.id, pause, trouble)
            if await self._stopped_within(pause):
                return False

    async def _stopped_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        return self._stop.is_set()

    async def _beat(self, work: _Work) -> None:
        """Keep the lease, and break the attempt off when it is lost or shall be cancelled."""
        while not work.ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.beat_s):
                    await work.nudge.wait()
            work.nudge.clear()
            try:
                if await self._jobs.heartbeat(work.lease, self._options.lease_s):
                    work.ended = "cancelled"
            except LeaseLost:
                work.ended = "lost"
            except PASSING as error:
                LOG.warning("the lease of job %s was not extended: %s", work.lease.job.id, error)
        if work.attempt is not None:
            work.attempt.cancel()
