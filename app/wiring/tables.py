"""The SQL channel over the registered sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.settings import Channel
from app.store.sources import Sources
from app.wiring.backends import backend
from retrievers.sql.tables import SourceSpec
from retrievers.types import CollectionId


class RegisteredSources:
    """`retrievers.sql.tables.SqlSources` over the store."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def of(self, collection: CollectionId) -> Sequence[SourceSpec]:
        """What is registered for the collection, by name."""
        found = await self._sources.all(collection)
        return [SourceSpec(source.name, source.url, source.tables) for source in found]


def tables(channel: Channel, sources: Sources, own: str) -> Any:
    """The SQL retriever.

    Args:
        own: URL of the service's own database, which is never a source.
    """
    access = dict(channel.options.get("access", {}))
    access["forbidden"] = [*access.get("forbidden", ()), own]
    return backend("sql", channel, RegisteredSources(sources), options={"access": access})
