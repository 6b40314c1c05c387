"""A cited answer whose invariants its constructors hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.domain.hit import Degraded, Hit
from retrievers.types import Rows

Status = Literal["answered", "partial", "unanswerable", "budget_exhausted"]


@dataclass(frozen=True, slots=True)
class Citation:
    """`answer[start:end]` is supported by `quote`, a verbatim slice of a stored document.

    A statement from tables has `rows` instead, and null document fields.
    """

    mark: str  # "[1]"
    start: int
    end: int
    document_id: str | None
    chunk_id: str | None
    source_start: int | None
    source_end: int | None
    quote: str | None
    rows: Rows | None = None

    def __post_init__(self) -> None:
        if (self.rows is None) == (self.quote is None):
            raise ValueError("a citation quotes either a document or table rows")
        if not 0 <= self.start < self.end:
            raise ValueError("a citation supports a non-empty statement")


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer cost."""

    llm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one question."""

    id: str
    question: str
    status: Status
    answer: str
    short_answer: str | None
    citations: tuple[Citation, ...]
    evidence: tuple[Hit, ...]
    plan: Mapping[str, Any] | None
    degraded: tuple[Degraded, ...]
    usage: Usage
    generator: str
    created_at: datetime
    trace: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.status == "unanswerable" and self.citations:
            raise ValueError("an unanswerable question has no citations")
        if any(citation.end > len(self.answer) for citation in self.citations):
            raise ValueError("a cited statement lies outside the answer")
