"""Settings to open objects, closed in reverse: the only place that knows every concrete class."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.domain.errors import Misconfigured
from app.engine.answer import Ask, AskOptions
from app.engine.budget import Budget
from app.engine.ranking.appraise import Appraiser
from app.engine.ranking.fanout import Channel
from app.engine.ranking.multihop import Multihop
from app.engine.ranking.search import Search
from app.engine.steps.write import WriteOptions
from app.engine.writers import WriterOptions
from app.ingest.bells import Bells
from app.ingest.cut.prepare import recipe
from app.ingest.indexer import Indexer
from app.ingest.indexers import Indexers, IndexersOptions
from app.ingest.parse.parser import Parser
from app.ingest.parse.sandbox import Sandbox
from app.ingest.pipeline import PipelineOptions, Tools
from app.ingest.service import Ingest, IngestLimits
from app.ingest.upkeep import Upkeep, UpkeepOptions
from app.ingest.worker import DEATHS, Worker
from app.settings import Settings
from app.store.answers import Answers
from app.store.chunks import StoredChunks
from app.store.chunks.warmer import Warmer
from app.store.collections import Collections
from app.store.documents import Documents
from app.store.jobs import Jobs
from app.store.keys import Keys
from app.store.migrate import migrate
from app.store.session import Database
from app.store.sources import Sources
from app.store.stale import StaleMarks
from app.store.vectors import VectorCache
from app.wiring.backends import backend
from app.wiring.doctor import Doctor
from app.wiring.encoders import encoder
from app.wiring.language import language as open_language
from app.wiring.language import lfd_policy
from app.wiring.reasoning import reasoner
from app.wiring.services import Services
from app.wiring.tables import tables
from retrievers.errors import RetrieverError
from retrievers.lane import Lane
from retrievers.protocol import Resources
from retrievers.types import CollectionId

LOG = logging.getLogger("anabranch.wiring")

__all__ = ["Services", "build"]

PROJECTIONS = ("vector", "fulltext", "graph")


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Services]:
    """The service, open. The caller holds the lock of the data directory.

    Raises:
        Misconfigured: These settings, this database or these weights cannot be used.
        StorageUnavailable: The database or the disk cannot be used now.
    """
    async with AsyncExitStack() as stack:
        folder = settings.data_dir
        folder.mkdir(parents=True, exist_ok=True)
        database = Database(_database_url(settings))
        stack.push_async_callback(database.close)
        await database.open()
        await migrate(database)
        encoding = await stack.enter_async_context(encoder(settings))
        embedder = VectorCache(database, encoding.embedder)
        chunks = StoredChunks(database)
        collections, sources = Collections(database), Sources(database)
        await collections.ensure("default")

        async def language_of(collection: CollectionId) -> str:
            return (await collections.by_id(collection)).language

        resources = Resources(folder, embedder, chunks, language_of)
        channels = {
            name: channel
            for name, channel in settings.retrievers.channels().items()
            if channel.use != "off"
        }
        retrievers: dict[str, Any] = {}
        for name, channel in channels.items():
            if name == "sql":
                retrievers[name] = tables(channel, sources, _database_url(settings))
            else:
                retrievers[name] = backend(name, channel, resources)
            stack.push_async_callback(_closed, name, retrievers[name])

        projections = tuple(name for name in PROJECTIONS if name in retrievers)
        marks = StaleMarks(database)
        indexers = Indexers(
            [Indexer(retrievers[name], marks, chunks) for name in projections],
            IndexersOptions(flush_every_s=settings.ingest.commit_every_s),
        )
        longest = settings.ingest.chunk_tokens
        documents = Documents(database, projections, recipe(embedder, longest), DEATHS)
        stack.push_async_callback(indexers.close)
        await indexers.start([collection.id for collection in await collections.all()])
        database.changes.subscribe(indexers.changed)

        warmer = Warmer(chunks)
        database.changes.subscribe(warmer.changed)
        stack.push_async_callback(warmer.close)
        await warmer.start([collection.id for collection in await collections.all()])

        jobs = Jobs(database)
        bells = Bells(jobs)
        sandbox, cutting = Sandbox(), Lane("ingest", 1, nice=10)
        stack.callback(cutting.close)
        stack.push_async_callback(sandbox.close)
        options = PipelineOptions(documents=settings.ingest.batch_documents, longest=longest)
        parser = Parser(sandbox, cutting)
        tools = Tools(jobs, documents, chunks, embedder, parser, indexers, cutting, options)
        worker = Worker(jobs, collections, tools, bells)
        answers = Answers(database)
        stack.push_async_callback(answers.close)
        keeping = UpkeepOptions(keep_answers=timedelta(days=settings.answers.keep_days))
        upkeep = Upkeep(collections, documents, indexers, answers, keeping)
        stack.push_async_callback(upkeep.close)
        await upkeep.start()
        stack.push_async_callback(worker.close)
        await worker.start()

        ingest = Ingest(
            collections,
            documents,
            jobs,
            embedder.fingerprint,
            sandbox,
            indexers,
            worker,
            upkeep,
            bells,
            IngestLimits(
                file_bytes=settings.limits.file_bytes,
                metadata_bytes=settings.limits.metadata_bytes,
            ),
        )

        keys = Keys(database, _pepper(folder / "pepper"))
        stack.push_async_callback(keys.save_usage)
        first_key = await _admit(keys, settings)
        graph, vector = retrievers.get("graph"), retrievers.get("vector")
        notices = [encoding.notice] if encoding.notice else []
        doors = {n: Channel(n, r, channels[n].timeout_s) for n, r in retrievers.items()}
        appraiser = Appraiser(graph, vector, encoding.embedder) if graph else None
        search = Search(
            list(doors.values()),
            Multihop(appraiser) if appraiser else None,
            notices=notices,
        )
        language = await stack.enter_async_context(open_language(settings))
        lfd = lfd_policy(settings, language)
        doctor = Doctor(
            database,
            documents,
            marks,
            indexers,
            retrievers,
            projections,
            encoding.notice,
            language,
            lfd,
        )
        model = language.model if language else None
        writing = WriteOptions(cosines=encoding.cosines)
        lag = reasoner(settings.reasoning, doors, appraiser, chunks, writing) if appraiser else None
        yield Services(
            collections=collections,
            documents=documents,
            jobs=jobs,
            keys=keys,
            sources=sources,
            answers=answers,
            sql=retrievers.get("sql"),
            ingest=ingest,
            search=search,
            ask=Ask(
                search,
                documents,
                AskOptions(Budget(**settings.budget.model_dump()), WriterOptions(write=writing)),
                lag,
                model,
            ),
            model=model.name if model else None,
            lfd=lfd,
            examiner=doctor,
            first_key=first_key,
        )


async def _closed(name: str, retriever: Any) -> None:
    """Close it; what it cannot save now is replayed from its stale marks at the next start."""
    if hasattr(retriever, "close"):
        try:
            await retriever.close()
        except RetrieverError as error:
            LOG.warning("%s was not closed in order: %s", name, error)


def _database_url(settings: Settings) -> str:
    given = settings.database_url.get_secret_value()
    return given or f"sqlite:///{(settings.data_dir / 'anabranch.db').absolute()}"


def _pepper(path: Path) -> bytes:
    """The installation's secret, made at the first start."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pepper = path.read_bytes()
        if len(pepper) < 32:
            raise Misconfigured(
                f"{path} is damaged, so no API key can be verified; restore it from a backup, or "
                "delete it and make new keys"
            ) from None
        return pepper
    with os.fdopen(descriptor, "wb") as file:
        pepper = secrets.token_bytes(32)
        file.write(pepper)
        file.flush()
        os.fsync(descriptor)
    return pepper


async def _admit(keys: Keys, settings: Settings) -> str | None:
    """Let the keys of the settings in; without any at all, make one and return it."""
    await keys.bootstrap([key.get_secret_value() for key in settings.api_keys])
    if await keys.has_admin():
        return None
    _, secret = await keys.create({"admin"}, {"*"}, "made at the first start")
    return secret
