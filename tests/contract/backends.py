"""Who must keep the contracts: one line per backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from retrievers.fulltext.tantivy import TantivyRetriever
from retrievers.graph.csr import GraphRetriever
from retrievers.protocol import Resources
from retrievers.vector.faiss import FaissOptions, FaissRetriever


@dataclass(frozen=True)
class Backend:
    """One implementation of `Retriever` and `Projection`.

    Attributes:
        seeded: It starts from passages (`Query.seeds`) rather than from the question's words.
        forgets: Scores after a deletion are at once those of an index that never held the
            document, not only after a rebuild.
    """

    name: str
    make: Callable[[Resources], Any]
    seeded: bool = False
    forgets: bool = True


BACKENDS = [
    Backend("faiss", FaissRetriever),
    Backend(
        "faiss-clustered",
        lambda resources: FaissRetriever(resources, FaissOptions(flat_up_to=8)),
        forgets=False,
    ),
    Backend("tantivy", TantivyRetriever, forgets=False),
    Backend("csr", GraphRetriever, seeded=True),
]
