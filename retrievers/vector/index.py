"""The two kinds of FAISS index used here, without files or threads.

Flat is exact and forgets what is removed. Clustered (IVF, 8 bits a value) is approximate, four
times smaller and thirty times faster at 100,000 vectors; its lists fit the vectors it was trained
on. It keeps its own ids: an id map around it returns wrong ids after a removal.
"""

from __future__ import annotations

import math
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

RECALL = 0.97
"""Share of the exact top 10 that the probed lists must find."""
SAMPLE = 200
TRAIN_PER_LIST = 64


def flat(dimension: int) -> Any:
    """An empty exact index over inner products, with ids of the caller's."""
    return faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))


def lists_for(count: int) -> int:
    """Inverted lists for a collection: 4·√n when built, still √n when it has grown 16-fold."""
    return max(1, min(round(4 * math.sqrt(count)), count // 2))


def clustered(vectors: Vectors, ids: Ids, exact: Any) -> Any:
    """An IVF index with 8-bit values over these vectors, `nprobe` set by its measured recall.

    Training takes evenly spaced rows in id order, so the same vectors give the same index.

    Args:
        exact: A flat index of the same rows, to measure against.
    """
    count, dimension = vectors.shape
    lists = lists_for(count)
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.min_points_per_centroid = 1  # below 39 it only warns, to stderr
    step = max(1, count // (TRAIN_PER_LIST * lists))
    index.train(np.ascontiguousarray(vectors[::step]))
    index.add_with_ids(vectors, ids)
    index.nprobe = probes(index, exact, vectors, ids)
    return index


def probes(index: Any, exact: Any, vectors: Vectors, ids: Ids) -> int:
    """Fewest lists to probe, a power of two, that reach `RECALL` on sampled stored vectors.

    Each sampled vector asks for its ten nearest others. 8-bit rounding alone may cost more than
    `RECALL` allows; then the count after which twice as many gain less than half a percent.
    """
    rows = np.linspace(0, len(ids) - 1, min(SAMPLE, len(ids))).astype(np.int64)
    queries = np.ascontiguousarray(vectors[rows])
    _, nearest = exact.search(queries, 11)
    wanted = [set(found) - {ids[row]} for row, found in zip(rows, nearest, strict=True)]
    count, before = min(8, int(index.nlist)), 0.0
    while True:
        options: dict[str, Any] = {"nprobe": count}
        _, found = index.search(queries, 11, params=faiss.SearchParametersIVF(**options))
        shares = [len(want & set(got)) / 10 for want, got in zip(wanted, found, strict=True)]
        recall = float(np.mean(shares))
        if recall >= RECALL or count == index.nlist:
            return count
        if recall < before + 0.005:
            return count // 2
        count, before = min(2 * count, int(index.nlist)), recall


def is_flat(index: Any) -> bool:
    """Whether the index is the exact kind."""
    return isinstance(index, faiss.IndexIDMap2)


def search(index: Any, vector: Vectors, k: int, allowed: Ids | None) -> tuple[Vectors, Ids]:
    """Scores and ids of the best `k` rows; `allowed` restricts before the ranking.

    Fewer come back only when there are no more.
    """
    options: dict[str, Any] = {}
    if allowed is not None:
        options["sel"] = faiss.IDSelectorBatch(allowed)
    if is_flat(index):
        return _search(index, vector, k, faiss.SearchParameters(**options))
    possible = int(index.ntotal) if allowed is None else min(len(allowed), int(index.ntotal))
    # Deeper lists and rarer rows need more probes than the ten neighbours `nprobe` was set for.
    wide = index.nprobe * max(index.ntotal / max(possible, 1), k / 64)
    options["nprobe"] = min(int(index.nlist), math.ceil(wide))
    scores, ids = _search(index, vector, k, faiss.SearchParametersIVF(**options))
    if len(ids) < min(k, possible) and options["nprobe"] < index.nlist:
        options["nprobe"] = int(index.nlist)
        scores, ids = _search(index, vector, k, faiss.SearchParametersIVF(**options))
    return scores, ids


def _search(index: Any, vector: Vectors, k: int, parameters: Any) -> tuple[Vectors, Ids]:
    scores, ids = index.search(vector, k, params=parameters)
    found = ids[0] >= 0
    return scores[0][found], ids[0][found]
