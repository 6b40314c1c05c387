from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrievers.embedders.hashing import HashingEmbedder
from retrievers.errors import RetrieverUnavailable
from retrievers.filters import Compare
from retrievers.graph.csr import GraphRetriever
from retrievers.protocol import Resources
from retrievers.types import Chunk, ChunkId, Evidence, Query
from tests.fakes import ELSEWHERE, HERE, Shelf

pytestmark = pytest.mark.anyio

QUESTION = Query(HERE, "Where was the painter of Dark Lake born?")


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf()
    shelf.put("lake", "Dark Lake was painted by Max Orme.", "Dark Lake", {"kind": "picture"})
    shelf.put("orme", "Max Orme was born in Kell.", "Max Orme", {"kind": "person"})
    shelf.put("kell", "Kell is a town.", "Kell", {"kind": "place"})
    shelf.put("fern", "Ferns are plants.", "Ferns", {"kind": "plant"})
    return shelf


@pytest.fixture
async def graph(shelf: Shelf, tmp_path: Path) -> AsyncIterator[GraphRetriever]:
    retriever = GraphRetriever(Resources(tmp_path, HashingEmbedder(), shelf))
    await retriever.replace(HERE, shelf.documents())
    yield retriever
    await retriever.close()


def names(found: Sequence[Evidence]) -> list[str]:
    return [e.origin.document_id for e in found if isinstance(e.origin, Chunk)]


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_a_walk_from_the_named_entity_reaches_what_it_leads_to(graph: GraphRetriever) -> None:
    assert names(await graph.search(QUESTION, 10)) == ["lake", "orme", "kell"]


async def test_a_question_that_names_nothing_known_finds_nothing(graph: GraphRetriever) -> None:
    assert await graph.search(Query(HERE, "what is it?"), 10) == []


async def test_seeds_start_a_walk_that_the_text_does_not(
    graph: GraphRetriever, shelf: Shelf
) -> None:
    kell = next(chunk for chunk in shelf.chunks() if chunk.document_id == "kell")
    found = await graph.search(replace(QUESTION, text="what is it?", seeds={kell.id: 1.0}), 10)
    assert names(found)[0] == "kell"
    assert "orme" in names(found)


async def test_seeds_that_are_not_indexed_yet_are_no_seeds(graph: GraphRetriever) -> None:
    assert await graph.search(Query(HERE, "what is it?", seeds={ChunkId(99): 1.0}), 10) == []


async def test_a_filter_hides_what_the_walk_passes_through(graph: GraphRetriever) -> None:
    only = replace(QUESTION, filter=Compare("kind", "eq", "place"))
    assert names(await graph.search(only, 10)) == ["kell"]
    none = replace(QUESTION, filter=Compare("kind", "eq", "star"))
    assert await graph.search(none, 10) == []


async def test_the_profile_knows_candidates_the_walk_never_reached(
    graph: GraphRetriever, shelf: Shelf
) -> None:
    ids = [chunk.id for chunk in shelf.chunks()]
    profile = await graph.profile(QUESTION, ids)
    assert profile.proximity[0] == 1
    assert np.count_nonzero(profile.proximity) == 3
    assert profile.linked == ("dark lake",)


async def test_a_collection_without_an_index_has_an_empty_profile(graph: GraphRetriever) -> None:
    profile = await graph.profile(replace(QUESTION, collection=ELSEWHERE), [ChunkId(1)])
    assert profile.covers.shape[0] == 1
    assert profile.specificity == 0


async def test_health_says_how_many_entities_passages_have(graph: GraphRetriever) -> None:
    health = await graph.health()
    assert (health.status, health.detail) == ("ok", "1.5 entities per passage")


async def test_removed_passages_leave_memory_and_disk_with_the_next_commit(
    graph: GraphRetriever, shelf: Shelf, tmp_path: Path
) -> None:
    shelf.put("long", "Zanzibar " + "padding words " * 10_000, "Zanzibar")
    await graph.replace(HERE, shelf.documents())
    await graph.commit(HERE)
    await graph.replace(HERE, {shelf.delete("long"): []})
    await graph.commit(HERE)
    assert not any(b"zanzibar" in content for content in contents(tmp_path))
    assert names(await graph.search(QUESTION, 10)) == ["lake", "orme", "kell"]
    shelf.put("lund", "Max Orme lived in Lund.", "Lund")
    await graph.replace(HERE, shelf.documents())
    assert "lund" in names(await graph.search(QUESTION, 10))


async def test_a_chunk_whose_candidates_are_gone_is_read_again(tmp_path: Path) -> None:
    shelf = Shelf()
    for name in ("one", "two"):
        shelf.put(name, f"Saint Ann is on page {name}.")
    retriever = GraphRetriever(Resources(tmp_path, HashingEmbedder(), Shelf()))
    await retriever.replace(HERE, shelf.documents())
    health = await retriever.health()
    await retriever.close()
    assert health.detail == "1.0 entities per passage"


async def test_a_full_disk_is_no_bug(graph: GraphRetriever, tmp_path: Path) -> None:
    (tmp_path / "indexes").write_text("a file where the folder should be")
    with pytest.raises(RetrieverUnavailable):
        await graph.commit(HERE)
    (tmp_path / "indexes").unlink()
