"""SQL sources of a collection: databases of the user that questions may be put to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, delete, make_url, select
from sqlalchemy.exc import ArgumentError

from app.domain.errors import Conflict, NotFound
from app.store.clock import Clock, utc_now
from app.store.memo import Memo
from app.store.session import Database
from app.store.statements import insert
from app.store.tables import sql_sources
from retrievers.types import CollectionId

_SECRETS = ("password", "passwd", "pwd", "token", "secret", "sslpassword", "sslkey")
_UNKNOWN = "there is no such SQL source"


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A registered database."""

    name: str
    url: str  # with its password: never leaves the process
    tables: tuple[str, ...] | None  # None: all
    created_at: datetime

    @property
    def masked_url(self) -> str:
        """The URL as it may be shown: no password, wherever it stands."""
        try:
            url = make_url(self.url)
        except ArgumentError:
            return "***"
        hidden = {key: "***" for key in url.query if key.lower() in _SECRETS}
        return url.update_query_dict(hidden).render_as_string().replace("%2A%2A%2A", "***")


class Sources:
    """Registered SQL sources; reading them is free while exclusive."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database, self._clock = database, clock
        self._known: Memo[CollectionId, tuple[SqlSource, ...]] = Memo(database, "sources")

    async def create(
        self,
        collection: CollectionId,
        name: str,
        url: str,
        tables: Sequence[str] | None = None,
    ) -> SqlSource:
        """Register one.

        Raises:
            Conflict: The collection has one of that name (code `already-exists`).
        """
        source = SqlSource(name, url, None if tables is None else tuple(tables), self._clock())
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                added = await connection.scalar(
                    insert(connection, sql_sources)
                    .values(
                        collection=collection,
                        name=name,
                        url=url,
                        tables=source.tables,
                        created_at=source.created_at,
                    )
                    .on_conflict_do_nothing()
                    .returning(sql_sources.c.id)
                )
                touched.topics.add("sources")
        if added is None:
            raise Conflict(f"the collection has an SQL source named {name!r}", "already-exists")
        return source

    async def all(self, collection: CollectionId) -> list[SqlSource]:
        """Those of the collection, by name."""
        return list(await self._known.get(collection, lambda: self._read(collection)))

    async def get(self, collection: CollectionId, name: str) -> SqlSource:
        """By name.

        Raises:
            NotFound: Unknown.
        """
        for source in await self.all(collection):
            if source.name == name:
                return source
        raise NotFound(_UNKNOWN)

    async def delete(self, collection: CollectionId, name: str) -> None:
        """Forget one.

        Raises:
            NotFound: Unknown.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                gone: CursorResult[tuple[()]] = await connection.execute(
                    delete(sql_sources).where(
                        sql_sources.c.collection == collection, sql_sources.c.name == name
                    )
                )
                touched.topics.add("sources")
        if gone.rowcount == 0:
            raise NotFound(_UNKNOWN)

    async def _read(self, collection: CollectionId) -> tuple[SqlSource, ...]:
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(sql_sources)
                .where(sql_sources.c.collection == collection)
                .order_by(sql_sources.c.name)
            )
            return tuple(
                SqlSource(
                    row.name,
                    row.url,
                    None if row.tables is None else tuple(row.tables),
                    row.created_at,
                )
                for row in rows
            )
