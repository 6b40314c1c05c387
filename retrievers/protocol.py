"""What the engine sees of a retriever, what the indexer sees of it, and what it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from retrievers.filters import Filter
from retrievers.types import Chunk, ChunkId, CollectionId, DocumentKey, Evidence, Query

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Health:
    """State of one channel as `/readyz` shows it."""

    status: Literal["ok", "degraded", "down"]
    detail: str = ""


class Retriever(Protocol):
    """The read face. At most `k` items, best first, keys unique; raises only `RetrieverError`.

    Ties are broken by `Chunk.key`, so the same index gives the same list.
    """

    async def search(self, query: Query, k: int) -> list[Evidence]:
        """The best `k` pieces of evidence for the query."""
        ...

    async def health(self) -> Health:
        """Whether questions can be put; does no heavy work."""
        ...


class Projection(Protocol):
    """The write face: a rebuildable image of the chunks in SQL. Idempotent throughout.

    A change is *applied* (searchable) when `replace` returns and *durable* when `commit` returns.
    """

    name: str
    fingerprint: str

    async def replace(
        self, collection: CollectionId, documents: Mapping[DocumentKey, Sequence[Chunk]]
    ) -> None:
        """Hold exactly these chunks for each document; an empty sequence removes it."""
        ...

    async def commit(self, collection: CollectionId) -> None:
        """Return when all that was replaced survives a power cut."""
        ...

    async def rebuild(self, collection: CollectionId, chunks: AsyncIterator[Chunk]) -> None:
        """Build a new generation from all chunks, swap it in and commit."""
        ...

    async def open(self, collection: CollectionId) -> bool:
        """Load the collection's index; False when it is absent, damaged or of another fingerprint.

        After False the caller rebuilds; until then searches of the collection find nothing (new
        collection) or raise `RetrieverUnavailable` (damaged).
        """
        ...

    async def drop(self, collection: CollectionId) -> None:
        """Forget the collection and delete its files."""
        ...

    async def close(self) -> None:
        """Commit what is open and release files and threads."""
        ...


class Embedder(Protocol):
    """Texts to unit vectors; rows in the order of the texts."""

    fingerprint: str
    """Model, revision, precision, pooling, token limit, prefix: another one means another index."""
    dimension: int
    max_tokens: int

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) float32, L2-normalised; interactive priority."""
        ...

    async def passages(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) float32, L2-normalised; bulk priority."""
        ...

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Code-point span of each token, special tokens excluded, without truncation."""
        ...


class Chunks(Protocol):
    """The truth about chunks, as retrievers may ask it. Only visible (live) chunks are returned."""

    async def get(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Chunk]:
        """The visible ones among `ids`; a chunk deleted a moment ago is absent."""
        ...

    async def stored(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Chunk]:
        """Like `get`, also of versions that are still being built; for the upkeep of indexes."""
        ...

    async def candidates(
        self, collection: CollectionId, ids: Collection[ChunkId]
    ) -> Mapping[ChunkId, Mapping[str, int]]:
        """Entity candidates of stored chunks: normalised key to its count in title-less text."""
        ...

    async def select(
        self, collection: CollectionId, condition: Filter
    ) -> npt.NDArray[np.int64] | None:
        """Ids of the visible chunks whose document satisfies the filter, ascending; None = all."""
        ...


@dataclass(frozen=True, slots=True)
class Resources:
    """What every embedded backend is given when it is opened."""

    data_dir: Path
    """`indexes/<collection>/<projection>/` lives below it."""
    embedder: Embedder
    chunks: Chunks
    language_of: Callable[[CollectionId], Awaitable[str]] | None = None
    """Language code of a collection; where it is None, every backend takes its own default."""


class VectorTable(Protocol):
    """Stored vectors by id, which bridge selection needs beside the ranked list."""

    async def vectors(self, collection: CollectionId, ids: Sequence[ChunkId]) -> Matrix:
        """(len(ids), dimension); a chunk without a vector gives a zero row."""
        ...


@dataclass(frozen=True, slots=True)
class Profile:
    """What the passage graph knows of one question and n candidate passages (arrays, no text).

    `terms` are the question's distinct stemmed content terms that occur in the collection;
    `weights` their idf shares (of all the question's terms, so the sum may be below 1).
    """

    weights: npt.NDArray[np.float64]  # (T,)
    covers: npt.NDArray[np.float64]  # (n, T), 1 where the candidate contains the term
    owner: npt.NDArray[np.int64]  # (L,) candidate row of each entity entry
    entity: npt.NDArray[np.int64]  # (L,) entity number
    strength: npt.NDArray[np.float64]  # (L,) idfn(e), doubled for the candidate's title entity;
    #                                    0 for entities the question itself names
    specificity: float  # max idfn over the question's linked entities, 0 if none; a plain word
    #                     counts as common as the word is, not as its capitalised mentions are
    words: tuple[str, ...]  # the question's words in order
    word_terms: tuple[tuple[int, ...], ...]  # per word: its columns in `covers`
    proximity: npt.NDArray[np.float64]  # (n,) the walk's score (restarted by the query's seeds and
    #                                     entities) over the best passage's; 0 where it never came
    linked: tuple[str, ...] = ()  # the question's linked entities, for the trace


@dataclass(frozen=True, slots=True)
class Named:
    """An entity that a passage names."""

    key: str  # lower-case words joined by spaces
    rarity: float  # its idf over the rarest entity's, in [0, 1]
    titled: bool  # it is the passage's own title
    home: ChunkId | None  # a passage whose title it is


class Names(Protocol):
    """The names that a collection's passages know."""

    def known(self, key: str) -> bool:
        """Whether the key (lower-case words joined by one space) names an entity."""
        ...


class PassageGraph(Protocol):
    """The graph's second face, beside `Retriever`: what is read off it for a few passages."""

    async def profile(self, query: Query, ids: Sequence[ChunkId]) -> Profile:
        """Terms and entities of the candidates, in the order of `ids`."""
        ...

    async def named(
        self, collection: CollectionId, ids: Sequence[ChunkId]
    ) -> list[tuple[Named, ...]]:
        """The entities of each passage, in the order of `ids`."""
        ...

    def names(self, collection: CollectionId) -> Names:
        """The names that may be looked for in a question."""
        ...
