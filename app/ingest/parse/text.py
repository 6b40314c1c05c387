"""Plain text: stored as it is."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.documents import Parsed, Source
from app.ingest.parse.decode import decode, refuse_unstorable
from app.ingest.parse.titles import title_of
from retrievers.filters import MetadataValue

ENCODING = "encoding"
"""Metadata key that records the legacy encoding of an upload."""


def parse(source: Source) -> Parsed:
    """The text untouched; of a file, decoded."""
    text, metadata = stored_text(source)
    return Parsed(title_of(source), text, (), metadata)


def stored_text(
    source: Source, declared: str | None = None
) -> tuple[str, Mapping[str, MetadataValue]]:
    """The text to keep and the metadata beside it.

    Args:
        declared: The encoding that the file says it is in.

    Raises:
        Rejected: Empty, in no known encoding, or with characters that cannot be stored.
    """
    if source.content is None:
        refuse_unstorable(source.text)
        return source.text, source.metadata
    text, legacy = decode(source.content, declared)
    refuse_unstorable(text)
    return text, source.metadata if legacy is None else {**source.metadata, ENCODING: legacy}
