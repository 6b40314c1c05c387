"""Retrievers that hang, fail or are gone; the indexer's side of them works."""

from __future__ import annotations

import asyncio

from retrievers.errors import RetrieverUnavailable
from retrievers.fulltext.tantivy import TantivyRetriever
from retrievers.graph.csr import GraphRetriever
from retrievers.sql.tables import SqlRetriever
from retrievers.types import Evidence, Query
from retrievers.vector.faiss import FaissRetriever


class _Hangs:
    async def search(self, query: Query, k: int) -> list[Evidence]:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")


class _Fails:
    async def search(self, query: Query, k: int) -> list[Evidence]:
        raise RetrieverUnavailable("the backend is gone")


class HangingVector(_Hangs, FaissRetriever):
    pass


class HangingFulltext(_Hangs, TantivyRetriever):
    pass


class HangingGraph(_Hangs, GraphRetriever):
    pass


class HangingSql(_Hangs, SqlRetriever):
    pass


class FailingVector(_Fails, FaissRetriever):
    pass


class FailingFulltext(_Fails, TantivyRetriever):
    pass


class FailingGraph(_Fails, GraphRetriever):
    pass


class FailingSql(_Fails, SqlRetriever):
    pass
