"""Bounded threads for one blocking backend: a slow engine cannot take the others along."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from retrievers.errors import RetrieverUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """Runs blocking calls on its own `width` threads; at most `backlog` more may wait.

    A caller that times out stops waiting; its thread finishes and keeps its slot until then, which
    is why a limiter over shared threads is not enough: it would count the waiter, not the work.

    Args:
        name: Shown in thread names and errors.
        width: Threads.
        backlog: Calls that may wait for a thread before new ones are refused.
        nice: Scheduling niceness of the threads (Linux); bulk work yields to questions.
        initialise: Called once in each thread (`faiss.omp_set_num_threads`, say).
    """

    def __init__(
        self,
        name: str,
        width: int = 2,
        backlog: int = 64,
        nice: int = 0,
        initialise: Callable[[], None] | None = None,
    ) -> None:
        self._name, self._nice, self._initialise = name, nice, initialise
        self._slots = threading.BoundedSemaphore(width + backlog)
        self._pool = ThreadPoolExecutor(width, f"lane-{name}", self._start_thread)

    def _start_thread(self) -> None:
        if self._nice and hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._nice)
        if self._initialise:
            self._initialise()

    async def run(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn` on a thread of this lane.

        Raises:
            RetrieverUnavailable: The backlog is full, or the lane is closed.
        """
        if not self._slots.acquire(blocking=False):
            raise RetrieverUnavailable(f"lane {self._name} is full")
        try:
            future: Future[T] = self._pool.submit(fn, *args, **kwargs)
        except RuntimeError as error:
            self._slots.release()
            raise RetrieverUnavailable(f"lane {self._name} is closed") from error
        future.add_done_callback(lambda _: self._slots.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Refuse new calls and drop waiting ones; running ones finish in the background."""
        self._pool.shutdown(wait=False, cancel_futures=True)
