"""What goes in and out of the document store besides the domain's own values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.documents import Parsed, Source, Span
from retrievers.filters import MetadataValue
from retrievers.types import DocumentKey


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted version that waits to be parsed and cut."""

    version: int
    document: DocumentKey
    source: Source


@dataclass(frozen=True, slots=True)
class Built:
    """A version cut into chunks; `spans`, `keys` and `candidates` run in parallel.

    `keys` are unique within the document (`app.domain.ids.chunk_key` with the occurrence).
    """

    version: int
    document: DocumentKey
    parsed: Parsed
    spans: Sequence[Span]
    keys: Sequence[str]
    candidates: Sequence[Mapping[str, int]]

    def __post_init__(self) -> None:
        if not len(self.spans) == len(self.keys) == len(self.candidates):
            raise ValueError("spans, keys and candidates differ in length")
        if len(set(self.keys)) != len(self.keys):
            raise ValueError("a chunk key occurs twice in one document")


@dataclass(frozen=True, slots=True)
class Written:
    """A version whose chunks are stored and which waits to be published."""

    version: int
    document: DocumentKey


@dataclass(frozen=True, slots=True)
class Listed:
    """A live document without its text."""

    id: str
    title: str
    media_type: str
    version: int
    metadata: Mapping[str, MetadataValue]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Stats:
    """Size of a collection's live content."""

    documents: int
    chunks: int
    characters: int
