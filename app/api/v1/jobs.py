"""Jobs: background work that a client can watch, wait for and cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from app.api import render
from app.api.deps import Edge, EdgeDep, PrincipalDep, SecuredRoute, ServicesDep
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.schemas import JobAcceptedOut, JobOut
from app.api.v1.paging import After, Limit, page, place_of
from app.domain.errors import NotFound
from app.domain.jobs import TERMINAL, Job
from app.domain.principal import EVERY_COLLECTION, Principal
from retrievers.types import CollectionId

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=SecuredRoute)
JobId = Annotated[str, Path(description="Id of a job.", examples=["job_k3vqz7m2n4p6r8t0w1y5"])]
Wait = Annotated[
    float,
    Query(ge=0, le=60, description="Seconds to hold the response until the job has ended."),
]


class JobsOut(BaseModel):
    """Jobs of the collections this key may see, newest first."""

    data: list[JobOut]
    has_more: bool
    next_cursor: str | None


async def ended(here: Edge, job: Job, wait_s: float) -> Job:
    """The job once it has ended, or as it stands after `wait_s` or when the service stops."""
    if job.status in TERMINAL or not wait_s:
        return job
    waited = await here.lifecycle.or_drained(here.services.ingest.wait(job.id, wait_s))
    return waited or job


def accepted(job: Job) -> Response:
    """202 with the job and where to watch it."""
    return render.reply({"job": render.job(job)}, 202, {"Location": f"/v1/jobs/{job.id}"})


async def _visible(here: Edge, principal: Principal, job_id: str) -> Job:
    job = await here.services.jobs.get(job_id)
    await belongs(here, principal, job.collection)
    return job


async def belongs(here: Edge, principal: Principal, collection: CollectionId) -> None:
    """Raise `NotFound` when the key may not see what belongs to this collection."""
    name = (await here.services.collections.by_id(collection)).name
    if not principal.sees(name):
        raise NotFound("of a collection the key may not see")


@router.get(
    "/jobs",
    response_model=JobsOut,
    **operation(
        "listJobs",
        "List jobs",
        "read",
        answer={"data": [examples.JOB], "has_more": False, "next_cursor": None},
        problems=["invalid-request"],
    ),
)
async def list_all(
    principal: PrincipalDep, services: ServicesDep, limit: Limit = 50, after: After = None
) -> Response:
    """Of the collections this key may see, newest first."""
    seen = None
    if EVERY_COLLECTION not in principal.collections:
        everything = await services.collections.all()
        seen = [each.id for each in everything if principal.sees(each.name)]
    where = f"jobs {principal.key_id}"
    found = await services.jobs.page(seen, limit + 1, place_of(where, after))
    return render.reply(page(found, limit, where, lambda job: (job.created_at, job.id), render.job))


@router.get(
    "/jobs/{job_id}",
    response_model=JobOut,
    **operation("getJob", "One job", "read", answer=examples.JOB, problems=["not-found"]),
)
async def get(job_id: JobId, principal: PrincipalDep, here: EdgeDep, wait: Wait = 0) -> Response:
    """The job as it stands; with `wait`, as soon as it has ended."""
    job = await _visible(here, principal, job_id)
    return render.reply(render.job(await ended(here, job, wait)))


@router.post(
    "/jobs/{job_id}:cancel",
    response_model=JobAcceptedOut,
    **operation(
        "cancelJob",
        "Cancel a job",
        "write",
        answer={"job": {**examples.JOB, "status": "cancelled"}},
        problems=["not-found"],
        status=202,
    ),
)
async def cancel(job_id: JobId, principal: PrincipalDep, here: EdgeDep) -> Response:
    """Documents already indexed stay; those not begun are dropped. Idempotent."""
    await _visible(here, principal, job_id)
    return accepted(await here.services.ingest.cancel(job_id))
