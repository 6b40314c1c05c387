"""Jobs and their leases."""

from __future__ import annotations

import asyncio

import pytest
from store_library import Library, build, source

from app.domain.errors import NotFound
from app.store.jobs import Backlog, Lease, LeaseLost

pytestmark = pytest.mark.anyio


async def leased(library: Library, owner: str = "worker") -> Lease:
    lease = await library.jobs.lease(owner, 45)
    assert lease is not None
    return lease


async def test_an_accepted_job_waits_in_the_queue(library: Library) -> None:
    job = await library.documents.accept(library.here.id, [source("a", "one"), source("b", "two")])
    assert await library.jobs.get(job.id) == job
    assert (job.status, job.stage, job.done, job.total) == ("queued", "queued", 0, 2)
    assert (job.kind, job.attempt, job.error, job.failures) == ("ingest", 0, None, ())
    assert job.created_at == library.watch.now
    assert job.finished_at is None


async def test_an_unknown_job_is_not_found(library: Library) -> None:
    for call in (library.jobs.get, library.jobs.cancel):
        with pytest.raises(NotFound):
            await call("job_absent")


async def test_jobs_are_leased_in_the_order_of_arrival_and_once(library: Library) -> None:
    jobs = [await library.documents.accept(library.here.id, [source(id, id)]) for id in "abc"]
    leases = [await leased(library) for _ in jobs]
    assert [lease.job.id for lease in leases] == [job.id for job in jobs]
    assert {lease.job.status for lease in leases} == {"running"}
    assert await library.jobs.lease("worker", 45) is None


async def test_many_workers_never_share_a_job(library: Library) -> None:
    for number in range(6):
        await library.documents.accept(library.here.id, [source(f"d{number}", "text")])
    found = await asyncio.gather(*(library.jobs.lease(f"w{n}", 45) for n in range(12)))
    ids = [lease.job.id for lease in found if lease]
    assert len(ids) == len(set(ids)) == 6


