"""The right to work on a job, checked by every write that is done for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.jobs import Job
from app.store.tables import job_items, jobs

OPEN_ITEMS = ("queued", "written")
"""States of a job's documents that still need work."""


class LeaseLost(Exception):
    """Another worker has the job, or it was cancelled and removed: stop and write nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job. Each take-over raises the token, which every write checks."""

    job: Job  # as it was when leased
    owner: str
    token: int


async def fence(connection: AsyncConnection, lease: Lease, **values: Any) -> None:
    """First statement of every write of a worker: the job is still its own, and stays so.

    Touching the row also keeps another process from taking the job over before the commit.

    Raises:
        LeaseLost: The token is no longer the job's.
    """
    changed: CursorResult[Any] = await connection.execute(
        update(jobs).where(*held(lease)).values(lease_token=lease.token, **values)
    )
    if changed.rowcount != 1:
        raise LeaseLost(f"job {lease.job.id} is no longer held by {lease.owner}")


async def count_done(connection: AsyncConnection, lease: Lease) -> None:
    """Raise the job's `done` to the number of its documents that are through."""
    through = await connection.scalar(
        select(func.count())
        .select_from(job_items)
        .where(job_items.c.job == lease.job.id, job_items.c.state.not_in(OPEN_ITEMS))
    )
    await raise_done(connection, lease, through or 0)


async def raise_done(connection: AsyncConnection, lease: Lease, done: int) -> None:
    """Raise the job's `done`, never above its total and never back."""
    at_most = case((jobs.c.total < done, jobs.c.total), else_=done)
    await connection.execute(
        update(jobs).where(jobs.c.id == lease.job.id, jobs.c.done < done).values(done=at_most)
    )


def held(lease: Lease) -> tuple[Any, ...]:
    """Conditions under which the job is the lease's."""
    return (
        jobs.c.id == lease.job.id,
        jobs.c.lease_token == lease.token,
        jobs.c.status == "running",
    )
