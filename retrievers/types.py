"""The nouns every retriever shares: what is asked, what is found, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, NewType

from retrievers.filters import EVERYTHING, Filter, MetadataValue

CollectionId = NewType("CollectionId", int)
DocumentKey = NewType("DocumentKey", int)
ChunkId = NewType("ChunkId", int)
"""Row numbers of the truth, never reused: a reused id would show another text. They never leave
the process and never break a tie; `Chunk.key` does."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One contiguous slice of a stored document: `stored_text[start:end] == text` (code points)."""

    id: ChunkId
    key: str  # public, content-derived `chk_…`: the same text of the same document keeps it
    document: DocumentKey
    document_id: str  # public id
    title: str
    context: str  # headings beside the slice; indexed, never quoted
    text: str
    start: int
    end: int
    ordinal: int  # place in the document, from 0
    metadata: Mapping[str, MetadataValue]

    @property
    def embed_text(self) -> str:
        """What encoders and full text see: title, context and text, one line each if present."""
        return embed_text(self.title, self.context, self.text)


def embed_text(title: str, context: str, text: str) -> str:
    """`Chunk.embed_text` of a chunk that is not stored yet."""
    return "\n".join(part for part in (title, context, text) if part)


@dataclass(frozen=True, slots=True)
class Rows:
    """What one guarded SELECT returned; values are JSON scalars."""

    source: str
    statement: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One question to one collection. Refine with `dataclasses.replace`, so nothing gets lost."""

    collection: CollectionId
    text: str
    filter: Filter = EVERYTHING
    seeds: Mapping[ChunkId, float] = field(default_factory=lambda: MappingProxyType({}))
    """Restart weight of passages for the graph's walk; empty outside the second wave."""
    statement: str | None = None
    """SQL proposed by a model: untrusted text that the SQL retriever guards like any other."""


class Evidence(NamedTuple):
    """One fact found by one channel; a tuple, since a search makes hundreds.

    `key` names the fact (a chunk's key, or a hash of source, statement and rows), so channels can
    agree on it. `score` is comparable within its channel only.
    """

    key: str
    channel: str
    score: float
    origin: Chunk | Rows
