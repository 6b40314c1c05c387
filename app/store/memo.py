"""Values read from SQL and remembered until somebody touches their topic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from app.store.session import Database

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """A small cache. Remembers nothing unless this process is the only writer.

    Args:
        topic: Name of what the values depend on; see `Changes.stamp`.
        capacity: When it is full, all is forgotten: keys that callers choose must not pile up.
    """

    def __init__(self, database: Database, topic: str, capacity: int = 10_000) -> None:
        self._changes, self._exclusive = database.changes, database.exclusive
        self._topic, self._capacity = topic, capacity
        self._stamp = -1
        self._values: dict[K, V] = {}

    async def get(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """The value of `key`, loaded when it is not known; an error is not remembered."""
        if not self._exclusive:
            return await load()
        stamp = self._changes.stamp(self._topic)
        if self._stamp != stamp:
            self._values.clear()
            self._stamp = stamp
        elif key in self._values:
            return self._values[key]
        value = await load()
        # Touched while loading: the value may be older than the change.
        if self._changes.stamp(self._topic) == stamp == self._stamp:
            if len(self._values) >= self._capacity:
                self._values.clear()
            self._values[key] = value
        return value
