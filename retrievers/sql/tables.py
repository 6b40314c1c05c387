"""The SQL retriever: rows of the owner's databases, read in place and read-only.

It answers or abstains: a question becomes a statement only if every word of it has a place.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from retrievers.errors import QueryRefused, RetrieverError
from retrievers.filters import EVERYTHING
from retrievers.lane import Lane
from retrievers.protocol import Health
from retrievers.sql.access import Access
from retrievers.sql.catalogue.reading import ReadingOptions
from retrievers.sql.engines.base import Limits
from retrievers.sql.guard import Guarded
from retrievers.sql.questions.reader import QuestionReader, Synonyms
from retrievers.sql.source import Source, SourceSpec
from retrievers.types import CollectionId, Evidence, Query, Rows

__all__ = ["SourceSpec", "SqlOptions", "SqlRetriever", "SqlSources"]

MOST = 3  # statements per question
CERTAIN = 0.75
PROPOSED = 0.7
"""Of rows that a proposed statement found; nothing says how well it fits the question."""
KEPT = 64  # open sources


class SqlSources(Protocol):
    """Who knows which databases belong to a collection."""

    async def of(self, collection: CollectionId) -> Sequence[SourceSpec]:
        """Those of the collection, by name; called for every question, so it must be quick."""
        ...


@dataclass(frozen=True, slots=True)
class SqlOptions:
    """Limits and rules for all sources.

    Attributes:
        abstain_below: Confidence under which a question is not answered.
        synonyms: Words of questions to names of tables or columns, beside the built-in ones.
    """

    access: Access = field(default_factory=Access)
    limits: Limits = field(default_factory=Limits)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    abstain_below: float = 0.5
    synonyms: Synonyms = field(default_factory=dict)
    threads: int = 2


class SqlRetriever:
    """`Retriever` over the SQL sources of each collection.

    Args:
        today: What "this year" and "the last 30 days" refer to.
    """

    def __init__(
        self,
        sources: SqlSources,
        options: SqlOptions | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._sources, self._options, self._today = sources, options or SqlOptions(), today
        self._lane = Lane("sql", self._options.threads)
        self._open: dict[SourceSpec, Source] = {}

    async def search(self, query: Query, k: int) -> list[Evidence]:
        """At most three results, most confident first; none where the question does not fit.

        Rows have no metadata, so a filter leaves none.
        """
        if query.filter != EVERYTHING or k < 1:
            return []
        specs = await self._sources.of(query.collection)
        if not specs:
            return []
        outcomes = await asyncio.gather(
            *(self._ask(spec, query) for spec in specs), return_exceptions=True
        )
        found = [evidence for part in outcomes if isinstance(part, list) for evidence in part]
        errors = [part for part in outcomes if isinstance(part, BaseException)]
        for error in errors:
            if not isinstance(error, RetrieverError):
                raise error
        if errors and not found and len(errors) == len(outcomes):
            raise errors[0]
        unique = {evidence.key: evidence for evidence in found}.values()
        return sorted(unique, key=lambda e: (-e.score, e.key))[: min(k, MOST)]

    async def health(self) -> Health:
        """Degraded when a source could not be read the last time; the rest goes on."""
        failures = {source.spec.name: source.failure for source in self._open.values()}
        told = [f"{name}: {failure}" for name, failure in sorted(failures.items()) if failure]
        return Health("degraded", "; ".join(told[:3])) if told else Health("ok")

    async def probe(self, spec: SourceSpec) -> None:
        """Open a source read-only and read its schema, before it is registered.

        Raises:
            QueryRefused: It may not be opened, or lacks its tables; the text names the fix.
            RetrieverUnavailable: It cannot be reached or read.
        """
        source = self._make(spec)
        try:
            await source.known()
        finally:
            await source.close()

    async def query(self, spec: SourceSpec, statement: str) -> Rows:
        """Rows of SQL text proposed by others.

        Raises:
            QueryRefused: The guard or the database refuses it.
            RetrieverUnavailable: The source is out of reach or the statement too slow.
        """
        source = await self._source(spec)
        known = await source.known()
        return await source.run(await self._lane.run(known.guard.check, statement))

    async def close(self) -> None:
        """Close all sources."""
        for source in self._open.values():
            await source.close()
        self._open.clear()
        self._lane.close()

    async def _ask(self, spec: SourceSpec, query: Query) -> list[Evidence]:
        source = await self._source(spec)
        known = await source.known()
        found: list[Evidence] = []
        if query.statement is not None:
            statement = await self._lane.run(known.guard.check, query.statement)
            rows = await source.run(statement)
            found.append(_evidence(rows, PROPOSED if rows.rows else self._options.abstain_below))
        if known.reader.touches(query.text):
            read = await self._lane.run(
                self._read, known.reader, known.guard.check_tree, query.text
            )
            if read is not None:
                statement, confidence = read
                rows = await source.run(statement)
                found.append(_evidence(rows, _settle(confidence, rows)))
        return found

    def _read(
        self, reader: QuestionReader, check: Callable[..., Guarded], text: str
    ) -> tuple[Guarded, float] | None:
        plan = reader.read(text, self._today())
        if plan is None or plan.confidence < self._options.abstain_below:
            return None
        try:
            return check(plan.tree), plan.confidence
        except QueryRefused:
            return None  # a template's fault; the question is simply not answered

    async def _source(self, spec: SourceSpec) -> Source:
        if spec not in self._open:
            while len(self._open) >= KEPT:
                await self._open.pop(next(iter(self._open))).close()
            self._open[spec] = self._make(spec)
        return self._open[spec]

    def _make(self, spec: SourceSpec) -> Source:
        options = self._options
        engine = options.access.open(spec.url, self._lane)
        return Source(
            spec,
            engine,
            options.reading,
            options.limits,
            lambda catalogue: QuestionReader(catalogue, options.synonyms),
        )


def _settle(confidence: float, rows: Rows) -> float:
    """A lone NULL is no answer, however well the question was understood."""
    if all(value is None for row in rows.rows for value in row):
        return min(confidence, CERTAIN - 0.01)
    return confidence


def _evidence(rows: Rows, score: float) -> Evidence:
    content = json.dumps([rows.source, rows.statement, rows.rows], ensure_ascii=False)
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    return Evidence(f"sql_{digest[:20]}", "sql", round(score, 6), rows)
