"""In-memory services: real implementations of what the edge calls, and an app over them."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from app.domain.answer import Answer, Citation, Usage
from app.domain.documents import Collection, Document, Source
from app.domain.errors import Conflict, NoEvidence, NotFound, StorageUnavailable
from app.domain.events import (
    ChannelSeen,
    Cited,
    Completed,
    Created,
    Delta,
    Listener,
    Planned,
    Retrieved,
    Selected,
    StepCompleted,
    StepStarted,
    unheard,
)
from app.domain.hit import Found, Hit, Standing
from app.domain.ids import new_id
from app.domain.jobs import Job
from app.domain.lfd import Probed
from app.domain.principal import Principal
from app.engine.request import Request
from app.generation.policy import LfdOptions, LfdPolicy
from app.generation.watch import NoServer, Proof
from app.main import create_app
from app.server import Server, Stated, opened
from app.settings import Settings
from app.store.answers import StoredAnswer
from app.store.documents import Stats
from app.store.jobs import Backlog
from app.store.keys import KeyInfo
from app.store.sources import SqlSource
from retrievers.filters import matches
from retrievers.protocol import Health
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Rows

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ADMIN, READER, WRITER, STRANGER = "admin-key", "reader-key", "writer-key", "stranger-key"


class FakeCollections:
    def __init__(self) -> None:
        self.by_name: dict[str, Collection] = {}
        self.next = 1

    async def create(self, name: str, description: str = "", language: str = "en") -> Collection:
        if name in self.by_name:
            raise Conflict(f"the collection {name!r} exists", "already-exists")
        made = Collection(CollectionId(self.next), name, THEN, "", language, description)
        self.next += 1
        self.by_name[name] = made
        return made

    async def get(self, name: str) -> Collection:
        if name not in self.by_name:
            raise NotFound(f"no collection {name!r}")
        return self.by_name[name]

    async def by_id(self, collection: CollectionId) -> Collection:
        for each in self.by_name.values():
            if each.id == collection:
                return each
        raise NotFound("no such collection")

    async def all(self) -> list[Collection]:
        return [self.by_name[name] for name in sorted(self.by_name)]

    async def delete(self, name: str) -> CollectionId:
        if name == "default":
            raise Conflict("`default` cannot be deleted")
        return self.by_name.pop(name).id


class FakeDocuments:
    def __init__(self) -> None:
        self.live: dict[tuple[int, str], Document] = {}

    async def get(self, collection: CollectionId, document_id: str) -> Document:
        try:
            return self.live[collection, document_id]
        except KeyError:
            raise NotFound(f"no document {document_id!r}") from None

    async def slice(self, collection: CollectionId, document_id: str, start: int, end: int) -> str:
        return (await self.get(collection, document_id)).text[start:end]

    async def page(
        self, collection: CollectionId, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[Document]:
        mine = [doc for (owner, _), doc in self.live.items() if owner == collection]
        places = sorted(mine, key=lambda doc: (doc.created_at, doc.id))
        beyond = [doc for doc in places if not after or (doc.created_at, doc.id) > after]
        return beyond[:limit]

    async def stats(self, collection: CollectionId) -> Stats:
        mine = [doc for (owner, _), doc in self.live.items() if owner == collection]
        return Stats(len(mine), len(mine), sum(len(doc.text) for doc in mine))


class FakeJobs:
    def __init__(self) -> None:
        self.all: dict[str, Job] = {}

    async def get(self, job_id: str) -> Job:
        if job_id not in self.all:
            raise NotFound("no such job")
        return self.all[job_id]

    async def page(
        self, collections: Any, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[Job]:
        mine = [
            job for job in self.all.values() if collections is None or job.collection in collections
        ]
        places = sorted(mine, key=lambda job: (job.created_at, job.id), reverse=True)
        return [job for job in places if not after or (job.created_at, job.id) < after][:limit]

    async def active(self, collection: CollectionId) -> Backlog:
        return Backlog(0, 0)


class FakeKeys:
    def __init__(self) -> None:
        self.holders = {
            ADMIN: Principal("key_admin", frozenset({"admin"}), frozenset({"*"})),
            READER: Principal("key_reader", frozenset({"read"}), frozenset({"default"})),
            WRITER: Principal("key_writer", frozenset({"read", "write"}), frozenset({"default"})),
            STRANGER: Principal("key_stranger", frozenset({"read", "write"}), frozenset({"other"})),
        }

    async def verify(self, secret: str) -> Principal | None:
        return self.holders.get(secret)

    async def create(self, scopes: Any, collections: Any, note: str = "") -> tuple[str, str]:
        key_id, secret = new_id("key"), f"anb_{len(self.holders):08d}_secret"
        self.holders[secret] = Principal(key_id, frozenset(scopes), frozenset(collections))
        return key_id, secret

    async def list(self) -> Sequence[KeyInfo]:
        return [
            KeyInfo(p.key_id, "anb_", p.scopes, p.collections, "", False, THEN, None)
            for p in self.holders.values()
        ]

    async def revoke(self, key_id: str) -> None:
        for secret, holder in self.holders.items():
            if holder.key_id == key_id:
                if holder.may("admin"):
                    raise Conflict("it is the last key that may administer")
                del self.holders[secret]
                return
        raise NotFound("no such key")


class FakeSources:
    def __init__(self) -> None:
        self.kept: dict[tuple[int, str], SqlSource] = {}

    async def create(
        self, collection: CollectionId, name: str, url: str, tables: Sequence[str] | None = None
    ) -> SqlSource:
        if (collection, name) in self.kept:
            raise Conflict(f"the source {name!r} exists", "already-exists")
        made = SqlSource(name, url, tuple(tables) if tables else None, THEN)
        self.kept[collection, name] = made
        return made

    async def all(self, collection: CollectionId) -> list[SqlSource]:
        return [source for (owner, _), source in self.kept.items() if owner == collection]

    async def get(self, collection: CollectionId, name: str) -> SqlSource:
        if (collection, name) not in self.kept:
            raise NotFound("no such source")
        return self.kept[collection, name]

    async def delete(self, collection: CollectionId, name: str) -> None:
        await self.get(collection, name)
        del self.kept[collection, name]


class FakeAnswers:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[StoredAnswer, Mapping[str, Any]]] = {}

    async def save(
        self,
        answer_id: str,
        collection: CollectionId,
        document: Mapping[str, Any],
        trace: Mapping[str, Any],
        key_id: str = "",
    ) -> None:
        stored = StoredAnswer(answer_id, collection, key_id, document, THEN)
        self.kept[answer_id] = stored, trace

    async def get(self, answer_id: str) -> StoredAnswer:
        if answer_id not in self.kept:
            raise NotFound("no such answer")
        return self.kept[answer_id][0]

    async def trace(self, answer_id: str) -> Mapping[str, Any]:
        await self.get(answer_id)
        return self.kept[answer_id][1]


@dataclass
class FakeIngest:
    """Indexes at once: the job has succeeded when it is returned."""

    collections: FakeCollections
    documents: FakeDocuments
    jobs: FakeJobs
    broken: bool = False
    leave_queued: bool = False
    received: list[Source] = field(default_factory=list)

    async def accept(self, collection: Collection, sources: Sequence[Source]) -> Job:
        if self.broken:
            raise StorageUnavailable("the disk is full")
        self.received.extend(sources)
        for source in sources:
            text = (
                source.text if source.content is None else source.content.decode(errors="replace")
            )
            held = self.documents.live.get((collection.id, source.id))
            self.documents.live[collection.id, source.id] = Document(
                source.id,
                collection.id,
                source.title,
                text,
                source.media_type,
                held.version + 1 if held else 1,
                source.metadata,
                THEN,
                THEN,
            )
        status = "queued" if self.leave_queued else "succeeded"
        finished = None if self.leave_queued else THEN
        job = Job(
            new_id("job"), "ingest", collection.id, status, "", len(sources), len(sources), None,
            1, False, (), 0, THEN, finished,
        )  # fmt: skip
        self.jobs.all[job.id] = job
        return job

    async def wait(self, job_id: str, seconds: float) -> Job:
        return await self.jobs.get(job_id)

    async def cancel(self, job_id: str) -> Job:
        job = await self.jobs.get(job_id)
        if job.status in ("queued", "running"):
            self.jobs.all[job_id] = replace(job, status="cancelled", finished_at=THEN)
        return self.jobs.all[job_id]

    async def delete(self, collection: CollectionId, document_id: str) -> None:
        await self.documents.get(collection, document_id)
        del self.documents.live[collection, document_id]

    async def delete_collection(self, name: str) -> None:
        await self.collections.delete(name)


@dataclass
class FakeSearch:
    """Finds documents that share a word with the query."""

    documents: FakeDocuments
    down: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def search(
        self,
        collection: CollectionId,
        text: str,
        top_k: int = 10,
        retrievers: Any = None,
        strategy: str = "auto",
        filter: Any = None,
    ) -> Found:
        self.asked.append({"retrievers": retrievers, "strategy": strategy, "filter": filter})
        if self.down:
            raise NoEvidence("no retriever could answer (vector: timeout)")
        words = set(text.lower().split())
        hits = []
        for number, ((owner, _), doc) in enumerate(sorted(self.documents.live.items())):
            if owner != collection or not words & set(doc.text.lower().split()):
                continue
            if not matches(filter, doc.metadata):
                continue
            chunk = Chunk(
                ChunkId(number), f"chk_{number}", DocumentKey(number), doc.id, doc.title, "",
                doc.text, 0, len(doc.text), 0, {**doc.metadata, "$title": doc.title},
            )  # fmt: skip
            evidence = Evidence(chunk.key, "vector", 0.5, chunk)
            hits.append(Hit(evidence, 0.5, {"vector": Standing(len(hits) + 1, 0.5)}))
        if "rows" in words:
            rows = Rows("shop", "SELECT 1", ("n",), ((1,),))
            hits.append(Hit(Evidence("row", "sql", 0.9, rows), 0.9, {"sql": Standing(1, 0.9)}))
        return Found(tuple(hits[:top_k]), "single", (), {})


@dataclass
class FakeAsk:
    search: FakeSearch
    asked: list[Request] = field(default_factory=list)

    async def ask(
        self, collection: CollectionId, request: Request, listen: Listener = unheard
    ) -> Answer:
        self.asked.append(request)
        id, question = new_id("ans"), request.question
        listen(Created(id, question, request.reasoning))
        listen(Planned({"decision": "direct"}, None))
        listen(StepStarted("0", question))
        found = await self.search.search(collection, question, request.top_k, filter=request.filter)
        listen(Retrieved("0", 1, question, [ChannelSeen("vector", "ok", len(found.hits), 1.0)]))
        listen(StepCompleted("0", "resolved", None, "single"))
        listen(Selected(found.hits))
        text, citations = "The evidence does not hold the answer.", ()
        if found.hits and (chunk := found.hits[0].chunk):
            text = f"{chunk.text} [1]"
            citations = (
                Citation(
                    "[1]", 0, len(chunk.text), chunk.document_id, chunk.key, chunk.start,
                    chunk.end, chunk.text,
                ),
            )  # fmt: skip
        listen(Delta(text))
        for citation in citations:
            listen(Cited(citation))
        answer = Answer(
            id, question, "answered" if citations else "unanswerable", text, None,
            citations, found.hits, None, (), Usage(took_ms=1.0), "extractive", THEN, {"rounds": []},
        )  # fmt: skip
        listen(Completed(answer))
        return answer


class FakeTables:
    async def probe(self, spec: Any) -> None:
        if "missing" in spec.url:
            from retrievers.errors import RetrieverUnavailable

            raise RetrieverUnavailable("the file does not exist; check the path")


@dataclass
class Services:
    collections: FakeCollections
    documents: FakeDocuments
    jobs: FakeJobs
    keys: FakeKeys
    sources: FakeSources
    answers: FakeAnswers
    ingest: FakeIngest
    search: FakeSearch
    ask: FakeAsk
    sql: FakeTables
    components: dict[str, Health]
    model: str | None = None
    lfd: LfdPolicy = field(default_factory=lambda: lfd())

    async def health(self) -> Mapping[str, Health]:
        return self.components


@dataclass
class Proven:
    """What a probe has found."""

    last: Probed
    known: bool = True

    async def first(self, seconds: float) -> Probed:
        return self.last


def lfd(proof: Proof | None = None, mode: Any = "auto") -> LfdPolicy:
    """The wishes' policy; by default no model is configured."""
    return LfdPolicy(proof or NoServer(), LfdOptions(mode, 0.1, 1.0, 1))


