"""Where searches run: in FAISS on the CPU, or on a copy of the index on a GPU.

The index in main memory is the one that changes and is written to disk; the copy only answers.
"""

from __future__ import annotations

import threading
from typing import Any, Literal, Protocol

import faiss

from retrievers.errors import RetrieverUnavailable
from retrievers.vector.index import Ids, Vectors, is_flat

Choice = Literal["auto", "cpu", "gpu"]
WIDEST = 2048
"""Rows one GPU search can return."""
_SCRATCH = 256 << 20  # bytes; the library would take 1.5 GB


class Copy(Protocol):
    """A copy of an index that answers unfiltered searches."""

    def search(self, vector: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Scores and ids of the best `k <= WIDEST` rows."""
        ...


class Device(Protocol):
    """Makes copies."""

    def copy(self, index: Any) -> Copy | None:
        """A copy of the index as it is now; None where the index itself should answer."""
        ...


class Cpu:
    """No copies."""

    def copy(self, index: Any) -> Copy | None:
        """None."""
        return None


class Gpu:
    """The first CUDA device."""

    def __init__(self) -> None:
        self._resources = faiss.StandardGpuResources()
        self._resources.setTempMemory(_SCRATCH)
        # One set of resources serves one call at a time.
        self._lock = threading.Lock()

    def copy(self, index: Any) -> Copy:
        """A copy in GPU memory."""
        ids = None
        if is_flat(index):
            # The id map stays here: there is none on the GPU.
            ids = faiss.vector_to_array(index.id_map).copy()
            index = index.index
        with self._lock:
            return _OnGpu(faiss.index_cpu_to_gpu(self._resources, 0, index), ids, self._lock)


class _OnGpu:
    def __init__(self, index: Any, ids: Ids | None, lock: threading.Lock) -> None:
        self._index, self._ids, self._lock = index, ids, lock

    def search(self, vector: Vectors, k: int) -> tuple[Vectors, Ids]:
        with self._lock:
            scores, places = self._index.search(vector, k)
        found = places[0] >= 0
        ids = places[0][found]
        return scores[0][found], ids if self._ids is None else self._ids[ids]


def choose(choice: Choice) -> Device:
    """The device to search on; `auto` takes a GPU where the library and a device are there.

    Raises:
        RetrieverUnavailable: `gpu` was asked for and there is none.
    """
    if choice == "cpu":
        return Cpu()
    built = hasattr(faiss, "StandardGpuResources")
    if built and faiss.get_num_gpus() > 0:
        return Gpu()
    if choice == "auto":
        return Cpu()
    raise RetrieverUnavailable(
        "the vector index is set to device `gpu`, but "
        + (
            "FAISS sees no CUDA device"
            if built
            else "the installed FAISS is built for the CPU: replace faiss-cpu by the extra `gpu`"
        )
        + "; or set the device to `auto`"
    )
