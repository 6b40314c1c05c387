"""Gathers, for a query and some passages, the arrays that bridge selection reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.engine.ranking.bridge import Candidates, Vector
from retrievers.protocol import Matrix, PassageGraph, VectorTable
from retrievers.types import ChunkId, Query


class QueryEncoder(Protocol):
    """The part of an embedder that questions need."""

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors."""
        ...


@dataclass(frozen=True, slots=True)
class Appraised:
    """n passages as one query sees them."""

    candidates: Candidates
    vectors: Matrix | None  # (n, dimension)


class Appraiser:
    """Asks graph, vector table and encoder.

    Args:
        vectors: None where the vector channel is off: there are no similarities then.
    """

    def __init__(
        self, graph: PassageGraph, vectors: VectorTable | None, encoder: QueryEncoder
    ) -> None:
        self.graph, self.encoder, self._vectors = graph, encoder, vectors

    async def look(
        self,
        query: Query,
        ids: Sequence[ChunkId],
        nearest: float | None,
        vectors: Matrix | None = None,
    ) -> Appraised:
        """The passages' arrays, in the order of `ids`.

        Args:
            query: With the seeds of its walk.
            nearest: Highest cosine of the query and any passage of the collection; None where the
                vector channel did not answer, so that there is no scale.
            vectors: Those of the passages, if they are at hand.
        """
        profile, (similarity, vectors) = await asyncio.gather(
            self.graph.profile(query, ids), self._similar(query, ids, nearest, vectors)
        )
        return Appraised(Candidates(profile.proximity, similarity, profile), vectors)

    async def likeness(self, text: str, vectors: Matrix) -> Vector:
        """(n,) cosine of a text and each passage."""
        encoded = (await self.encoder.queries([text]))[0]
        return np.asarray(vectors @ encoded, np.float64)

    async def _similar(
        self, query: Query, ids: Sequence[ChunkId], nearest: float | None, vectors: Matrix | None
    ) -> tuple[Vector, Matrix] | tuple[None, None]:
        if self._vectors is None or nearest is None:
            return None, None
        if vectors is None:
            vectors = await self._vectors.vectors(query.collection, ids)
        return await self.likeness(query.text, vectors) - nearest, vectors
