"""Background work that a client can watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from retrievers.types import CollectionId

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]
TERMINAL: frozenset[JobStatus] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Job:
    """`succeeded` means: searchable in every retriever, and durable."""

    id: str
    kind: Literal["ingest", "purge"]
    collection: CollectionId
    status: JobStatus
    stage: str
    done: int
    total: int  # documents
    error: Mapping[str, Any] | None  # a problem document
    attempt: int
    cancel_requested: bool
    failures: tuple[Mapping[str, Any], ...]  # {"document_id", "problem"}
    unchanged: int
    created_at: datetime
    finished_at: datetime | None