async def make_services() -> Services:
    collections, documents, jobs = FakeCollections(), FakeDocuments(), FakeJobs()
    search = FakeSearch(documents)
    services = Services(
        collections, documents, jobs, FakeKeys(), FakeSources(), FakeAnswers(),
        FakeIngest(collections, documents, jobs), search, FakeAsk(search), FakeTables(),
        {"database": Health("ok"), "vector": Health("ok"), "fulltext": Health("ok")},
    )  # fmt: skip
    await services.collections.create("default")
    await services.collections.create("other")
    return services


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **{"data_dir": Path(__file__).parent, **given})


@asynccontextmanager
async def serving(services: Services, key: str | None = ADMIN, **given: Any) -> AsyncIterator[Any]:
    """An HTTP client of the application; no socket is opened."""

    @asynccontextmanager
    async def build(_: Settings) -> AsyncIterator[Services]:
        yield services

    app = create_app(settings(**given), build)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with opened(app) as state:
        transport = httpx.ASGITransport(Stated(app, state))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers=headers
        ) as client:
            client.app = app
            yield client


@contextmanager
def live(services: Services, **given: Any) -> Iterator[str]:
    """The application on a free port of loopback, in a thread of its own; yields its URL."""
    # Bound here: connections wait in the backlog until the thread accepts them.
    door = socket.create_server(("127.0.0.1", 0))
    servers: list[Server] = []
    made = threading.Event()

    @asynccontextmanager
    async def build(_: Settings) -> AsyncIterator[Services]:
        yield services

    async def main() -> None:
        app = create_app(settings(**given), build)
        async with opened(app) as state:
            config = uvicorn.Config(
                Stated(app, state), lifespan="off", log_config=None, access_log=False
            )
            servers.append(Server(config))
            made.set()
            await servers[0].serve([door])

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}"
    # A test that asked nothing may be over before the thread has made its server.
    made.wait(30)
    servers[0].should_exit = True
    thread.join(10)
