"""Any order of writes, applications, flushes, rebuilds and crashes ends with an equal index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from itertools import count

import pytest
from fakes import HERE, Shelf
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.ingest import indexer as module
from app.ingest.indexer import Indexer
from app.ingest.indexers import Indexers, IndexersOptions
from app.store.stale import Mark
from retrievers.errors import RetrieverUnavailable
from retrievers.types import Chunk, CollectionId, DocumentKey

KEYS = st.sampled_from(["a", "b", "c", "d"])


class Truth(Shelf):
    """Chunks with marks, as the store keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[DocumentKey, str] = {}
        self._tokens = count()

    def write(self, id: str, text: str) -> None:
        self._mark(self.put(id, text))

    def remove(self, id: str) -> None:
        self._mark(self.delete(id))

    def _mark(self, key: DocumentKey) -> None:
        self.marks[key] = str(next(self._tokens))

    async def of_documents(
        self, collection: CollectionId, documents: Collection[DocumentKey]
    ) -> Mapping[DocumentKey, Sequence[Chunk]]:
        found = self.documents(collection)
        return {key: found[key] for key in documents if key in found}

    async def read(
        self,
        projection: str,
        collection: CollectionId,
        limit: int,
        after: int = 0,
        among: Collection[DocumentKey] | None = None,
    ) -> list[Mark]:
        wanted = sorted(
            key for key in self.marks if key > after and (among is None or key in among)
        )
        return [Mark(key, self.marks[key]) for key in wanted[:limit]]

    async def acknowledge(self, projection: str, marks: Sequence[Mark]) -> None:
        for mark in marks:
            if self.marks.get(mark.document) == mark.token:
                del self.marks[mark.document]

    async def clear(self, projection: str, collection: CollectionId) -> None:
        self.marks.clear()


class Index:
    """Holds texts; only what was committed survives a crash."""

    name, fingerprint = "index", "1"

    def __init__(self) -> None:
        self.held: dict[DocumentKey, tuple[str, ...]] = {}
        self.disk: dict[DocumentKey, tuple[str, ...]] | None = None
        self.broken = False
        self.committed = asyncio.Event()

    async def replace(
        self, collection: CollectionId, documents: Mapping[DocumentKey, Sequence[Chunk]]
    ) -> None:
        if self.broken:
            raise RetrieverUnavailable("broken")
        for key, chunks in documents.items():
            self.held.pop(key, None)
            if chunks:
                self.held[key] = tuple(chunk.text for chunk in chunks)

    async def commit(self, collection: CollectionId) -> None:
        if self.broken:
            raise RetrieverUnavailable("broken")
        self.disk = dict(self.held)
        self.committed.set()

    async def rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        self.held = {}
        async for chunk in chunks:
            self.held[chunk.document] = (*self.held.get(chunk.document, ()), chunk.text)
        await self.commit(collection)

    async def open(self, collection: CollectionId) -> bool:
        if self.broken:
            raise RetrieverUnavailable("broken")
        self.held = dict(self.disk or {})
        return self.disk is not None

    async def drop(self, collection: CollectionId) -> None:
        self.held, self.disk = {}, None

    async def close(self) -> None:
        pass


