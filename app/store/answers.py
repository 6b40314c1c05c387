"""Answers that were given, as documents: kept to be looked at later, never computed from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Row, delete, select

from app.domain.errors import NotFound, StorageUnavailable
from app.store.clock import Clock, utc_now
from app.store.session import Database
from app.store.statements import insert
from app.store.tables import answers, collections
from retrievers.types import CollectionId

LOG = logging.getLogger("anabranch.answers")

# Answers that wait to be written while the database is away; then the oldest are given up.
_MAX_WAITING = 1_000


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """One answer as it left the service."""

    id: str
    collection: CollectionId
    key_id: str  # who asked
    document: Mapping[str, Any]  # JSON
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Waiting:
    answer: StoredAnswer
    trace: Mapping[str, Any]
    tried: asyncio.Event = field(default_factory=asyncio.Event)


class Answers:
    """Keeps answers without making anyone wait for a database that is busy or away.

    `get` and `trace` see an answer at once. Answers saved at the same time share a transaction.

    Args:
        patience_s: How long `save` waits for its answer to be durable. What takes longer is written
            behind: a crash may lose it, `close` writes what is left.
    """

    def __init__(
        self, database: Database, clock: Clock = utc_now, patience_s: float = 0.25
    ) -> None:
        self._database, self._clock, self._patience_s = database, clock, patience_s
        self._waiting: dict[str, _Waiting] = {}
        self._writer: asyncio.Task[None] | None = None

    async def save(
        self,
        id: str,
        collection: CollectionId,
        document: Mapping[str, Any],
        trace: Mapping[str, Any],
        key_id: str = "",
    ) -> None:
        """Keep the answer and its trace (JSON values)."""
        answer = StoredAnswer(id, collection, key_id, document, self._clock())
        self._waiting[id] = waiting = _Waiting(answer, trace)
        if len(self._waiting) > _MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await waiting.tried.wait()

    async def get(self, id: str) -> StoredAnswer:
        """By id.

        Raises:
            NotFound: Unknown, expired, or of a deleted collection.
        """
        if id in self._waiting:
            return self._waiting[id].answer
        row = await self._find(id)
        return StoredAnswer(
            row.id, CollectionId(row.collection), row.key_id, row.document, row.created_at
        )

    async def trace(self, id: str) -> Mapping[str, Any]:
        """How the answer was found.

        Raises:
            NotFound: As `get`.
        """
        if id in self._waiting:
            return self._waiting[id].trace
        trace: Mapping[str, Any] = (await self._find(id)).trace
        return trace

    async def purge(self, keep: timedelta, rows: int) -> int:
        """Forget at most so many answers that are older; returns how many."""
        old = select(answers.c.id).where(answers.c.created_at < self._clock() - keep).limit(rows)
        async with self._database.write() as connection:
            gone: CursorResult[tuple[()]] = await connection.execute(
                delete(answers).where(answers.c.id.in_(old))
            )
        return gone.rowcount

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._writer is not None:
            await self._writer
        if self._waiting:
            await self._write_all()

    async def _write_all(self) -> None:
        while batch := dict(self._waiting):
            try:
                await self._write(list(batch.values()))
            except StorageUnavailable as error:
                # Kept, and tried again with the next answer.
                LOG.warning("answers are not written: %s", error.detail)
                for waiting in batch.values():
                    waiting.tried.set()
                return
            for id, waiting in batch.items():
                waiting.tried.set()
                if self._waiting.get(id) is waiting:
                    del self._waiting[id]

    async def _write(self, batch: list[_Waiting]) -> None:
        async with self._database.write() as connection:
            living = await connection.scalars(
                select(collections.c.id).where(
                    collections.c.id.in_({one.answer.collection for one in batch}),
                    collections.c.deleted_at.is_(None),
                )
            )
            known = set(living)
            rows = [
                {
                    "id": one.answer.id,
                    "collection": one.answer.collection,
                    "key_id": one.answer.key_id,
                    "document": one.answer.document,
                    "trace": one.trace,
                    "created_at": one.answer.created_at,
                }
                for one in batch
                if one.answer.collection in known
            ]
            if rows:
                await connection.execute(insert(connection, answers).on_conflict_do_nothing(), rows)

    async def _find(self, id: str) -> Row[Any]:
        async with self._database.read() as connection:
            found = await connection.execute(
                select(answers)
                .join(collections, collections.c.id == answers.c.collection)
                .where(answers.c.id == id, collections.c.deleted_at.is_(None))
            )
            row = found.one_or_none()
        if row is None:
            raise NotFound("there is no such answer")
        return row
