"""One collection's Tantivy index on disk and its writer. Blocking; the retriever has the threads.

Every batch of changes is made in a draft that shares its files with the published generation (a
segment never changes), so publishing costs the new segments only, and a crash costs the draft.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tantivy

from retrievers.fulltext.analysis import Analysis
from retrievers.generations import Generation, Generations, GenerationUnusable
from retrievers.types import Chunk, ChunkId, DocumentKey

HEAP = 15_000_000
"""Bytes a writer thread may buffer; the engine's minimum, and plenty for a batch."""
BULK_HEAP = 48_000_000
BROAD = 0.25
"""Share of the index above which a filter costs less on the hits than as a set of terms."""


class TextIndex:
    """Searchable at every moment; changes come from one thread at a time."""

    def __init__(self, generations: Generations, analysis: Analysis) -> None:
        self._generations, self._analysis = generations, analysis
        self._base: Generation | None = None
        self._draft: Path | None = None
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._heap = HEAP
        self._uncommitted = False

    @classmethod
    def load(cls, generations: Generations, analysis: Analysis) -> TextIndex | None:
        """The published index, verified; None if there is none.

        Raises:
            GenerationUnusable: It is damaged or made by other rules.
        """
        base = generations.current()
        if base is None:
            return None
        if base.facts["language"] != analysis.language:
            raise GenerationUnusable(f"it was built for language {base.facts['language']}")
        text_index = cls(generations, analysis)
        text_index._base = base
        text_index._index = text_index._open(base.folder)
        return text_index

    @classmethod
    def aside(cls, generations: Generations, analysis: Analysis) -> TextIndex:
        """An empty index that shares nothing with the published one, for a rebuild."""
        text_index = cls(generations, analysis)
        text_index._heap = BULK_HEAP
        text_index._begin()
        return text_index

    def search(
        self, question: str, k: int, allowed: npt.NDArray[np.int64] | None
    ) -> Mapping[ChunkId, float]:
        """BM25 scores of the best `k` chunks; of the `allowed` ones (ascending) if given."""
        index = self._index
        if index is None:
            return {}
        searcher = index.searcher()
        query = self._analysis.query(question, searcher)
        if query is None:
            return {}
        if allowed is None:
            return dict(_hits(searcher, query, k))
        if len(allowed) > BROAD * searcher.num_docs:
            return _among(allowed, searcher, query, k)
        return dict(_hits(searcher, self._analysis.only(query, allowed.tolist()), k))

    def replace(self, documents: Mapping[DocumentKey, Iterable[Chunk]]) -> None:
        """Searchable on return, durable after `publish`."""
        index, writer = self._begin()
        try:
            for document, chunks in documents.items():
                writer.delete_documents_by_query(self._analysis.owned_by(document))
                for chunk in chunks:
                    writer.add_document(self._analysis.document(chunk))
            writer.commit()
        except ValueError:
            # A writer that failed once fails for ever; the next one begins at the last commit.
            self._writer = None
            raise
        index.reload()

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Chunks of documents it does not hold; searchable and durable after `publish`."""
        _, writer = self._begin()
        for chunk in chunks:
            writer.add_document(self._analysis.document(chunk))
        self._uncommitted = True

    def publish(self) -> None:
        """Make all changes durable."""
        if self._draft is None:
            return
        if self._writer is not None:
            if self._uncommitted:
                self._writer.commit()
            self._writer.wait_merging_threads()
            self._writer, self._uncommitted = None, False
        if self._index is not None:
            self._index.reload()
        facts = {"language": self._analysis.language, "count": len(self)}
        self._base = self._generations.publish(self._draft, facts, self._base, synced=True)
        self._draft = None
        self._generations.sweep()

    def discard(self) -> None:
        """Give an unpublished draft up; searches that began with this index still end well."""
        self._writer = None
        if self._draft is not None:
            self._generations.discard(self._draft)

    def __len__(self) -> int:
        return self._index.searcher().num_docs if self._index is not None else 0

    def ids(self) -> list[ChunkId]:
        """All chunks it holds, ascending."""
        if not len(self) or self._index is None:
            return []
        hits = _hits(self._index.searcher(), tantivy.Query.all_query(), len(self))
        return sorted(chunk for chunk, _ in hits)

    def deleted_share(self) -> float:
        """Share of dead entries, which BM25 still counts in its statistics."""
        folder = self._draft or (self._base.folder if self._base else None)
        if folder is None:
            return 0.0
        segments = json.loads((folder / "meta.json").read_bytes())["segments"]
        dead = sum((segment["deletes"] or {}).get("num_deleted_docs", 0) for segment in segments)
        return float(dead / max(1, sum(segment["max_doc"] for segment in segments)))

    def _begin(self) -> tuple[tantivy.Index, tantivy.IndexWriter]:
        if self._draft is None:
            self._draft = self._generations.draft(self._base)
            self._index = self._open(self._draft)
        if self._index is None:
            self._index = self._open(self._draft)
        if self._writer is None:
            self._writer = self._index.writer(heap_size=self._heap, num_threads=1)
        return self._index, self._writer

    def _open(self, folder: Path) -> tantivy.Index:
        # Without reuse an index found there would be kept whatever its schema is.
        index = tantivy.Index(self._analysis.schema, path=str(folder))
        self._analysis.register(index)
        # By itself a reader looks at the folder twice a second, from a thread of its own.
        index.config_reader("manual")
        index.reload()
        return index


def _among(
    allowed: npt.NDArray[np.int64], searcher: tantivy.Searcher, query: tantivy.Query, k: int
) -> Mapping[ChunkId, float]:
    """The best `k` allowed hits, exactly: the list grows until it holds them or ends."""
    members, limit = set(allowed.tolist()), 2 * k
    while True:
        hits = list(_hits(searcher, query, limit))
        kept = [hit for hit in hits if hit[0] in members]
        if len(kept) >= k or len(hits) < limit:
            return dict(kept[:k])
        limit *= 4


def _hits(
    searcher: tantivy.Searcher, query: tantivy.Query, limit: int
) -> Iterator[tuple[ChunkId, float]]:
    hits = searcher.search(query, limit=limit, count=False).hits
    # A column, not the stored documents: those are compressed in blocks.
    ids: list[Any] = searcher.fast_field_values("chunk", [address for _, address in hits])
    return ((ChunkId(chunk), score) for chunk, (score, _) in zip(ids, hits, strict=True))
