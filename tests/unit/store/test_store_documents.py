"""Documents: versions, publication, deletion, purge."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from store_library import PROJECTIONS, Library, build, marked, source, texts

from app.domain.documents import Parsed, Source, Span
from app.domain.errors import NotFound, Rejected
from app.domain.ids import new_id
from app.store.documents import Built, Documents
from app.store.jobs import LeaseLost
from app.store.session import Database
from app.store.tables import chunks, contents, documents, versions

pytestmark = pytest.mark.anyio

# What would be changed by normalising, trimming, newline conversion or a surrogate mix-up.
ODD = " \tA\u030a \r\n\u00c5 \u2028\ufeff😀 e\u0301\x01 end \n"


async def rows(library: Library, *tables) -> list[int]:
    async with library.database.read() as connection:
        return [
            await connection.scalar(select(func.count()).select_from(table)) or 0
            for table in tables
        ]


async def test_a_document_is_invisible_until_it_is_published(library: Library) -> None:
    lease = await library.write(source("a", "alpha\nbeta", "Letters"))
    with pytest.raises(NotFound):
        await library.documents.get(library.here.id, "a")
    assert not await library.documents.exists(library.here.id, "a")
    assert await library.visible() == []
    await library.publish(lease)
    assert await library.documents.exists(library.here.id, "a")
    assert texts(await library.visible()) == ["alpha", "beta"]


async def test_text_is_kept_exactly_as_posted(library: Library) -> None:
    metadata = {"lang": "en", "year": 2020, "score": 0.5, "draft": False, "tags": ["x", "é"]}
    await library.post(source("ä/ ?", ODD, ODD, metadata))
    document = await library.documents.get(library.here.id, "ä/ ?")
    assert document.text == document.title == ODD
    assert document.metadata == metadata
    assert document.version == 1
    assert document.created_at == document.updated_at == library.watch.now
    for start, end in ((0, 3), (2, len(ODD)), (5, 5), (0, 10_000)):
        found = await library.documents.slice(library.here.id, "ä/ ?", start, end)
        assert found == ODD[start:end]


async def test_every_chunk_is_the_slice_it_says_it_is(library: Library) -> None:
    await library.post(source("a", ODD))
    document = await library.documents.get(library.here.id, "a")
    held = await library.visible()
    assert held
    assert [document.text[chunk.start : chunk.end] for chunk in held] == texts(held)


async def test_the_same_id_replaces_the_document_and_counts_versions(library: Library) -> None:
    await library.post(source("a", "one\ntwo"))
    library.watch.forward(60)
    await library.post(source("a", "two\nthree", "New"))
    document = await library.documents.get(library.here.id, "a")
    assert (document.version, document.text, document.title) == (2, "two\nthree", "New")
    assert document.updated_at > document.created_at
    assert texts(await library.visible()) == ["two", "three"]


async def test_an_unchanged_chunk_keeps_its_id_and_key(library: Library) -> None:
    await library.post(source("a", "one\ntwo"))
    before = {chunk.text: chunk for chunk in await library.visible()}
    await library.post(source("a", "zero\ntwo"))
    after = {chunk.text: chunk for chunk in await library.visible()}
    assert (after["two"].id, after["two"].key) == (before["two"].id, before["two"].key)
    assert (before["two"].start, after["two"].start) == (4, 5)
    assert after["zero"].id not in {chunk.id for chunk in before.values()}


async def test_equal_lines_of_one_document_are_distinct_chunks(library: Library) -> None:
    await library.post(source("a", "same\nsame"))
    first, second = await library.visible()
    assert first.key != second.key
    assert (first.ordinal, second.ordinal) == (0, 1)


async def test_readers_see_the_old_version_until_the_new_one_is_published(
    library: Library,
) -> None:
    await library.post(source("a", "one"))
    lease = await library.write(source("a", "two"))
    assert texts(await library.visible()) == ["one"]
    assert sorted(texts(await library.everything())) == ["one", "two"]
    await library.publish(lease)
    assert texts(await library.visible()) == ["two"]


async def test_posting_the_same_again_changes_nothing(library: Library) -> None:
    posted = source("a", "one", "Title", {"lang": "en", "n": 1})
    await library.post(posted, source("b", "two"))
    job = await library.documents.accept(library.here.id, [posted, source("b", "two")])
    assert (job.status, job.unchanged, job.done, job.total) == ("succeeded", 2, 2, 2)
    assert job.finished_at is not None
    assert await library.jobs.lease("worker", 60) is None
    assert (await library.documents.get(library.here.id, "a")).version == 1


@pytest.mark.parametrize(
    "other",
    [
        source("a", "one!", "Title", {"n": 1}),
        source("a", "one", "Other", {"n": 1}),
        source("a", "one", "Title", {"n": True}),
        source("a", "one", "Title", {}),
        Source("a", "Title", "text/markdown", "one", metadata={"n": 1}),
        Source("a", "Title", "text/plain", "", b"one", {"n": 1}),
    ],
)
async def test_any_difference_makes_a_new_version(library: Library, other: Source) -> None:
    await library.post(source("a", "one", "Title", {"n": 1}))
    job = await library.documents.accept(library.here.id, [other])
    assert (job.status, job.unchanged) == ("queued", 0)


async def test_another_recipe_makes_a_new_version(library: Library) -> None:
    await library.post(source("a", "one"))
    later = Documents(library.database, PROJECTIONS, recipe="chunker 2")
    assert (await later.accept(library.here.id, [source("a", "one")])).unchanged == 0


async def test_the_same_text_is_news_while_another_version_waits(library: Library) -> None:
    await library.post(source("a", "one"))
    first = await library.documents.accept(library.here.id, [source("a", "two")])
    second = await library.documents.accept(library.here.id, [source("a", "one")])
    assert (first.unchanged, second.unchanged) == (0, 0)


async def test_one_request_may_name_an_id_once(library: Library) -> None:
    with pytest.raises(Rejected):
        await library.documents.accept(library.here.id, [source("a", "1"), source("a", "2")])


async def test_a_version_that_was_overtaken_never_shows(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", "first")])
    await library.documents.accept(library.here.id, [source("a", "second")])
    leases = []
    for _ in range(2):
        lease = await library.jobs.lease("worker", 60)
        assert lease is not None
        pending = await library.documents.pending(lease, 10)
        await library.documents.write_chunks(lease, [build(one) for one in pending])
        leases.append(lease)
    await library.publish(leases[1])
    changed = await library.publish(leases[0])
    assert changed == set()
    assert texts(await library.visible()) == ["second"]
    assert (await library.jobs.get(leases[0].job.id)).status == "succeeded"


async def test_two_versions_published_together_leave_the_newer_one(library: Library) -> None:
    first = await library.write(source("a", "first"))
    second = await library.write(source("a", "second"))
    written = [*await library.documents.written(first), *await library.documents.written(second)]
    await library.documents.publish(second, [one.version for one in written])
    assert texts(await library.visible()) == ["second"]
    assert (await library.documents.get(library.here.id, "a")).version == 2
    for lease in (first, second):
        assert (await library.jobs.finish(lease)).status == "succeeded"


async def test_candidates_found_by_newer_rules_replace_the_old_ones(library: Library) -> None:
    await library.post(source("a", "Ada\nByron"))
    ids = [chunk.id for chunk in await library.visible()]
    await library.documents.accept(library.here.id, [source("a", "Ada\nByron", "New")])
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    (pending,) = await library.documents.pending(lease, 10)
    built = replace(build(pending), candidates=[{"ada": 1}, {"Byron": 1}])
    await library.documents.write_chunks(lease, [built])
    found = await library.chunks.candidates(library.here.id, ids)
    assert [found[id] for id in ids] == [{"ada": 1}, {"Byron": 1}]


async def test_documents_held_are_not_handed_out_again_and_can_be_given_back(
    library: Library,
) -> None:
    await library.documents.accept(library.here.id, [source(id, id) for id in "abc"])
    for _ in range(5):  # given back each time, so no attempt is used up
        lease = await library.jobs.lease("worker", 60)
        assert lease is not None
        first = await library.documents.pending(lease, 2)
        held = [one.version for one in first]
        rest = await library.documents.pending(lease, 9, held=held)
        assert [one.source.id for one in [*first, *rest]] == ["a", "b", "c"]
        await library.documents.give_back(lease, [*held, *(one.version for one in rest)])
        await library.jobs.release(lease)


async def test_writing_twice_is_writing_once(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", "one\ntwo")])
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    (pending,) = await library.documents.pending(lease, 10)
    for _ in range(2):
        await library.documents.write_chunks(lease, [build(pending)])
    await library.publish(lease)
    assert texts(await library.visible()) == ["one", "two"]
    assert await rows(library, chunks) == [2]


async def test_a_parsed_file_stores_what_the_parser_read(library: Library) -> None:
    file = Source("f", "", "text/html", "", b"<h1>T</h1>", {"lang": "en"})
    await library.documents.accept(library.here.id, [file])
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    (pending,) = await library.documents.pending(lease, 10)
    assert pending.source == file
    parsed = Parsed("Found", "T\nbody", metadata={"lang": "xx", "author": "me"})
    await library.documents.write_chunks(lease, [build(pending, parsed, "Heading")])
    await library.publish(lease)
    document = await library.documents.get(library.here.id, "f")
    assert (document.title, document.text) == ("Found", "T\nbody")
    assert document.metadata == {"lang": "en", "author": "me"}
    assert (await library.visible())[1].embed_text == "Found\nHeading\nbody"


async def test_a_posted_text_is_not_replaced_by_what_a_parser_made_of_it(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", " as posted ")])
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    (pending,) = await library.documents.pending(lease, 10)
    parsed = Parsed("", pending.source.text.upper())
    await library.documents.write_chunks(lease, [build(pending, parsed)])
    await library.publish(lease)
    assert (await library.documents.get(library.here.id, "a")).text == " as posted "


async def test_a_deleted_document_is_gone_at_once_and_marked_everywhere(library: Library) -> None:
    await library.post(source("a", "one"), source("b", "two"))
    await library.acknowledge()
    held = await library.visible()
    key = await library.documents.delete(library.here.id, "a")
    found = await library.chunks.get(library.here.id, [chunk.id for chunk in held])
    assert texts(found.values()) == ["two"]
    with pytest.raises(NotFound):
        await library.documents.get(library.here.id, "a")
    with pytest.raises(NotFound):
        await library.documents.slice(library.here.id, "a", 0, 1)
    with pytest.raises(NotFound):
        await library.documents.delete(library.here.id, "a")
    for projection in PROJECTIONS:
        assert marked(await library.marks.read(projection, library.here.id, 10)) == [key]
    assert await library.chunks.of_documents(library.here.id, [key]) == {}


async def test_a_document_may_return_after_its_deletion_with_new_ids(library: Library) -> None:
    await library.post(source("a", "one"))
    (before,) = await library.visible()
    await library.documents.delete(library.here.id, "a")
    await library.post(source("a", "one"))
    (after,) = await library.visible()
    assert after.key == before.key
    assert after.id > before.id
    assert after.document > before.document


async def test_deleting_wins_over_a_version_under_way(library: Library) -> None:
    lease = await library.write(source("a", "one"), source("b", "two"))
    written = await library.documents.written(lease)
    await library.documents.delete(library.here.id, "a")
    changed = await library.documents.publish(lease, [one.version for one in written])
    assert changed == {written[1].document}
    job = await library.jobs.finish(lease)
    assert (job.status, job.done) == ("succeeded", 2)
    assert texts(await library.visible()) == ["two"]


async def test_deleting_before_the_work_begins_leaves_nothing_to_do(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", "one"), source("b", "two")])
    await library.documents.delete(library.here.id, "a")
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    assert [one.source.id for one in await library.documents.pending(lease, 10)] == ["b"]


async def test_chunks_built_for_a_document_deleted_meanwhile_are_not_written(
    library: Library,
) -> None:
    await library.documents.accept(library.here.id, [source("a", "one")])
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    (pending,) = await library.documents.pending(lease, 10)
    await library.documents.delete(library.here.id, "a")
    assert await library.documents.write_chunks(lease, [build(pending)]) == []
    assert (await library.jobs.finish(lease)).status == "succeeded"


async def test_writing_marks_the_documents_for_every_projection(library: Library) -> None:
    lease = await library.write(source("a", "one"))
    (written,) = await library.documents.written(lease)
    for projection in PROJECTIONS:
        marks = await library.marks.read(projection, library.here.id, 10)
        assert marked(marks) == [written.document]


async def test_publishing_marks_again_exactly_where_old_chunks_must_leave(
    library: Library,
) -> None:
    await library.post(source("a", "one\ntwo"), source("b", "three"), source("c", "four"))
    await library.acknowledge()
    lease = await library.write(
        source("a", "one"), source("b", "three\nmore"), source("c", "four", "New title")
    )
    written = await library.documents.written(lease)
    await library.acknowledge()
    await library.publish(lease)
    for projection in PROJECTIONS:
        marks = await library.marks.read(projection, library.here.id, 10)
        assert marked(marks) == [written[0].document]


async def test_a_failed_document_keeps_its_old_version_and_is_named_in_the_job(
    library: Library,
) -> None:
    await library.post(source("a", "old"))
    lease = await library.write(source("a", "new"), source("b", "fine"))
    bad, good = await library.documents.written(lease)
    await library.documents.fail(lease, bad.version, {"code": "unreadable"})
    await library.documents.publish(lease, [good.version])
    job = await library.jobs.finish(lease)
    assert (job.status, job.done, job.total) == ("failed", 2, 2)
    assert job.error is not None
    assert job.error["code"] == "some-documents-failed"
    assert job.failures == ({"document_id": "a", "problem": {"code": "unreadable"}},)
    assert texts(await library.visible()) == ["old", "fine"]
    assert (await library.documents.get(library.here.id, "a")).version == 1


async def test_a_new_document_that_fails_leaves_no_trace(library: Library) -> None:
    lease = await library.write(source("a", "new"))
    (bad,) = await library.documents.written(lease)
    await library.documents.fail(lease, bad.version, {"code": "unreadable"})
    await library.jobs.finish(lease)
    assert await library.everything() == []
    with pytest.raises(NotFound):
        await library.documents.delete(library.here.id, "a")
    await library.acknowledge()
    await library.documents.purge()
    assert await rows(library, documents, versions, contents, chunks) == [0, 0, 0, 0]


async def test_abandoning_drops_what_is_not_published(library: Library) -> None:
    await library.post(source("a", "old"))
    lease = await library.write(source("a", "new"), source("b", "more"), source("c", "third"))
    first, *_ = await library.documents.written(lease)
    await library.documents.publish(lease, [first.version])
    await library.jobs.cancel(lease.job.id)
    assert await library.documents.abandon(lease) == 2
    job = await library.jobs.finish(lease)
    assert job.status == "cancelled"
    assert texts(await library.visible()) == ["new"]
    assert texts(await library.everything()) == ["old", "new"] or texts(
        await library.everything()
    ) == ["new"]


async def test_retired_versions_go_after_the_grace_and_shared_chunks_stay(
    library: Library,
) -> None:
    await library.post(source("a", "one\ntwo"))
    await library.post(source("a", "two\nthree"))
    await library.acknowledge()
    assert await library.documents.purge() == 0
    library.watch.forward(301)
    assert await library.documents.purge() == 1
    assert await library.documents.purge() == 0
    assert await rows(library, versions, contents, chunks) == [1, 1, 2]
    assert texts(await library.visible()) == ["two", "three"]


async def test_a_tombstone_goes_when_every_projection_has_acknowledged(library: Library) -> None:
    await library.post(source("a", "one"), source("b", "two"))
    await library.acknowledge()
    await library.documents.delete(library.here.id, "a")
    first, second = PROJECTIONS
    marks = await library.marks.read(first, library.here.id, 10)
    await library.marks.acknowledge(first, marks)
    assert await library.documents.purge() == 0
    assert await rows(library, documents) == [2]
    await library.marks.acknowledge(second, await library.marks.read(second, library.here.id, 10))
    assert await library.documents.purge() == 1
    assert await rows(library, documents, versions, contents, chunks) == [1, 1, 1, 1]


async def test_a_worker_that_lost_its_lease_writes_nothing(library: Library) -> None:
    await library.documents.accept(library.here.id, [source("a", "one")])
    late = await library.jobs.lease("late", 60)
    assert late is not None
    (pending,) = await library.documents.pending(late, 10)
    library.watch.forward(61)
    heir = await library.jobs.lease("heir", 60)
    assert heir is not None
    for write in (
        library.documents.pending(late, 10),
        library.documents.write_chunks(late, [build(pending)]),
        library.documents.publish(late, [pending.version]),
        library.documents.fail(late, pending.version, {}),
        library.documents.abandon(late),
        library.jobs.progress(late, "embed", 1),
        library.jobs.heartbeat(late, 60),
        library.jobs.finish(late),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert await rows(library, chunks) == [0]
    await library.documents.write_chunks(heir, [build(pending)])
    await library.publish(heir)
    assert texts(await library.visible()) == ["one"]


async def test_a_crash_counts_and_the_document_comes_alone_then_fails(library: Library) -> None:
    await library.documents.accept(library.here.id, [source(id, id) for id in "abcd"])
    handed_out = []
    for _ in range(8):  # each time the worker dies with what it was given
        lease = await library.jobs.lease("worker", 60)
        assert lease is not None
        batch = await library.documents.pending(lease, 3)
        handed_out.append("".join(one.source.id for one in batch))
        library.watch.forward(61)
    assert handed_out == ["abc", "d", "a", "b", "c", "d", "a", "b"]
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    while batch := await library.documents.pending(lease, 3):
        await library.documents.write_chunks(lease, [build(one) for one in batch])
    await library.publish(lease)
    job = await library.jobs.get(lease.job.id)
    assert [failure["document_id"] for failure in job.failures] == ["a", "b"]
    assert job.failures[0]["problem"]["code"] == "worker-died"
    assert texts(await library.visible()) == ["c", "d"]


async def test_what_a_worker_holds_is_not_handed_out_twice(library: Library) -> None:
    await library.documents.accept(library.here.id, [source(id, id) for id in "abc"])
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    first = await library.documents.pending(lease, 2)
    held = [one.version for one in first]
    assert [one.source.id for one in await library.documents.pending(lease, 2, held)] == ["c"]
    await library.documents.give_back(lease, held)
    again = await library.documents.pending(lease, 3)
    assert [one.source.id for one in again] == ["a", "b"]  # together: it was no crash


async def test_a_large_document_does_not_share_its_batch(library: Library) -> None:
    large = "x" * 3_000_000
    await library.documents.accept(
        library.here.id, [source("a", large), source("b", large), source("c", "small")]
    )
    lease = await library.jobs.lease("worker", 60)
    assert lease is not None
    assert [one.source.id for one in await library.documents.pending(lease, 64)] == ["a"]


async def test_live_documents_are_listed_in_order_of_arrival(library: Library) -> None:
    for id in ("z", "m", "a", "b"):
        await library.post(source(id, id))
        library.watch.forward(int(id != "m"))
    first = await library.documents.page(library.here.id, 2)
    assert [one.id for one in first] == ["z", "a"]
    last = first[-1]
    rest = await library.documents.page(library.here.id, 10, (last.created_at, last.id))
    assert [one.id for one in rest] == ["m", "b"]


async def test_statistics_count_what_is_live(library: Library) -> None:
    await library.post(source("a", "one\ntwo"), source("b", "three"))
    await library.post(source("b", "3"))
    stats = await library.documents.stats(library.here.id)
    assert (stats.documents, stats.chunks, stats.characters) == (2, 3, 8)


async def test_a_document_without_chunks_is_a_document(library: Library) -> None:
    await library.post(source("a", "\n"))
    assert (await library.documents.get(library.here.id, "a")).text == "\n"
    assert await library.visible() == []


def test_chunks_that_do_not_fit_their_document_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        Built(1, 1, Parsed("", ""), [], ["chk_a"], [])
    with pytest.raises(ValueError, match="occurs twice"):
        Built(1, 1, Parsed("", "ab"), [Span(0, 1, "")] * 2, ["chk_a"] * 2, [{}, {}])


@pytest.mark.integration
async def test_two_processes_full_of_writers_do_not_trip_over_each_other(
    postgres_with_schema: str,
) -> None:
    databases = [Database(postgres_with_schema, exclusive=False) for _ in range(2)]
    for database in databases:
        await database.open()
    libraries = [await Library(database).open() for database in databases]
    here = await libraries[0].collections.create(new_id("c"))
    for library in libraries:
        library._here = here
    ids = [f"d{number}" for number in range(12)]

    async def post(library: Library, seed: int) -> None:
        chance = random.Random(seed)
        for number in range(6):
            posted = [source(id, f"{number}\n{seed}") for id in chance.sample(ids, 6)]
            await library.documents.accept(here.id, posted)

    async def delete(library: Library) -> None:
        for id in ids:
            if await library.documents.exists(here.id, id):
                with suppress(NotFound):
                    await library.documents.delete(here.id, id)

    async def work(library: Library) -> None:
        while lease := await library.jobs.lease("worker", 60):
            await library.build(lease)
            await library.publish(lease)

    async def purge(library: Library) -> None:
        for _ in range(6):
            await library.acknowledge()
            await library.documents.purge(grace_s=-1)

    await asyncio.gather(
        *(post(library, seed) for library in libraries for seed in range(2)),
        *(call(library) for library in libraries for call in (delete, work, work, purge)),
    )
    await asyncio.gather(*(work(library) for library in libraries))
    for library in libraries:
        for id in ids:
            if await library.documents.exists(here.id, id):
                document = await library.documents.get(here.id, id)
                (key,) = {c.document for c in await library.visible() if c.document_id == id}
                held = await library.chunks.of_documents(here.id, [key])
                assert texts(held[key]) == document.text.split("\n")
    for database in databases:
        await database.close()
