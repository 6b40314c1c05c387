"""The opened service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.engine.answer import Ask
from app.engine.ranking.search import Search
from app.generation.policy import LfdPolicy
from app.ingest.service import Ingest
from app.store.answers import Answers
from app.store.collections import Collections
from app.store.documents import Documents
from app.store.jobs import Jobs
from app.store.keys import Keys
from app.store.sources import Sources
from app.wiring.doctor import Doctor
from retrievers.protocol import Health


@dataclass(frozen=True, slots=True)
class Services:
    """The opened service, as the routes and commands use it."""

    collections: Collections
    documents: Documents
    jobs: Jobs
    keys: Keys
    sources: Sources
    answers: Answers
    sql: Any
    ingest: Ingest
    search: Search
    ask: Ask
    model: str | None
    lfd: LfdPolicy
    examiner: Doctor
    first_key: str | None

    async def health(self) -> Mapping[str, Health]:
        """Component to its state."""
        return await self.examiner.health()

    async def doctor(self) -> Mapping[str, Health]:
        """The same after everything was verified and repaired."""
        return await self.examiner.examine()
