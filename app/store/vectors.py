"""Vectors of texts already embedded, so that a rebuild of an index embeds nothing again."""

from __future__ import annotations

from collections.abc import Sequence

from app.store.session import Database
from retrievers.protocol import Embedder, Matrix


class VectorCache:
    """An `Embedder` whose passages are looked up by (fingerprint, hash of the text) first.

    Queries pass through. Rows go when the last chunk with that text does.
    """

    fingerprint: str
    dimension: int
    max_tokens: int

    def __init__(self, database: Database, inner: Embedder, recent: int = 4096) -> None:
        raise NotImplementedError

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """As the inner embedder."""
        raise NotImplementedError

    async def passages(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) float32, bit-identical to what the inner embedder gave the first time."""
        raise NotImplementedError

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """As the inner embedder."""
        raise NotImplementedError
