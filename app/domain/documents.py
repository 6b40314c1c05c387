"""Documents as they are accepted and as they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from retrievers.filters import MetadataValue
from retrievers.types import CollectionId


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents; the unit of tenancy."""

    id: CollectionId
    name: str
    created_at: datetime
    embedder: str
    """Fingerprint of the embedder its vectors were made with; "" before the first document."""
    language: str = "en"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One document as handed in: posted text, or the bytes of a file yet to be parsed."""

    id: str
    title: str
    media_type: str
    text: str = ""
    content: bytes | None = None  # None: `text` is the stored text, exactly as posted
    metadata: Mapping[str, MetadataValue] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Document:
    """The live version of a stored document."""

    id: str
    collection: CollectionId
    title: str
    text: str
    media_type: str
    version: int  # counts from 1
    metadata: Mapping[str, MetadataValue]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in a stored text: what chunks are cut at and carry beside them."""

    start: int  # code-point offset of its first character
    end: int
    level: int  # 1 to 6
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser makes of a source: the text to store and what structures it."""

    title: str
    text: str
    headings: tuple[Heading, ...] = ()
    metadata: Mapping[str, MetadataValue] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Span:
    """One chunk as the chunker cuts it: `text[start:end]`, with the headings beside it."""

    start: int
    end: int
    context: str
