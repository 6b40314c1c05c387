"""What the routes need of the opened service; `wiring` yields a record that satisfies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.domain.documents import Collection, Source
from app.domain.jobs import Job
from app.engine.answer import Ask
from app.engine.ranking.search import Search
from app.generation.policy import LfdPolicy
from app.store.answers import Answers
from app.store.collections import Collections
from app.store.documents import Documents
from app.store.jobs import Jobs
from app.store.keys import Keys
from app.store.sources import Sources
from retrievers.protocol import Health
from retrievers.sql.tables import SourceSpec
from retrievers.types import CollectionId


class Ingest(Protocol):
    """The way in."""

    async def accept(self, collection: Collection, sources: Sequence[Source]) -> Job:
        """Store the documents and queue their indexing; both survive a power cut on return.

        A source with `content` is a file: its `title` is the file's name.
        """
        ...

    async def wait(self, job_id: str, seconds: float) -> Job:
        """The job as soon as it has ended, or as it stands after so many seconds."""
        ...

    async def cancel(self, job_id: str) -> Job:
        """Drop what is not yet published; idempotent."""
        ...

    async def delete(self, collection: CollectionId, document_id: str) -> None:
        """Gone from every answer on return."""
        ...

    async def delete_collection(self, name: str) -> None:
        """Hidden with all it holds on return."""
        ...


class Tables(Protocol):
    """The SQL channel, beside answering."""

    async def probe(self, spec: SourceSpec) -> None:
        """Open the source read-only and read its catalogue.

        Raises:
            RetrieverError: The text names the fix.
        """
        ...


class Services(Protocol):
    """The opened service. Read-only attributes, so that a frozen record satisfies it."""

    @property
    def collections(self) -> Collections:
        """Named sets of documents."""
        ...

    @property
    def documents(self) -> Documents:
        """Live versions of documents."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Background work."""
        ...

    @property
    def keys(self) -> Keys:
        """API keys."""
        ...

    @property
    def sources(self) -> Sources:
        """SQL sources."""
        ...

    @property
    def answers(self) -> Answers:
        """Answers that were given."""
        ...

    @property
    def sql(self) -> Tables | None:
        """The SQL channel, unless it is off."""
        ...

    @property
    def ingest(self) -> Ingest:
        """The way in."""
        ...

    @property
    def search(self) -> Search:
        """The way to hits."""
        ...

    @property
    def ask(self) -> Ask:
        """The way to answers."""
        ...

    @property
    def model(self) -> str | None:
        """Name of the language model; None where none is configured."""
        ...

    @property
    def lfd(self) -> LfdPolicy:
        """Whose answers are decoded with fused layers."""
        ...

    @property
    def first_key(self) -> str | None:
        """The admin key made at a first start, to be shown once; None at any other start."""
        ...

    async def health(self) -> Mapping[str, Health]:
        """Component to its state; does no heavy work."""
        ...