async def test_a_collection_can_be_skipped(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", "one")])
    other = await library.collections.create("other")
    job = await library.documents.accept(other.id, [source("a", "one")])
    lease = await library.jobs.lease("worker", 45, skip=[library.here.id])
    assert lease is not None
    assert lease.job.id == job.id


async def test_a_heartbeat_keeps_the_lease_and_silence_loses_it(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", "one")])
    first = await leased(library, "first")
    for _ in range(5):
        library.watch.forward(30)
        assert await library.jobs.heartbeat(first, 45) is False
        assert await library.jobs.lease("second", 45) is None
    library.watch.forward(46)
    assert await library.jobs.heartbeat(first, 45) is False  # late, but nobody was faster
    library.watch.forward(46)
    second = await leased(library, "second")
    assert (second.job.id, second.job.attempt) == (first.job.id, 2)
    assert second.token > first.token
    with pytest.raises(LeaseLost):
        await library.jobs.heartbeat(first, 45)
    await library.jobs.heartbeat(second, 45)


async def test_progress_never_falls_and_never_exceeds_the_total(library: Library) -> None:
    await library.documents.accept(library.here.id, [source(id, id) for id in "abcd"])
    lease = await leased(library)
    for done, shown in ((1, 1), (3, 3), (2, 3), (None, 3), (9, 4)):
        await library.jobs.progress(lease, "embed", done)
        job = await library.jobs.get(lease.job.id)
        assert (job.stage, job.done) == ("embed", shown)


async def test_publishing_counts_as_progress(library: Library) -> None:
    lease = await library.write(source("a", "one"), source("b", "two"))
    first, second = await library.documents.written(lease)
    await library.documents.publish(lease, [first.version])
    assert (await library.jobs.get(lease.job.id)).done == 1
    await library.documents.publish(lease, [second.version])
    job = await library.jobs.finish(lease)
    assert (job.status, job.stage, job.done) == ("succeeded", "done", 2)
    assert job.finished_at == library.watch.now
    with pytest.raises(LeaseLost):
        await library.jobs.finish(lease)


async def test_a_job_with_documents_left_cannot_succeed(library: Library) -> None:
    lease = await library.write(source("a", "one"))
    with pytest.raises(ValueError, match="1 documents left"):
        await library.jobs.finish(lease)
    job = await library.jobs.finish(lease, error={"code": "no-retriever"})
    assert (job.status, job.error) == ("failed", {"code": "no-retriever"})


async def test_a_released_job_is_taken_up_where_it_was_left(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", "one"), source("b", "two")])
    lease = await leased(library)
    pending = await library.documents.pending(lease, 1)
    await library.documents.write_chunks(lease, [build(one) for one in pending])
    await library.jobs.release(lease)
    assert (await library.jobs.get(lease.job.id)).status == "queued"
    heir = await leased(library, "heir")
    assert [one.version for one in await library.documents.written(heir)] == [pending[0].version]
    assert [one.source.id for one in await library.documents.pending(heir, 10)] == ["b"]
    await library.jobs.release(lease)  # too late: it is the heir's now
    await library.jobs.heartbeat(heir, 45)


async def test_running_jobs_are_queued_again_when_the_only_process_starts(
    library: Library,
) -> None:
    await library.documents.accept(library.here.id, [source("a", "one")])
    lost = await leased(library)
    assert await library.jobs.reclaim() == 1
    assert await library.jobs.reclaim() == 0
    with pytest.raises(LeaseLost):
        await library.jobs.heartbeat(lost, 45)
    assert (await leased(library)).job.id == lost.job.id


async def test_cancelling_is_asked_for_and_seen_by_the_worker(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", "one")])
    lease = await leased(library)
    for _ in range(2):
        assert (await library.jobs.cancel(lease.job.id)).cancel_requested
    assert await library.jobs.heartbeat(lease, 45) is True
    assert await library.documents.abandon(lease) == 1
    assert (await library.jobs.finish(lease)).status == "cancelled"
    assert (await library.jobs.cancel(lease.job.id)).status == "cancelled"


async def test_a_queued_job_that_is_cancelled_reaches_a_worker_that_drops_it(
    library: Library,
) -> None:
    job = await library.documents.accept(library.here.id, [source("a", "one")])
    await library.jobs.cancel(job.id)
    lease = await leased(library)
    assert lease.job.cancel_requested
    await library.documents.abandon(lease)
    assert (await library.jobs.finish(lease)).status == "cancelled"


async def test_cancelling_too_late_does_not_undo_success(library: Library) -> None:
    lease = await library.write(source("a", "one"))
    (written,) = await library.documents.written(lease)
    await library.documents.publish(lease, [written.version])
    await library.jobs.cancel(lease.job.id)
    assert (await library.jobs.finish(lease)).status == "succeeded"


async def test_the_backlog_of_a_collection_follows_its_jobs(library: Library) -> None:
    here = library.here.id
    assert await library.jobs.active(here) == Backlog(0, 0)
    lease = await library.write(source("a", "one"), source("b", "two"))
    assert await library.jobs.active(here) == Backlog(1, 2)
    first, second = await library.documents.written(lease)
    await library.documents.publish(lease, [first.version])
    assert await library.jobs.active(here) == Backlog(1, 1)
    await library.documents.fail(lease, second.version, {"code": "unreadable"})
    assert await library.jobs.active(here) == Backlog(1, 0)
    await library.jobs.finish(lease)
    assert await library.jobs.active(here) == Backlog(0, 0)


async def test_jobs_are_listed_newest_first_in_pages(library: Library) -> None:
    other = await library.collections.create("other")
    ids = []
    for number in range(4):
        here = (library.here, other)[number % 2].id
        ids.append((await library.documents.accept(here, [source(f"d{number}", "text")])).id)
        library.watch.forward(1)
    first = await library.jobs.page(None, 3)
    assert [job.id for job in first] == ids[:0:-1]
    last = first[-1]
    rest = await library.jobs.page(None, 3, (last.created_at, last.id))
    assert [job.id for job in rest] == ids[:1]
    assert [job.id for job in await library.jobs.page([other.id], 9)] == [ids[3], ids[1]]
    assert await library.jobs.page([], 9) == []


async def test_a_job_without_documents_can_be_queued(library: Library) -> None:
    job = await library.jobs.create("purge", library.here.id)
    assert (job.kind, job.status, job.total) == ("purge", "queued", 0)
    assert (await library.jobs.finish(await leased(library))).status == "succeeded"
