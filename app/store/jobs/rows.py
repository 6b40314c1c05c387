"""Rows of jobs to `Job` and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.ids import new_id
from app.domain.jobs import Job
from app.store.tables import job_items, jobs
from retrievers.types import CollectionId


async def add_job(
    connection: AsyncConnection,
    kind: str,
    collection: CollectionId,
    now: datetime,
    total: int = 0,
    unchanged: int = 0,
) -> Job:
    """Insert a job; one whose documents are all unchanged has succeeded already."""
    ended = total > 0 and total == unchanged
    row = {
        "id": new_id("job"),
        "kind": kind,
        "collection": collection,
        "status": "succeeded" if ended else "queued",
        "stage": "done" if ended else "queued",
        "done": unchanged,
        "total": total,
        "unchanged": unchanged,
        "error": None,
        "attempt": 0,
        "cancel_requested": False,
        "lease_token": 0,
        "created_at": now,
        "finished_at": now if ended else None,
    }
    await connection.execute(jobs.insert(), row)
    return _job(row, ())


async def read_jobs(connection: AsyncConnection, wanted: Select[Any]) -> list[Job]:
    """The jobs with what failed in them, in the order of `wanted`."""
    rows = [dict(row) for row in (await connection.execute(wanted)).mappings()]
    failures: dict[str, list[Mapping[str, Any]]] = {row["id"]: [] for row in rows}
    found = await connection.execute(
        select(job_items.c.job, job_items.c.public_id, job_items.c.problem)
        .where(job_items.c.job.in_(list(failures)), job_items.c.state == "failed")
        .order_by(job_items.c.job, job_items.c.ordinal)
    )
    for job, public_id, problem in found:
        failures[job].append({"document_id": public_id, "problem": problem})
    return [_job(row, tuple(failures[row["id"]])) for row in rows]


def _job(row: Mapping[str, Any], failures: tuple[Mapping[str, Any], ...]) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        collection=CollectionId(row["collection"]),
        status=row["status"],
        stage=row["stage"],
        done=row["done"],
        total=row["total"],
        error=row["error"],
        attempt=row["attempt"],
        cancel_requested=bool(row["cancel_requested"]),
        failures=failures,
        unchanged=row["unchanged"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
