"""Vectors of texts already embedded, so that a rebuild of an index embeds nothing again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from app.domain.ids import text_hash
from app.store.session import Database
from app.store.statements import batched, insert
from app.store.tables import embeddings
from retrievers.protocol import Embedder, Matrix

Vector = npt.NDArray[np.float32]


class VectorCache:
    """An `Embedder` whose passages are looked up by (fingerprint, hash of the text) first.

    Queries pass through. Rows go when the last chunk with that text does.

    Args:
        recent: Vectors kept in memory, for projections that embed the same batch one after another.
    """

    fingerprint: str
    dimension: int
    max_tokens: int

    def __init__(self, database: Database, inner: Embedder, recent: int = 1024) -> None:
        self._database, self._inner, self._capacity = database, inner, recent
        self.fingerprint = inner.fingerprint
        self.dimension = inner.dimension
        self.max_tokens = inner.max_tokens
        self._recent: OrderedDict[bytes, Vector] = OrderedDict()

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """As the inner embedder."""
        return await self._inner.queries(texts)

    async def passages(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) float32, bit-identical to what the inner embedder gave the first time."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        hashes = [bytes.fromhex(text_hash(text)) for text in texts]
        known = {hash: self._recent[hash] for hash in hashes if hash in self._recent}
        known.update(await self._read([hash for hash in hashes if hash not in known]))
        missing = {
            hash: text for hash, text in zip(hashes, texts, strict=True) if hash not in known
        }
        if missing:
            made = await self._inner.passages(list(missing.values()))
            fresh = dict(zip(missing, np.asarray(made, np.float32), strict=True))
            await self._write(fresh)
            known.update(fresh)
        self._keep(known)
        return np.stack([known[hash] for hash in hashes])

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """As the inner embedder."""
        return self._inner.offsets(text)

    async def _read(self, hashes: Sequence[bytes]) -> dict[bytes, Vector]:
        found: dict[bytes, Vector] = {}
        if not hashes:
            return found
        async with self._database.read() as connection:
            for batch in batched(dict.fromkeys(hashes)):
                rows = await connection.execute(
                    select(embeddings.c.hash, embeddings.c.vector).where(
                        embeddings.c.hash.in_(batch), embeddings.c.encoder == self.fingerprint
                    )
                )
                for hash, vector in rows:
                    found[bytes(hash)] = np.frombuffer(vector, "<f4")
        return found

    async def _write(self, vectors: Mapping[bytes, Vector]) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                insert(connection, embeddings).on_conflict_do_nothing(),
                [
                    {
                        "hash": hash,
                        "encoder": self.fingerprint,
                        "vector": vector.astype("<f4").tobytes(),
                    }
                    for hash, vector in vectors.items()
                ],
            )

    def _keep(self, vectors: Mapping[bytes, Vector]) -> None:
        for hash, vector in vectors.items():
            # A row of a batch would keep the whole batch alive.
            self._recent[hash] = vector.copy()
            self._recent.move_to_end(hash)
        while len(self._recent) > self._capacity:
            self._recent.popitem(last=False)
