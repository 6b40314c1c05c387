"""One parsed document cut, keyed and read for names: all that is computed before it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domain.documents import Parsed
from app.domain.errors import Rejected
from app.domain.ids import chunk_key
from app.ingest.cut import chunk
from app.ingest.cut.outline import token_starts
from app.ingest.parse import parser
from app.store.documents import Built, Pending
from retrievers.graph.linking import candidates
from retrievers.protocol import Embedder
from retrievers.types import embed_text

VERSION = "1"
"""Raise it when the same text is cut, keyed or read otherwise than before."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be embedded and written."""

    pending: Pending
    built: Built
    texts: Sequence[str]  # of the chunks, as encoders read them

    @property
    def version(self) -> int:
        """Row number of its version."""
        return self.pending.version


def recipe(embedder: Embedder, longest: int) -> str:
    """What the outcome depends on besides the source: part of what makes a post `unchanged`."""
    return f"parse {parser.VERSION}, cut {VERSION}, {embedder.max_tokens} {longest} tokens"


def prepare(
    collection: str,
    pending: Pending,
    parsed: Parsed,
    offsets: Callable[[str], Sequence[tuple[int, int]]],
    max_tokens: int,
    longest: int,
) -> Prepared:
    """Cut one document.

    Args:
        collection: Its name: part of the chunks' public keys.
        offsets: The encoder's tokens, as `Embedder.offsets`.
        max_tokens: What the encoder reads at once.
        longest: Most tokens of a chunk of a document that must be cut.

    Raises:
        Rejected: `empty_document`.
    """
    title = pending.source.title or parsed.title
    limit = chunk.limits(max_tokens, len(offsets(title)) if title else 0, longest)
    spans = chunk.spans(parsed, token_starts(parsed.text, offsets), limit)
    if not spans:
        raise Rejected("the document holds no text", "empty_document")
    texts = [parsed.text[span.start : span.end] for span in spans]
    seen: Counter[str] = Counter()
    keys = []
    for text in texts:
        keys.append(chunk_key(collection, pending.source.id, text, seen[text]))
        seen[text] += 1
    built = Built(
        version=pending.version,
        document=pending.document,
        parsed=parsed,
        spans=spans,
        keys=keys,
        candidates=[candidates(text) for text in texts],
    )
    whole = [embed_text(title, span.context, text) for span, text in zip(spans, texts, strict=True)]
    return Prepared(pending, built, whole)
