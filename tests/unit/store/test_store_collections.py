"""Collections."""

from __future__ import annotations

import pytest
from store_library import Library, source

from app.domain.errors import Conflict, NotFound
from app.store.collections import Collections
from app.store.jobs import LeaseLost
from retrievers.types import CollectionId

pytestmark = pytest.mark.anyio


async def test_a_created_collection_is_found_by_name_and_id(library: Library) -> None:
    made = await library.collections.create("wiki", "Encyclopaedia", "de")
    assert made.created_at == library.watch.now
    assert await library.collections.get("wiki") == made
    assert await library.collections.by_id(made.id) == made
    assert made in await Collections(library.database).all()


async def test_a_name_is_given_once(library: Library) -> None:
    await library.collections.create("wiki")
    with pytest.raises(Conflict) as refused:
        await library.collections.create("wiki")
    assert refused.value.code == "already-exists"


async def test_the_default_collection_is_made_once_and_cannot_be_deleted(library: Library) -> None:
    assert await library.collections.ensure("default") == library.here
    with pytest.raises(Conflict, match="always exists"):
        await library.collections.delete("default")


async def test_unknown_collections_are_not_found(library: Library) -> None:
    with pytest.raises(NotFound):
        await library.collections.get("absent")
    with pytest.raises(NotFound):
        await library.collections.by_id(CollectionId(4711))
    with pytest.raises(NotFound):
        await library.collections.delete("absent")


async def test_a_deleted_collection_is_gone_at_once_and_its_name_is_free(library: Library) -> None:
    old = await library.collections.create("wiki")
    assert await library.collections.get("wiki") == old
    await library.collections.delete("wiki")
    with pytest.raises(NotFound):
        await library.collections.get("wiki")
    with pytest.raises(NotFound):
        await library.collections.by_id(old.id)
    new = await library.collections.create("wiki")
    assert new.id != old.id
    assert await library.collections.deleted() == [old.id]


async def test_deleting_hides_chunks_documents_and_jobs_and_stops_the_worker(
    library: Library,
) -> None:
    library._here = await library.collections.create("wiki")
    await library.post(source("a", "alpha"))
    (alpha,) = await library.visible()
    lease = await library.write(source("b", "beta"))
    await library.collections.delete("wiki")
    assert await library.chunks.get(library.here.id, [alpha.id]) == {}
    assert await library.everything() == []
    with pytest.raises(NotFound):
        await library.jobs.get(lease.job.id)
    with pytest.raises(LeaseLost):
        await library.publish(lease)
    with pytest.raises(NotFound):
        await library.documents.accept(library.here.id, [source("c", "gamma")])
    assert await library.jobs.lease("worker", 60) is None


async def test_purging_removes_all_rows_of_a_deleted_collection_and_no_others(
    library: Library,
) -> None:
    await library.post(source("keep", "kept"))
    default = library.here
    library._here = await library.collections.create("wiki")
    await library.post(*(source(f"d{n}", f"text {n}\nmore") for n in range(5)))
    gone = await library.collections.delete("wiki")
    rounds = 1
    while not await library.collections.purge_deleted(gone, limit=2):
        rounds += 1
    assert rounds == 4
    assert await library.collections.deleted() == []
    library._here = default
    assert [chunk.text for chunk in await library.visible()] == ["kept"]


async def test_purging_leaves_a_living_collection_alone(library: Library) -> None:
    await library.post(source("a", "alpha"))
    assert await library.collections.purge_deleted(library.here.id)
    assert len(await library.visible()) == 1


async def test_a_collection_keeps_the_embedder_of_its_first_document(library: Library) -> None:
    collections, here = library.collections, library.here.id
    assert (await collections.bind_embedder(here, "minilm@1")).embedder == "minilm@1"
    assert (await collections.bind_embedder(here, "minilm@1")).embedder == "minilm@1"
    with pytest.raises(Conflict, match="minilm@1") as refused:
        await collections.bind_embedder(here, "other@2")
    assert refused.value.code == "embedding-model-mismatch"
