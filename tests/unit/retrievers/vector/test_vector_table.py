"""The table of vectors, exact and clustered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.errors import RetrieverUnavailable
from retrievers.vector import index as kinds
from retrievers.vector.device import WIDEST, Copy, choose
from retrievers.vector.index import Ids, Vectors
from retrievers.vector.table import Table

DIMENSION = 16
NOTHING = np.empty(0, np.int64)


def _vectors(count: int, seed: int = 0, groups: int = 40) -> Vectors:
    """Unit vectors in clusters, as texts' are; the clusters are always the same."""
    centres = np.random.default_rng(0).standard_normal((groups, DIMENSION))
    random = np.random.default_rng(seed)
    drawn = centres[random.integers(groups, size=count)]
    vectors = drawn + 0.6 * random.standard_normal((count, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def _filled(count: int, flat_up_to: int = 10**9, device: Any = None) -> tuple[Table, Vectors]:
    table, vectors = Table(DIMENSION, flat_up_to, device), _vectors(count)
    ids = np.arange(count, dtype=np.int64) * 3 + 1
    table.replace(NOTHING, ids, ids // 9, vectors)
    return table, vectors


def _top(table: Table, vector: Vectors, k: int, allowed: Ids | None = None) -> list[int]:
    return table.search(vector.reshape(1, -1), k, allowed)[1].tolist()


def test_a_search_is_exact_while_the_table_is_flat() -> None:
    table, vectors = _filled(500)
    for query in _vectors(20, seed=1):
        best = np.argsort(-(vectors @ query), kind="stable")[:10]
        assert _top(table, query, 10) == (best * 3 + 1).tolist()


def test_a_filter_leaves_only_what_is_allowed() -> None:
    table, vectors = _filled(500)
    allowed = np.array([1, 4, 301, 999_999], np.int64)
    assert sorted(_top(table, vectors[7], 10, allowed)) == [1, 4, 301]


def test_an_empty_table_finds_nothing() -> None:
    assert _top(Table(DIMENSION, 10), _vectors(1)[0], 5) == []


def test_a_second_row_of_one_id_replaces_the_first() -> None:
    table, vectors = _filled(10)
    table.replace(NOTHING, np.array([4]), np.array([77]), vectors[9:])
    assert len(table) == 10
    assert table.vectors(np.array([4]))[0] == pytest.approx(vectors[9])


def test_stored_vectors_come_back_and_unknown_ones_are_zero() -> None:
    table, vectors = _filled(10)
    rows = table.vectors(np.array([28, 2, 1, 10**12]))
    assert rows[0] == pytest.approx(vectors[9])
    assert rows[2] == pytest.approx(vectors[0])
    assert not rows[[1, 3]].any()
    assert Table(DIMENSION, 10).vectors(np.array([1])).tolist() == [[0.0] * DIMENSION]


def test_removing_unknown_documents_is_no_change() -> None:
    table, _ = _filled(10)
    assert not table.replace(np.array([123]), NOTHING, NOTHING, np.empty((0, DIMENSION), "f4"))
    assert table.replace(np.array([0]), NOTHING, NOTHING, np.empty((0, DIMENSION), "f4"))


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_a_table_after_any_changes_equals_one_filled_at_once(data: st.DataObject) -> None:
    pool = _vectors(64, seed=2)
    table = Table(DIMENSION, 10**9)
    truth: dict[int, list[int]] = {}
    for _ in range(data.draw(st.integers(1, 8))):
        document = data.draw(st.integers(0, 5))
        chunks = data.draw(st.lists(st.integers(0, 9), unique=True, max_size=4))
        ids = [document * 10 + chunk for chunk in chunks]
        truth[document] = ids
        owner = np.full(len(ids), document, np.int64)
        table.replace(np.array([document]), np.array(ids, np.int64), owner, pool[ids])
    ids = np.array(sorted(i for chunks in truth.values() for i in chunks), np.int64)
    fresh = Table(DIMENSION, 10**9)
    fresh.replace(NOTHING, ids, ids // 10, pool[ids])
    assert table.ids.tolist() == ids.tolist()
    for query in _vectors(5, seed=3):
        expected = fresh.search(query.reshape(1, -1), 100, None)
        found = table.search(query.reshape(1, -1), 100, None)
        assert sorted(zip(*map(list, found), strict=True)) == sorted(
            zip(*map(list, expected), strict=True)
        )


def test_clustering_keeps_ids_and_nearly_all_neighbours() -> None:
    table, _ = _filled(4_000, flat_up_to=1_000)
    queries = _vectors(50, seed=4)
    exact = [_top(table, query, 10) for query in queries]
    assert table.outgrown
    table.cluster()
    assert not table.outgrown
    assert not table.exact
    found = [_top(table, query, 10) for query in queries]
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)]
    assert np.mean(shared) >= 0.95
    assert table.facts["nprobe"] >= 8


def test_removals_from_a_clustered_table_leave_the_right_ids() -> None:
    table, vectors = _filled(2_000, flat_up_to=1_000)
    table.cluster()
    table.replace(np.arange(0, 200), NOTHING, NOTHING, np.empty((0, DIMENSION), "f4"))
    kept = np.flatnonzero((np.arange(2_000) * 3 + 1) // 9 >= 200)
    assert len(table) == len(kept)
    hits = [_top(table, vectors[row], 1) == [row * 3 + 1] for row in kept[::10]]
    assert np.mean(hits) >= 0.98


def test_a_clustered_table_gives_all_it_has_when_asked_for_more() -> None:
    table, vectors = _filled(2_000, flat_up_to=1_000)
    table.cluster()
    assert len(_top(table, vectors[0], 5_000)) == 2_000
    rare = np.array([1, 1_501, 3_001, 4_501, 5_998], np.int64)
    assert sorted(_top(table, vectors[0], 10, rare)) == rare.tolist()


def test_a_clustered_table_is_worn_by_removals_growth_and_shrinking() -> None:
    table, _ = _filled(2_000, flat_up_to=1_000)
    assert not table.worn
    table.cluster()
    assert not table.worn
    empty = np.empty((0, DIMENSION), np.float32)
    table.replace(np.arange(0, 160), NOTHING, NOTHING, empty)
    assert not table.worn
    table.replace(np.arange(160, 175), NOTHING, NOTHING, empty)
    assert table.worn


@pytest.mark.parametrize("flat_up_to", [10**9, 100], ids=["flat", "clustered"])
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, flat_up_to: int) -> None:
    table, vectors = _filled(1_000, flat_up_to)
    if table.outgrown:
        table.cluster()
    table.replace(np.array([3]), NOTHING, NOTHING, np.empty((0, DIMENSION), "f4"))
    table.save(tmp_path)
    loaded = Table.load(tmp_path, dict(table.facts), flat_up_to)
    assert loaded.facts == table.facts
    for query in vectors[:20]:
        assert _top(loaded, query, 20) == _top(table, query, 20)
    loaded.replace(np.array([4]), NOTHING, NOTHING, np.empty((0, DIMENSION), "f4"))
    assert len(loaded) == len(table) - 3


def test_the_same_rows_give_the_same_clusters() -> None:
    one, vectors = _filled(1_500, flat_up_to=1_000)
    two, _ = _filled(1_500, flat_up_to=1_000)
    one.cluster()
    two.cluster()
    for query in vectors[:30]:
        assert _top(one, query, 50) == _top(two, query, 50)


def test_lists_stay_between_one_and_four_square_roots() -> None:
    for count in (1, 2, 10, 1_000, 100_000, 1_000_000):
        assert 1 <= kinds.lists_for(count) <= 4 * count**0.5 + 1
    assert kinds.lists_for(100_000) >= (16 * 100_000) ** 0.5 * 0.99


class Mirror:
    """A device in main memory: copies are clones, and count what they are asked."""

    def __init__(self) -> None:
        self.asked = 0

    def copy(self, index: Any) -> Copy:
        mirror, clone = self, faiss.clone_index(index)

        class Clone:
            def search(self, vector: Vectors, k: int) -> tuple[Vectors, Ids]:
                mirror.asked += 1
                return kinds.search(clone, vector, k, None)

        return Clone()


def test_a_device_answers_what_it_can_and_stays_up_to_date() -> None:
    device = Mirror()
    table, vectors = _filled(3_000, device=device)
    assert _top(table, vectors[5], 1) == [16]
    assert device.asked == 1
    assert _top(table, vectors[5], 1, np.array([1], np.int64)) == [1]
    assert len(_top(table, vectors[5], WIDEST + 1)) == WIDEST + 1
    assert device.asked == 1
    table.replace(np.array([1]), NOTHING, NOTHING, np.empty((0, DIMENSION), "f4"))
    assert 16 not in _top(table, vectors[5], 10)
    assert device.asked == 2


def test_a_gpu_that_is_not_there_is_named_with_its_cure() -> None:
    if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus():
        pytest.skip("there is a GPU")
    with pytest.raises(RetrieverUnavailable, match=r"gpu.*auto"):
        choose("gpu")
    assert choose("auto").copy(kinds.flat(DIMENSION)) is None
    assert choose("cpu").copy(kinds.flat(DIMENSION)) is None


@pytest.mark.gpu
@pytest.mark.parametrize("flat_up_to", [10**9, 1_000], ids=["flat", "clustered"])
def test_a_gpu_finds_what_the_cpu_finds(flat_up_to: int) -> None:
    if not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus():
        pytest.skip("needs faiss-gpu and a CUDA device")
    on_cpu, vectors = _filled(4_000, flat_up_to)
    on_gpu, _ = _filled(4_000, flat_up_to, choose("gpu"))
    for table in (on_cpu, on_gpu):
        if table.outgrown:
            table.cluster()
    shared = [len(set(_top(on_cpu, q, 10)) & set(_top(on_gpu, q, 10))) / 10 for q in vectors[:100]]
    assert np.mean(shared) >= 0.99
    on_gpu.replace(np.array([0]), NOTHING, NOTHING, np.empty((0, DIMENSION), "f4"))
    assert not {1, 4, 7} & set(_top(on_gpu, vectors[0], 100))
