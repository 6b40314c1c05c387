"""The document store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from app.domain.documents import Document, Source
from app.domain.jobs import Job
from app.store.clock import Clock, utc_now
from app.store.documents.rows import Built, Listed, Pending, Stats, Written
from app.store.jobs import Lease
from app.store.session import Database
from retrievers.types import CollectionId, DocumentKey


class Documents:
    """Versions of documents with PUT semantics. Each method that writes is one transaction.

    Life of a version: `accept` (building, queued) → `pending` → `write_chunks` (building, written)
    → `publish` (live; the one before is retired) → `purge`. `fail` and `abandon` leave the live
    version as it is.

    Args:
        projections: Names of the projections that must hear of changes.
        recipe: What parsing and chunking depend on; with another one a repeated post is no longer
            `unchanged`.
        max_attempts: How often a document may take its worker down.
    """

    def __init__(
        self,
        database: Database,
        projections: Sequence[str],
        recipe: str = "",
        max_attempts: int = 3,
        clock: Clock = utc_now,
    ) -> None:
        raise NotImplementedError

    async def accept(
        self,
        collection: CollectionId,
        sources: Sequence[Source],
        kind: Literal["ingest", "purge"] = "ingest",
    ) -> Job:
        """Keep the sources as building versions and queue one job for them.

        A source whose content, title, media type and metadata equal the live version's, with no
        newer version waiting, is counted `unchanged`. A job of nothing else is `succeeded` at once.

        Raises:
            NotFound: The collection was deleted.
            Rejected: The same id occurs twice.
        """
        raise NotImplementedError

    async def get(self, collection: CollectionId, document_id: str) -> Document:
        """The live version.

        Raises:
            NotFound: Unknown, deleted or not yet published.
        """
        raise NotImplementedError

    async def exists(self, collection: CollectionId, document_id: str) -> bool:
        """Whether there is a live version."""
        raise NotImplementedError

    async def page(
        self,
        collection: CollectionId,
        limit: int,
        after: tuple[datetime, str] | None = None,
    ) -> list[Listed]:
        """Live documents by (created_at, id), beyond the pair given."""
        raise NotImplementedError

    async def stats(self, collection: CollectionId) -> Stats:
        """Size of the live content."""
        raise NotImplementedError

    async def slice(self, collection: CollectionId, document_id: str, start: int, end: int) -> str:
        """Code points `[start:end]` of the live stored text.

        Raises:
            NotFound: As `get`.
        """
        raise NotImplementedError

    async def delete(self, collection: CollectionId, document_id: str) -> DocumentKey:
        """Tombstone the document and mark it stale everywhere: hidden from this moment.

        Also drops versions that are still being built.

        Raises:
            NotFound: Unknown or deleted.
        """
        raise NotImplementedError

    async def pending(self, lease: Lease, limit: int) -> list[Pending]:
        """Up to `limit` documents of the job to work on, in the order they were handed in.

        Their attempts are raised first, so that a crash counts; a document that has used up its
        attempts fails instead. One that was attempted before comes alone: if it takes the worker
        down again, no other pays.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        raise NotImplementedError

    async def write_chunks(self, lease: Lease, built: Sequence[Built]) -> list[Written]:
        """Store chunks, titles and parsed texts and mark the documents stale. Idempotent.

        A chunk whose key the document already has keeps its id. Posted metadata wins over parsed.
        Versions deleted meanwhile are left out of the result.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        raise NotImplementedError

    async def written(self, lease: Lease, limit: int = 1000) -> list[Written]:
        """Versions of the job that are written and not published (after a crash, say)."""
        raise NotImplementedError

    async def publish(self, lease: Lease, versions: Collection[int]) -> set[DocumentKey]:
        """Make written versions live, together; call it when every projection has applied them.

        Documents whose former chunks must leave are marked again. A version that a newer one
        overtook is retired, one whose document was deleted is dropped.

        Returns:
            The documents whose live version changed.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        raise NotImplementedError

    async def fail(self, lease: Lease, version: int, problem: Mapping[str, Any]) -> None:
        """Drop a version that cannot be built and note why; the live one stays.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        raise NotImplementedError

    async def abandon(self, lease: Lease) -> int:
        """Drop every version of the job that is not published (cancellation). Returns how many.

        Raises:
            LeaseLost: The token is no longer the job's.
        """
        raise NotImplementedError

    async def purge(self, limit: int = 500, grace_s: float = 300.0) -> int:
        """Remove rows nobody can see: returns how many versions and documents went (0 = clean).

        Versions retired for `grace_s`, chunks without a version, tombstones that every projection
        has acknowledged, and vectors of texts that no chunk has any more.
        """
        raise NotImplementedError
