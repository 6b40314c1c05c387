"""A shelf of documents with one backend's index over them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from retrievers.embedders.hashing import HashingEmbedder
from retrievers.filters import EVERYTHING, Filter
from retrievers.protocol import Resources
from retrievers.types import Chunk, ChunkId, CollectionId, Evidence, Query
from tests.contract.backends import BACKENDS, Backend
from tests.fakes import HERE, Shelf

CORPUS = {
    "delta": ("River delta", "The Oren delta drains into the Gulf of Maru.\n\nIt floods in May."),
    "bridge": ("Iron bridge", "The iron bridge at Kell was built by Ada Varn in 1874."),
    "varn": ("Ada Varn", "Ada Varn was an engineer born in Kell. She studied in Lund."),
    "lund": ("Lund", "Lund is a town with an old university and a botanical garden."),
    "kell": ("Kell", "Kell lies on the river Oren, upstream of the delta."),
    "engine": ("Steam engine", "The steam engine QX-7741 drove the pumps of the Kell mine."),
    "mine": ("Kell mine", "Copper was dug in the Kell mine until the pumps failed."),
    "garden": ("Botanical garden", "The garden in Lund keeps ferns from the Oren valley."),
    "tokyo": ("東京", "東京都は日本の首都です。人口は約一千四百万人。"),
    "gulf": ("Gulf of Maru", "The Gulf of Maru is shallow; its ports silt up every decade."),
}


@dataclass
class Stand:
    """Everything one contract test works with."""

    backend: Backend
    data_dir: Path
    shelf: Shelf = field(default_factory=Shelf)
    made: list[Any] = field(default_factory=list)

    def open_new(self, data_dir: Path | None = None) -> Any:
        """Another retriever over the same truth, as after a restart."""
        resources = Resources(data_dir or self.data_dir, HashingEmbedder(), self.shelf)
        retriever = self.backend.make(resources)
        self.made.append(retriever)
        return retriever

    @property
    def retriever(self) -> Any:
        return self.made[-1]

    async def index(self, collection: CollectionId = HERE) -> None:
        """Bring the newest retriever up to date, durably."""
        await self.retriever.replace(collection, self.shelf.documents(collection))
        await self.retriever.commit(collection)

    def query(
        self,
        text: str,
        condition: Filter = EVERYTHING,
        collection: CollectionId = HERE,
        seeds: list[Chunk] | None = None,
    ) -> Query:
        """The question in the form the backend needs."""
        if not self.backend.seeded:
            return Query(collection, text, condition)
        words = set(re.findall(r"\w+", text.lower()))
        weights: dict[ChunkId, float] = {}
        for chunk in seeds if seeds is not None else self.shelf.chunks(collection):
            if shared := words & set(re.findall(r"\w+", chunk.embed_text.lower())):
                # Sharp, as the engine's seeds are.
                weights[chunk.id] = (len(shared) / len(words)) ** 4
        return Query(collection, text, condition, seeds=weights)

    async def find(self, text: str, k: int = 5, condition: Filter = EVERYTHING) -> list[Evidence]:
        """Ask the newest retriever."""
        found: list[Evidence] = await self.retriever.search(self.query(text, condition), k)
        return found


def documents(found: list[Evidence]) -> list[str]:
    """Public ids of the documents found, in order."""
    return [e.origin.document_id for e in found if isinstance(e.origin, Chunk)]


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.name)
async def stand(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stand]:
    """An empty shelf with a new backend."""
    stand = Stand(request.param, tmp_path / "data")
    stand.open_new()
    yield stand
    for retriever in stand.made:
        await retriever.close()


@pytest.fixture
async def corpus(stand: Stand) -> Stand:
    """The test corpus, indexed and committed."""
    for name, (title, text) in CORPUS.items():
        stand.shelf.put(name, text, title, {"letter": name[0], "length": len(text)})
    await stand.index()
    return stand
