"""The whole way of a document, from the real store to the real indexes, in one folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.documents import Collection, Source
from app.domain.jobs import Job
from app.ingest.bells import Bells
from app.ingest.cut.prepare import recipe
from app.ingest.indexer import Indexer
from app.ingest.indexers import Indexers, IndexersOptions
from app.ingest.parse.parser import Parser
from app.ingest.parse.sandbox import Sandbox
from app.ingest.pipeline import PipelineOptions, Tools
from app.ingest.service import Ingest
from app.ingest.upkeep import Upkeep
from app.ingest.worker import DEATHS, Worker, WorkerOptions
from app.store.answers import Answers
from app.store.chunks import StoredChunks
from app.store.collections import Collections
from app.store.documents import Documents
from app.store.jobs import Jobs
from app.store.migrate import migrate
from app.store.session import Database
from app.store.stale import StaleMarks
from app.store.vectors import VectorCache
from retrievers.embedders.hashing import HashingEmbedder
from retrievers.fulltext.tantivy import TantivyRetriever
from retrievers.graph.csr import GraphRetriever
from retrievers.lane import Lane
from retrievers.protocol import Embedder, Projection, Resources
from retrievers.types import Chunk, Query
from retrievers.vector.faiss import FaissRetriever


def embedded(resources: Resources) -> Sequence[Any]:
    """The indexes of the default installation."""
    return FaissRetriever(resources), TantivyRetriever(resources), GraphRetriever(resources)


@dataclass
class House:
    """Everything open. `here` is the collection `default`; `indexes` are by name."""

    database: Database
    collections: Collections
    documents: Documents
    jobs: Jobs
    chunks: StoredChunks
    marks: StaleMarks
    indexes: dict[str, Any]
    tools: Tools
    indexers: Indexers
    worker: Worker
    upkeep: Upkeep
    ingest: Ingest
    here: Collection

    async def add(self, *sources: Source, wait_s: float = 30) -> Job:
        """Take documents in and wait for their job."""
        job = await self.ingest.accept(self.here, sources)
        return await self.ingest.wait(job.id, wait_s)

    async def found(self, text: str, k: int = 10) -> dict[str, list[str]]:
        """By channel the ids of the documents found; the graph walks from the others' hits."""
        query = Query(self.here.id, text)
        vector = await self.indexes["vector"].search(query, k)
        fulltext = await self.indexes["fulltext"].search(query, k)
        seeds = {e.origin.id: 1.0 for e in (*vector, *fulltext) if isinstance(e.origin, Chunk)}
        walk = Query(self.here.id, text, seeds=seeds)
        graph = await self.indexes["graph"].search(walk, k)
        return {
            name: [e.origin.document_id for e in evidence if isinstance(e.origin, Chunk)]
            for name, evidence in (("vector", vector), ("fulltext", fulltext), ("graph", graph))
        }


@asynccontextmanager
async def house(
    folder: Path,
    embedder: Embedder | None = None,
    pipeline: PipelineOptions | None = None,
    worker: WorkerOptions | None = None,
    indexing: IndexersOptions | None = None,
    backends: Callable[[Resources], Sequence[Any]] = embedded,
    through: Callable[[str, Any], Any] = lambda name, part: part,
    truth: str = "",
) -> AsyncIterator[House]:
    """The house in a folder that may hold an earlier one's data.

    Args:
        through: Wraps the parts that the ingest calls: store, encoder and indexes by name.
        truth: URL of the database; empty for a SQLite file in the folder.
    """
    database = Database(truth or f"sqlite:///{folder / 'anabranch.db'}")
    await database.open()
    await migrate(database)
    cache = through("embedder", VectorCache(database, embedder or HashingEmbedder()))
    chunks, marks = StoredChunks(database), through("marks", StaleMarks(database))
    collections, jobs = Collections(database), through("jobs", Jobs(database))
    options = pipeline or PipelineOptions()
    indexes = {each.name: each for each in backends(Resources(folder, cache, chunks))}
    projections: dict[str, Projection] = {
        name: through(name, index) for name, index in indexes.items()
    }
    documents = through(
        "documents", Documents(database, tuple(indexes), recipe(cache, options.longest), DEATHS)
    )
    indexers = Indexers([Indexer(each, marks, chunks) for each in projections.values()], indexing)
    sandbox, lane = Sandbox(), Lane("ingest", 1, nice=10)
    tools = Tools(jobs, documents, chunks, cache, Parser(sandbox, lane), indexers, lane, options)
    bells = Bells(jobs)
    laborer = Worker(jobs, collections, tools, bells, worker)
    upkeep = Upkeep(collections, documents, indexers, Answers(database))
    parts = (sandbox, indexers, laborer, upkeep, bells)
    ingest = Ingest(collections, documents, jobs, cache.fingerprint, *parts)
    try:
        here = await collections.ensure("default")
        await indexers.start([each.id for each in await collections.all()])
        database.changes.subscribe(indexers.changed)
        await laborer.start()
        await upkeep.start()
        yield House(
            database,
            collections,
            documents,
            jobs,
            chunks,
            marks,
            indexes,
            tools,
            indexers,
            laborer,
            upkeep,
            ingest,
            here,
        )
    finally:
        await laborer.close()
        await upkeep.close()
        await indexers.close()
        for index in indexes.values():
            await index.close()
        await sandbox.close()
        lane.close()
        await database.close()
