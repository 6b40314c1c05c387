"""Background work under leases: a dead worker's job is taken over, its late writes are refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import CursorResult, and_, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.errors import NotFound
from app.domain.jobs import Job
from app.store.clock import Clock, utc_now
from app.store.jobs.leases import OPEN_ITEMS, Lease, LeaseLost, fence, held, raise_done
from app.store.jobs.rows import add_job, read_jobs
from app.store.memo import Memo
from app.store.session import Database
from app.store.tables import collections, job_items, jobs
from retrievers.types import CollectionId

__all__ = ["Backlog", "Jobs", "Lease", "LeaseLost"]

_UNFINISHED = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is queued or running in one collection."""

    jobs: int
    documents: int


class Jobs:
    """Jobs and their leases. Lease times are of this process's clock."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database, self._clock = database, clock
        self._active: Memo[CollectionId, Backlog] = Memo(database, "jobs")

    async def create(self, kind: Literal["ingest", "purge"], collection: CollectionId) -> Job:
        """Queue a job without documents (`Documents.accept` makes those that have some)."""
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                touched.topics.add("jobs")
                return await add_job(connection, kind, collection, self._clock())

    async def get(self, id: str) -> Job:
        """By public id.

        Raises:
            NotFound: Unknown, or of a deleted collection.
        """
        async with self._database.read() as connection:
            found = await read_jobs(connection, select(jobs).where(jobs.c.id == id, _visible()))
        if not found:
            raise NotFound("there is no such job")
        return found[0]

    async def page(
        self,
        collections: Collection[CollectionId] | None,
        limit: int,
        after: tuple[datetime, str] | None = None,
    ) -> list[Job]:
        """Newest first, of these collections (None = all), beyond the (created_at, id) given."""
        wanted = select(jobs).where(_visible())
        if collections is not None:
            wanted = wanted.where(jobs.c.collection.in_(collections))
        if after is not None:
            wanted = wanted.where(tuple_(jobs.c.created_at, jobs.c.id) < after)
        wanted = wanted.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            return await read_jobs(connection, wanted)

    async def lease(
        self, owner: str, ttl_s: float, skip: Collection[CollectionId] = ()
    ) -> Lease | None:
        """The oldest job that is queued or whose lease has run out, as `running`; None if none.

        Args:
            skip: Leave jobs of these collections to others.
        """
        now = self._clock()
        free = or_(
            jobs.c.status == "queued",
            and_(jobs.c.status == "running", jobs.c.lease_until < now),
        )
        oldest = select(jobs.c.id).where(free, jobs.c.collection.not_in(skip))
        oldest = oldest.where(_visible()).order_by(jobs.c.number).limit(1)
        # An idle worker asks every few seconds; it shall not take writers' turns for that.
        async with self._database.read() as connection:
            if await connection.scalar(oldest) is None:
                return None
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                id = await connection.scalar(oldest.with_for_update(skip_locked=True))
                if id is None:
                    return None
                token = await connection.scalar(
                    update(jobs)
                    .where(jobs.c.id == id)
                    .values(
                        status="running",
                        stage="parse",
                        lease_owner=owner,
                        lease_token=jobs.c.lease_token + 1,
                        lease_until=now + timedelta(seconds=ttl_s),
                        attempt=jobs.c.attempt + 1,
                    )
                    .returning(jobs.c.lease_token)
                )
                touched.topics.add("jobs")
                (job,) = await read_jobs(connection, select(jobs).where(jobs.c.id == id))
        return Lease(job, owner, token or 0)

    async def heartbeat(self, lease: Lease, ttl_s: float) -> bool:
        """Extend the lease. Returns whether the job shall be cancelled.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        until = self._clock() + timedelta(seconds=ttl_s)
        async with self._database.write() as connection:
            await fence(connection, lease, lease_until=until)
            wanted = select(jobs.c.cancel_requested).where(jobs.c.id == lease.job.id)
            return bool(await connection.scalar(wanted))

    async def progress(self, lease: Lease, stage: str, done: int | None = None) -> None:
        """Show the stage and raise `done`; a smaller `done` is ignored.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                await fence(connection, lease, stage=stage)
                if done is not None:
                    await raise_done(connection, lease, done)
                    touched.topics.add("jobs")

    async def finish(self, lease: Lease, error: Mapping[str, Any] | None = None) -> Job:
        """End the job and say how it went.

        `cancelled` if asked for and documents are left, `failed` with `error` if given, `failed`
        with code `some-documents-failed` if a document failed, else `succeeded`.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                await fence(connection, lease, stage="done", finished_at=self._clock())
                touched.topics.add("jobs")
                return await _end(connection, lease, error)

    async def release(self, lease: Lease) -> None:
        """Put the job back into the queue (shutdown); does nothing when the lease is lost."""
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                await connection.execute(
                    update(jobs)
                    .where(*held(lease))
                    .values(status="queued", lease_owner=None, lease_until=None)
                )
                touched.topics.add("jobs")

    async def reclaim(self) -> int:
        """Queue every running job again: at the start of the only process. Returns how many."""
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                found: CursorResult[Any] = await connection.execute(
                    update(jobs)
                    .where(jobs.c.status == "running")
                    .values(status="queued", lease_owner=None, lease_until=None)
                )
                touched.topics.add("jobs")
                return found.rowcount

    async def cancel(self, id: str) -> Job:
        """Ask for cancellation; a worker drops what is not published and ends the job. Idempotent.

        Raises:
            NotFound: As `get`.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                await connection.execute(
                    update(jobs)
                    .where(jobs.c.id == id, jobs.c.status.in_(_UNFINISHED))
                    .values(cancel_requested=True)
                )
                touched.topics.add("jobs")
        return await self.get(id)

    async def active(self, collection: CollectionId) -> Backlog:
        """Unfinished jobs of the collection and their unfinished documents; cheap."""
        return await self._active.get(collection, lambda: self._backlog(collection))

    async def _backlog(self, collection: CollectionId) -> Backlog:
        async with self._database.read() as connection:
            found = await connection.execute(
                select(
                    func.count(),
                    func.coalesce(func.sum(jobs.c.total - jobs.c.done), 0),
                ).where(jobs.c.collection == collection, jobs.c.status.in_(_UNFINISHED))
            )
            row = found.one()
        return Backlog(int(row[0]), int(row[1]))


async def _end(connection: AsyncConnection, lease: Lease, error: Mapping[str, Any] | None) -> Job:
    found = await connection.execute(
        select(job_items.c.state, func.count())
        .where(job_items.c.job == lease.job.id)
        .group_by(job_items.c.state)
    )
    states: dict[str, int] = dict(tuple(row) for row in found)
    failed, left = states.get("failed", 0), sum(states.get(state, 0) for state in OPEN_ITEMS)
    (job,) = await read_jobs(connection, select(jobs).where(jobs.c.id == lease.job.id))
    if job.cancel_requested and left + states.get("cancelled", 0):
        status = "cancelled"
    elif error is not None:
        status = "failed"
    elif failed:
        status = "failed"
        error = {
            "code": "some-documents-failed",
            "title": "Some documents failed",
            "detail": f"{failed} of {job.total} documents failed; see `failures`",
        }
    elif left:
        raise ValueError(f"job {job.id} has {left} documents left: publish, fail or abandon them")
    else:
        status = "succeeded"
    await connection.execute(
        update(jobs)
        .where(jobs.c.id == job.id)
        .values(status=status, error=error, lease_owner=None, lease_until=None)
    )
    # Failures are shown later; of the others the counters say enough.
    await connection.execute(
        job_items.delete().where(job_items.c.job == job.id, job_items.c.state != "failed")
    )
    (job,) = await read_jobs(connection, select(jobs).where(jobs.c.id == job.id))
    return job


def _visible() -> Any:
    return jobs.c.collection.in_(select(collections.c.id).where(collections.c.deleted_at.is_(None)))
