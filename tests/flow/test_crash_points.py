"""The process dies before or after any step; the next start brings everything in order.

Every call of the ingest to the store, the encoder and the indexes is a step. In the n-th run the
process "dies" at step n: that call and all later ones fail, and nothing is tidied up. What a client
was told before must hold after the next start, whatever n is.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ingesting import House, house

from app.domain.documents import Source
from app.domain.errors import NotFound, StorageUnavailable
from app.ingest.indexers import IndexersOptions
from app.ingest.pipeline import PipelineOptions
from retrievers.protocol import Resources
from retrievers.types import Chunk, CollectionId, DocumentKey

pytestmark = pytest.mark.anyio
NAMES = ("one", "two")
SMALL = PipelineOptions(documents=2, chunks=2, rows=2)
IDLE = IndexersOptions(idle_s=3600, flush_every_s=3600, gather_s=0)
Held = dict[CollectionId, dict[DocumentKey, tuple[int, ...]]]


class Shelf:
    """An index of ids. Its disk outlives it; what was not committed does not."""

    def __init__(self, name: str, disk: dict[str, Held]) -> None:
        self.name, self.fingerprint, self._disk = name, "shelf", disk
        self.held: Held = {}

    async def replace(
        self, collection: CollectionId, documents: Mapping[DocumentKey, Sequence[Chunk]]
    ) -> None:
        held = self.held.setdefault(collection, {})
        for key, chunks in documents.items():
            held.pop(key, None)
            if chunks:
                held[key] = tuple(chunk.id for chunk in chunks)

    async def commit(self, collection: CollectionId) -> None:
        self._disk.setdefault(self.name, {})[collection] = dict(self.held[collection])

    async def rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        found: dict[DocumentKey, list[Chunk]] = {}
        async for chunk in chunks:
            found.setdefault(chunk.document, []).append(chunk)
        self.held[collection] = {}
        await self.replace(collection, found)
        await self.commit(collection)

    async def open(self, collection: CollectionId) -> bool:
        if collection not in self._disk.get(self.name, {}):
            return False
        self.held[collection] = dict(self._disk[self.name][collection])
        return True

    async def drop(self, collection: CollectionId) -> None:
        self.held.pop(collection, None)
        self._disk.get(self.name, {}).pop(collection, None)

    async def close(self) -> None:
        pass


@dataclass
class Fate:
    """Counts the steps and ends the process at one of them."""

    at: int | None = None
    after: bool = False  # the step itself is still done
    steps: int = 0
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    def through(self, name: str, part: Any) -> Any:
        return Watched(part, self)

    async def step(self, work: Callable[[], Any]) -> Any:
        self._live()
        self.steps += 1
        if self.steps == self.at and not self.after:
            self.dead.set()
        self._live()
        result = await work()
        if self.steps == self.at and self.after:
            self.dead.set()
        self._live()
        return result

    def _live(self) -> None:
        if self.dead.is_set():
            raise StorageUnavailable("the process is dead")


class Watched:
    """A part whose every asynchronous call is a step."""

    def __init__(self, part: Any, fate: Fate) -> None:
        self._part, self._fate = part, fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if not asyncio.iscoroutinefunction(found):
            return found
        return lambda *args, **kwargs: self._fate.step(lambda: found(*args, **kwargs))


@dataclass
class Client:
    """Does some work and remembers what it was promised."""

    promised: dict[str, str | None] = field(default_factory=dict)  # id -> text; None: deleted
    open: dict[str, str | None] = field(default_factory=dict)  # asked for, not yet promised

    async def work(self, home: House) -> None:
        await self.put(home, {f"d{n}": f"Text {n}, first." for n in range(5)}, wait=True)
        await self.put(home, {"d1": "Text 1, second.", "d3": "Text 3, second."}, wait=False)
        await self.delete(home, "d2")
        await self.put(home, {"d1": "Text 1, third.", "d5": "Text 5, first."}, wait=True)
        await self.delete(home, "d3")
        await home.indexers.settle(home.here.id)
        await home.indexers.flush()
        await self.put(home, {"d2": "Text 2, again."}, wait=True)

    async def put(self, home: House, texts: Mapping[str, str], wait: bool) -> None:
        self.open = dict(texts)
        sources = [Source(id, "", "text/plain", text) for id, text in texts.items()]
        job = await home.ingest.accept(home.here, sources)
        self._promise()
        if wait:
            assert (await home.ingest.wait(job.id, 30)).status == "succeeded"

    async def delete(self, home: House, id: str) -> None:
        self.open = {id: None}
        await home.ingest.delete(home.here.id, id)
        self._promise()

    def _promise(self) -> None:
        self.promised |= self.open
        self.open = {}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, so that not every start has to make one."""
    folder = tmp_path_factory.mktemp("empty")

    async def make() -> None:
        async with house(folder, backends=lambda _: ()):
            pass

    asyncio.run(make())
    return folder


