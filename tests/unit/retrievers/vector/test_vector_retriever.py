"""The FAISS retriever around its table: vectors for selection, upkeep, and what may go wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from retrievers.embedders.hashing import HashingEmbedder
from retrievers.errors import RetrieverUnavailable
from retrievers.protocol import Matrix, Resources
from retrievers.types import ChunkId, Query
from retrievers.vector.faiss import FaissOptions, FaissRetriever
from tests.fakes import ELSEWHERE, HERE, Shelf

pytestmark = pytest.mark.anyio
DIMENSION = 64


class Stretched(HashingEmbedder):
    """Gives vectors of another length than it says."""

    async def queries(self, texts: Sequence[str]) -> Matrix:
        return np.ones((len(texts), DIMENSION + 1), np.float32)


class Lossy(HashingEmbedder):
    """Loses a passage."""

    async def passages(self, texts: Sequence[str]) -> Matrix:
        return (await super().passages(texts))[1:]


def _shelf(count: int) -> Shelf:
    shelf = Shelf()
    for number in range(count):
        shelf.put(f"d{number}", f"heron {number} stands in reed bed {number % 7}", f"H{number}")
    return shelf


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Any]:
    made: list[FaissRetriever] = []

    def make(shelf: Shelf, embedder: Any = None, **options: Any) -> FaissRetriever:
        resources = Resources(tmp_path, embedder or HashingEmbedder(DIMENSION), shelf)
        made.append(FaissRetriever(resources, FaissOptions(**options)))
        return made[-1]

    yield make
    for retriever in made:
        await retriever.close()


def _facts(folder: Path) -> dict[str, int]:
    (manifest,) = folder.rglob("manifest.json")
    facts: dict[str, int] = json.loads(manifest.read_bytes())["facts"]
    return facts


@pytest.mark.parametrize("flat_up_to", [10**6, 8], ids=["flat", "clustered"])
async def test_vectors_come_whole_and_in_the_order_asked(make: Any, flat_up_to: int) -> None:
    shelf = _shelf(40)
    retriever = make(shelf, flat_up_to=flat_up_to)
    await retriever.replace(HERE, shelf.documents())
    await retriever.commit(HERE)
    chunks = shelf.chunks()[::-3]
    wanted = [chunk.id for chunk in chunks]
    rows = await retriever.vectors(HERE, [*wanted, ChunkId(10**9)])
    whole = await HashingEmbedder(DIMENSION).passages([chunk.embed_text for chunk in chunks])
    np.testing.assert_array_equal(rows[:-1], whole)
    assert not rows[-1].any()


async def test_a_collection_without_vectors_gives_zero_rows(make: Any) -> None:
    retriever = make(Shelf())
    assert (await retriever.vectors(HERE, [ChunkId(1), ChunkId(2)])).tolist() == [
        [0.0] * DIMENSION
    ] * 2
    assert (await retriever.vectors(HERE, [])).shape == (0, DIMENSION)


async def test_a_question_s_vector_of_another_length_is_refused(make: Any) -> None:
    shelf = _shelf(3)
    retriever = make(shelf, Stretched(DIMENSION))
    await retriever.replace(HERE, shelf.documents())
    with pytest.raises(RetrieverUnavailable, match=r"\(1, 65\).* 64"):
        await retriever.search(Query(HERE, "heron"), 3)


async def test_a_passage_without_a_vector_stops_the_batch(make: Any) -> None:
    shelf = _shelf(3)
    retriever = make(shelf, Lossy(DIMENSION))
    with pytest.raises(RetrieverUnavailable, match="3 texts"):
        await retriever.replace(HERE, shelf.documents())


async def test_a_collection_that_outgrows_the_exact_index_is_clustered_at_the_commit(
    make: Any, tmp_path: Path
) -> None:
    shelf = _shelf(60)
    retriever = make(shelf, flat_up_to=50)
    await retriever.replace(HERE, shelf.documents())
    await retriever.commit(HERE)
    assert _facts(tmp_path)["trained"] == 60
    assert _facts(tmp_path)["nprobe"] >= 1
    reopened = make(shelf, flat_up_to=50)
    assert await reopened.open(HERE)
    question = Query(HERE, "heron 17 reed bed 3")
    assert await reopened.search(question, 10) == await retriever.search(question, 10)


async def test_a_worn_clustered_index_is_made_anew_from_the_truth(
    make: Any, tmp_path: Path
) -> None:
    shelf = _shelf(200)
    retriever = make(shelf, flat_up_to=50)
    await retriever.replace(HERE, shelf.documents())
    await retriever.commit(HERE)
    await retriever.replace(HERE, {shelf.delete(f"d{number}"): [] for number in range(60)})
    await retriever.commit(HERE)
    facts = _facts(tmp_path)
    assert (facts["count"], facts["trained"], facts["removed"]) == (140, 140, 0)
    found = await retriever.search(Query(HERE, "heron 150"), 200)
    assert len(found) == 140


async def test_a_clustered_index_that_shrank_becomes_exact_again(make: Any, tmp_path: Path) -> None:
    shelf = _shelf(60)
    retriever = make(shelf, flat_up_to=50)
    await retriever.replace(HERE, shelf.documents())
    await retriever.commit(HERE)
    await retriever.replace(HERE, {shelf.delete(f"d{number}"): [] for number in range(45)})
    await retriever.commit(HERE)
    assert _facts(tmp_path)["trained"] == 0


async def test_a_rebuild_clusters_as_it_goes(make: Any, tmp_path: Path) -> None:
    shelf = _shelf(700)
    retriever = make(shelf, flat_up_to=100)
    await retriever.rebuild(HERE, shelf.everything())
    facts = _facts(tmp_path)
    assert facts["count"] == 700
    assert 100 < facts["trained"] < 700


async def test_searches_and_changes_at_once_see_only_whole_states(make: Any) -> None:
    shelf = _shelf(120)
    retriever = make(shelf)
    documents = shelf.documents()
    await retriever.replace(HERE, documents)

    async def change() -> None:
        for key, chunks in list(documents.items())[:60]:
            await retriever.replace(HERE, {key: []})
            await retriever.replace(HERE, {key: chunks})
        await retriever.commit(HERE)

    async def ask() -> None:
        for number in range(60):
            found = await retriever.search(Query(HERE, f"heron {number}"), 200)
            assert 119 <= len(found) <= 120

    await asyncio.gather(change(), ask(), ask())
    assert len(await retriever.search(Query(HERE, "heron"), 200)) == 120


async def test_collections_do_not_wait_for_each_other(make: Any) -> None:
    shelf = _shelf(5)
    shelf.put("a", "A bittern booms.", collection=ELSEWHERE)
    retriever = make(shelf)
    go_on = asyncio.Event()

    async def endless() -> AsyncIterator[Any]:
        async for chunk in shelf.everything():
            await go_on.wait()
            yield chunk

    rebuilding = asyncio.create_task(retriever.rebuild(HERE, endless()))
    await retriever.replace(ELSEWHERE, shelf.documents(ELSEWHERE))
    await retriever.commit(ELSEWHERE)
    assert len(await retriever.search(Query(ELSEWHERE, "bittern"), 5)) == 1
    go_on.set()
    await rebuilding
    assert len(await retriever.search(Query(HERE, "heron"), 10)) == 5


async def test_a_gpu_that_is_absent_is_said_before_any_question(make: Any) -> None:
    if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus():
        pytest.skip("there is a GPU")
    retriever = make(Shelf(), device="gpu")
    health = await retriever.health()
    assert health.status == "down"
    assert "gpu" in health.detail
    with pytest.raises(RetrieverUnavailable, match="gpu"):
        await retriever.open(HERE)


async def test_a_full_disk_keeps_the_change_for_the_next_commit(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shelf = _shelf(5)
    retriever = make(shelf)
    await retriever.replace(HERE, shelf.documents())
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(RetrieverUnavailable, match="No space left"):
            await retriever.commit(HERE)
    assert len(await retriever.search(Query(HERE, "heron"), 10)) == 5
    await retriever.commit(HERE)
    assert await make(shelf).open(HERE)
    assert _facts(tmp_path)["count"] == 5  # of the only generation
