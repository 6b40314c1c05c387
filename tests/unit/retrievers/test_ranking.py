"""From raw hits to evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from retrievers.ranking import SPARE, WIDEST_TIE, rank
from retrievers.types import Chunk, ChunkId
from tests.fakes import HERE, Shelf

pytestmark = pytest.mark.anyio


class Hits:
    """An index that gives the best n of fixed scores, in the order of insertion."""

    def __init__(self, scores: Mapping[ChunkId, float]) -> None:
        self._scores = sorted(scores.items(), key=lambda item: -item[1])
        self.asked: list[int] = []

    async def best(self, n: int) -> Mapping[ChunkId, float]:
        self.asked.append(n)
        return dict(self._scores[:n])


def _shelf(count: int) -> Shelf:
    shelf = Shelf()
    for number in range(count):
        shelf.put(f"d{number}", f"text {number}")
    return shelf


async def _rank(shelf: Shelf, hits: Hits, k: int) -> list[tuple[str, float]]:
    async def alive(ids: Collection[ChunkId]) -> Mapping[ChunkId, Chunk]:
        return await shelf.get(HERE, ids)

    return [(e.key, e.score) for e in await rank("test", k, hits.best, alive)]


async def test_one_fetch_is_enough_where_all_are_alive_and_differ() -> None:
    shelf = _shelf(100)
    hits = Hits({chunk.id: 1 / chunk.id for chunk in shelf.chunks()})
    ranked = await _rank(shelf, hits, 10)
    assert [key for key, _ in ranked] == [chunk.key for chunk in shelf.chunks()[:10]]
    assert hits.asked == [10 + SPARE]


async def test_scores_equal_to_six_digits_are_ties() -> None:
    shelf = _shelf(2)
    first, second = sorted(shelf.chunks(), key=lambda chunk: chunk.key)
    hits = Hits({first.id: 0.1234567, second.id: 0.1234568})
    assert await _rank(shelf, hits, 2) == [(first.key, 0.123457), (second.key, 0.123457)]


async def test_a_tie_at_the_cut_is_settled_by_key_however_wide() -> None:
    shelf = _shelf(500)
    hits = Hits({chunk.id: 1.0 for chunk in shelf.chunks()})
    ranked = await _rank(shelf, hits, 5)
    assert [key for key, _ in ranked] == sorted(chunk.key for chunk in shelf.chunks())[:5]


async def test_a_tie_without_end_is_given_up() -> None:
    shelf = _shelf(2 * WIDEST_TIE + 100)
    hits = Hits({chunk.id: 1.0 for chunk in shelf.chunks()})
    assert len(await _rank(shelf, hits, 5)) == 5
    assert max(hits.asked) < 2 * WIDEST_TIE


async def test_dead_hits_are_made_up_for() -> None:
    shelf = _shelf(1_000)
    hits = Hits({chunk.id: 1 / chunk.id for chunk in shelf.chunks()})
    for number in range(900):
        shelf.delete(f"d{number}")
    ranked = await _rank(shelf, hits, 10)
    assert [key for key, _ in ranked] == [chunk.key for chunk in shelf.chunks()[:10]]
    assert len(hits.asked) < 8


async def test_when_all_is_dead_nothing_is_found() -> None:
    shelf = _shelf(50)
    hits = Hits({chunk.id: 1.0 for chunk in shelf.chunks()})
    for number in range(50):
        shelf.delete(f"d{number}")
    assert await _rank(shelf, hits, 10) == []
