"""A small library over the store: posts, builds and publishes documents as a worker would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.domain.documents import Collection, Parsed, Source, Span
from app.domain.ids import chunk_key
from app.store.chunks import StoredChunks
from app.store.collections import Collections
from app.store.documents import Built, Documents, Pending
from app.store.jobs import Jobs, Lease
from app.store.session import Database
from app.store.stale import StaleMarks
from retrievers.types import Chunk, DocumentKey

PROJECTIONS = ("vector", "fulltext")


@dataclass
class Watch:
    """A clock that tests move."""

    now: datetime = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def source(
    id: str, text: str = "", title: str = "", metadata: Mapping[str, object] | None = None
) -> Source:
    return Source(id, title, "text/plain", text, metadata=metadata or {})


def build(pending: Pending, parsed: Parsed | None = None, context: str = "") -> Built:
    """Cuts the text into its lines; every word is an entity candidate."""
    parsed = parsed or Parsed(pending.source.title, pending.source.text)
    spans: list[Span] = []
    keys: list[str] = []
    seen: Counter[str] = Counter()
    start = 0
    for line in parsed.text.split("\n"):
        if line:
            spans.append(Span(start, start + len(line), context))
            keys.append(chunk_key("default", pending.source.id, line, seen[line]))
            seen[line] += 1
        start += len(line) + 1
    texts = [parsed.text[span.start : span.end] for span in spans]
    return Built(
        pending.version,
        pending.document,
        parsed,
        spans,
        keys,
        [Counter(text.split()) for text in texts],
    )


@dataclass
class Library:
    """The stores over one database, and one collection to put things into."""

    database: Database
    watch: Watch = field(default_factory=Watch)
    projections: Sequence[str] = PROJECTIONS

    def __post_init__(self) -> None:
        self.collections = Collections(self.database, self.watch)
        self.documents = Documents(self.database, self.projections, clock=self.watch)
        self.jobs = Jobs(self.database, self.watch)
        self.chunks = StoredChunks(self.database)
        self.marks = StaleMarks(self.database)
        self._here: Collection | None = None

    @property
    def here(self) -> Collection:
        assert self._here is not None
        return self._here

    async def open(self) -> Library:
        self._here = await self.collections.ensure("default")
        return self

    async def write(self, *sources: Source) -> Lease:
        """Post, build and write, and stop before publishing."""
        await self.documents.accept(self.here.id, sources)
        lease = await self.jobs.lease("worker", 60)
        assert lease is not None
        await self.build(lease)
        return lease

    async def build(self, lease: Lease) -> None:
        while pending := await self.documents.pending(lease, 64):
            await self.documents.write_chunks(lease, [build(one) for one in pending])

    async def publish(self, lease: Lease) -> set[DocumentKey]:
        written = await self.documents.written(lease)
        changed = await self.documents.publish(lease, [one.version for one in written])
        await self.jobs.finish(lease)
        return changed

    async def post(self, *sources: Source) -> None:
        """Post and see it through."""
        await self.publish(await self.write(*sources))

    async def acknowledge(self) -> None:
        """As if every projection had caught up."""
        for projection in self.projections:
            marks = await self.marks.read(projection, self.here.id, 10_000)
            await self.marks.acknowledge(projection, marks)

    async def everything(self) -> list[Chunk]:
        return [chunk async for chunk in self.chunks.everything(self.here.id)]

    async def visible(self) -> list[Chunk]:
        """Visible chunks, by document and place."""
        ids = [chunk.id for chunk in await self.everything()]
        found = await self.chunks.get(self.here.id, ids)
        return sorted(found.values(), key=lambda chunk: (chunk.document_id, chunk.ordinal))


def texts(chunks: Iterable[Chunk]) -> list[str]:
    return [chunk.text for chunk in chunks]


def marked(marks: Sequence[object]) -> list[int]:
    return [mark.document for mark in marks]
