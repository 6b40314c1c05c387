"""Background work under leases: a dead worker's job is taken over, its late writes are refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.domain.jobs import Job
from app.store.clock import Clock, utc_now
from app.store.session import Database
from retrievers.types import CollectionId


class LeaseLost(Exception):
    """Another worker has the job, or it was cancelled and removed: stop and write nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job. Each take-over raises the token, which every write checks."""

    job: Job  # as it was when leased
    owner: str
    token: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is queued or running in one collection."""

    jobs: int
    documents: int


class Jobs:
    """Jobs and their leases. Lease times are of this process's clock."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        raise NotImplementedError

    async def create(self, kind: Literal["ingest", "purge"], collection: CollectionId) -> Job:
        """Queue a job without documents (`Documents.accept` makes those that have some)."""
        raise NotImplementedError

    async def get(self, id: str) -> Job:
        """By public id.

        Raises:
            NotFound: Unknown, or of a deleted collection.
        """
        raise NotImplementedError

    async def page(
        self,
        collections: Collection[CollectionId] | None,
        limit: int,
        after: tuple[datetime, str] | None = None,
    ) -> list[Job]:
        """Newest first, of these collections (None = all), beyond the (created_at, id) given."""
        raise NotImplementedError

    async def lease(self, owner: str, ttl_s: float) -> Lease | None:
        """The oldest job that is queued or whose lease has run out, as `running`; None if none."""
        raise NotImplementedError

    async def heartbeat(self, lease: Lease, ttl_s: float) -> bool:
        """Extend the lease. Returns whether the job shall be cancelled.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        raise NotImplementedError

    async def progress(self, lease: Lease, stage: str, done: int | None = None) -> None:
        """Show the stage and raise `done`; a smaller `done` is ignored.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        raise NotImplementedError

    async def finish(self, lease: Lease, error: Mapping[str, Any] | None = None) -> Job:
        """End the job and say how it went.

        `cancelled` if asked for and documents are left, `failed` with `error` if given, `failed`
        with code `some-documents-failed` if a document failed, else `succeeded`.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        raise NotImplementedError

    async def release(self, lease: Lease) -> None:
        """Put the job back into the queue (shutdown); does nothing when the lease is lost."""
        raise NotImplementedError

    async def reclaim(self) -> int:
        """Queue every running job again: at the start of the only process. Returns how many."""
        raise NotImplementedError

    async def cancel(self, id: str) -> Job:
        """Ask for cancellation; a job not yet leased ends at once. Idempotent.

        Raises:
            NotFound: As `get`.
        """
        raise NotImplementedError

    async def active(self, collection: CollectionId) -> Backlog:
        """Unfinished jobs of the collection and their unfinished documents; cheap."""
        raise NotImplementedError