async def live_and_die(folder: Path, fate: Fate, disk: dict[str, Held]) -> Client:
    """One life of the process: to the end of the client's work, or to the step of its death."""
    client = Client()
    try:
        async with house(
            folder,
            pipeline=SMALL,
            indexing=IDLE,
            backends=lambda _: [Shelf(name, disk) for name in NAMES],
            through=fate.through,
        ) as home:
            work = asyncio.create_task(client.work(home))
            death = asyncio.create_task(fate.dead.wait())
            await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED)
            if not fate.dead.is_set():
                await work
                fate.dead.set()  # it dies after its work: nothing may be tidied up either
            work.cancel()
            await asyncio.gather(work, death, return_exceptions=True)
            await home.worker.close(grace_s=0)
    except StorageUnavailable:
        assert fate.dead.is_set()  # it died while it started
    return client


async def in_order(folder: Path, client: Client, disk: dict[str, Held]) -> None:
    """Start again and compare everything with what was promised."""
    shelves = [Shelf(name, disk) for name in NAMES]

    def backends(_: Resources) -> Sequence[Shelf]:
        return shelves

    async with house(folder, pipeline=SMALL, indexing=IDLE, backends=backends) as home:
        await home.indexers.rebuilt()
        for job in await home.jobs.page(None, 50):
            ended = await home.ingest.wait(job.id, 30)
            assert (ended.status, ended.failures) == ("succeeded", ())
        found = {}
        for id in {*client.promised, *client.open}:
            try:
                found[id] = (await home.documents.get(home.here.id, id)).text
            except NotFound:
                found[id] = None
        for id, text in found.items():
            allowed = {client.promised.get(id)} | (
                {client.open[id]} if id in client.open else set()
            )
            assert text in allowed, (id, text, allowed)
        await home.indexers.settle(home.here.id)
        await home.indexers.flush()
        assert [await home.marks.lag(name) for name in NAMES] == [0, 0]
        stored = [chunk async for chunk in home.chunks.everything(home.here.id)]
        visible = await home.chunks.get(home.here.id, [chunk.id for chunk in stored])
        texts = sorted(chunk.text for chunk in visible.values())
        assert texts == sorted(text for text in found.values() if text is not None)
        for shelf in shelves:
            held = [id for ids in shelf.held[home.here.id].values() for id in ids]
            assert sorted(held) == sorted(visible)
            assert disk[shelf.name][home.here.id] == shelf.held[home.here.id]


async def test_a_life_without_death_has_many_steps(empty: Path, tmp_path: Path) -> None:
    fate, disk = Fate(), dict[str, Held]()
    shutil.copytree(empty, tmp_path, dirs_exist_ok=True)
    client = await live_and_die(tmp_path, fate, disk)
    assert client.open == {}
    await in_order(tmp_path, client, disk)
    assert fate.steps > 80


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_death_at_any_step_breaks_no_promise(
    empty: Path, tmp_path: Path, after: bool, stride: int
) -> None:
    died = 1
    while True:
        folder = tmp_path / str(died)
        shutil.copytree(empty, folder)
        fate, disk = Fate(at=died, after=after), dict[str, Held]()
        client = await live_and_die(folder, fate, disk)
        await in_order(folder, client, disk)
        shutil.rmtree(folder)
        if fate.steps < died:
            break
        died += stride
    assert died > 80