class History(RuleBasedStateMachine):
    """Writers, an indexer whose steps come in any order, and crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.truth, self.index = Truth(), Index()
        self.indexer = Indexer(self.index, self.truth, self.truth)

    def teardown(self) -> None:
        self.loop.run_until_complete(self._settled())
        self.loop.close()

    @rule(id=KEYS, text=st.sampled_from(["x", "y\n\nz"]))
    def write(self, id: str, text: str) -> None:
        self.truth.write(id, text)

    @rule(id=KEYS)
    def remove(self, id: str) -> None:
        if any(c.document_id == id for c in self.truth.chunks()):
            self.truth.remove(id)

    @rule()
    def apply(self) -> None:
        self.loop.run_until_complete(self.indexer.apply(HERE))

    @rule(id=KEYS)
    def apply_one(self, id: str) -> None:
        keys = {c.document for c in self.truth.chunks() if c.document_id == id}
        self.loop.run_until_complete(self.indexer.apply(HERE, keys))
        for key in keys:
            assert self.index.held[key] == tuple(c.text for c in self.truth.documents()[key])

    @rule()
    def flush(self) -> None:
        self.loop.run_until_complete(self.indexer.flush(HERE))

    @rule(id=KEYS)
    def write_during_a_flush(self, id: str) -> None:
        async def both() -> None:
            commit = self.index.commit

            async def slow(collection: CollectionId) -> None:
                await commit(collection)
                self.truth.write(id, "w")
                await self.indexer.apply(HERE)

            self.index.commit = slow
            await self.indexer.flush(HERE)
            del self.index.commit

        self.loop.run_until_complete(both())

    @rule()
    def rebuild(self) -> None:
        self.loop.run_until_complete(self.indexer.rebuild(HERE))

    @rule()
    def open_again(self) -> None:
        self.loop.run_until_complete(self.indexer.open(HERE))

    @rule()
    def crash(self) -> None:
        self.index.held = {}
        self.indexer = Indexer(self.index, self.truth, self.truth)

    @rule()
    def lose_the_disk(self) -> None:
        self.index.disk = None
        self.crash()

    @invariant()
    def what_is_not_marked_is_durable(self) -> None:
        """Whatever happens now, no mark is missing."""
        if self.index.disk is None:
            return
        documents = self.truth.documents()
        for key in {*documents, *self.index.disk} - set(self.truth.marks):
            texts = tuple(chunk.text for chunk in documents.get(key, ()))
            assert self.index.disk.get(key, ()) == texts

    async def _settled(self) -> None:
        await self.indexer.apply(HERE)
        await self.indexer.flush(HERE)
        assert self.truth.marks == {}
        wanted = {
            key: tuple(chunk.text for chunk in chunks)
            for key, chunks in self.truth.documents().items()
        }
        assert self.index.held == self.index.disk == wanted


History.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestHistory = History.TestCase


@pytest.mark.anyio
async def test_many_marks_are_read_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    truth, index = Truth(), Index()
    indexer = Indexer(index, truth, truth)
    for number in range(10):
        truth.write(f"d{number}", "x")
    await indexer.open(HERE)
    await indexer.rebuild(HERE)
    assert (len(index.held), truth.marks) == (10, {})
    for number in range(10):
        truth.write(f"d{number}", "y")
    assert await indexer.apply(HERE) == 10
    truth.write("d0", "z")
    assert await indexer.apply(HERE) == 1  # those applied and not yet durable are passed over


@pytest.mark.anyio
async def test_a_broken_index_does_not_keep_the_others_waiting() -> None:
    truth, other = Truth(), Truth()
    good, bad = Index(), Index()
    indexers = Indexers(
        [Indexer(bad, truth, truth), Indexer(good, other, truth)],
        IndexersOptions(gather_s=0, retry_s=0, idle_s=0),
    )
    await indexers.start([HERE])
    await indexers.rebuilt()
    bad.broken = True
    truth.write("a", "x")
    other.marks |= truth.marks
    with pytest.raises(RetrieverUnavailable):
        await indexers.settle(HERE)
    assert good.held
    assert truth.marks
    bad.broken = False
    bad.committed.clear()
    indexers.changed(HERE)
    await asyncio.wait_for(bad.committed.wait(), 5)
    await indexers.flush()
    assert truth.marks == other.marks == {}
    assert bad.held == bad.disk == good.disk
    await indexers.close()


@pytest.mark.anyio
async def test_a_rebuild_is_tried_until_it_works_and_says_so() -> None:
    truth, index = Truth(), Index()
    indexers = Indexers([Indexer(index, truth, truth)], IndexersOptions(retry_s=0))
    truth.write("a", "x")
    index.broken = True
    await indexers.start([HERE])  # though nothing can be read or written
    assert indexers.rebuilding == [("index", HERE)]
    index.broken = False
    await indexers.rebuilt()
    assert indexers.rebuilding == []
    assert index.disk
    await indexers.close()
