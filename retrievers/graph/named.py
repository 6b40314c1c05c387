"""Which entities passages name, for those who look for the answer of a hop among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrievers.graph.view import Integers, View
from retrievers.protocol import Named
from retrievers.types import ChunkId


def named(view: View, ids: Sequence[ChunkId]) -> list[tuple[Named, ...]]:
    """The entities of each passage, ascending by key; nothing for a passage that is not here."""
    rows = view.rows(ids)
    homes = _homes(view)
    found = []
    for row in rows.tolist():
        columns = view.entities_of(row) if row >= 0 else np.empty(0, np.int64)
        entities = [
            Named(
                key=view.key(column),
                rarity=view.rarity(column),
                titled=int(view.titles[row]) == column,
                home=ChunkId(int(view.ids[homes[column]])) if homes[column] >= 0 else None,
            )
            for column in columns.tolist()
        ]
        found.append(tuple(sorted(entities, key=lambda entity: entity.key)))
    return found


def _homes(view: View) -> Integers:
    """Column to the first row, in order of chunk keys, whose title it is; -1 for none."""
    homes = np.full(view.count, -1)
    titled = np.flatnonzero(view.titles >= 0)[::-1]
    homes[view.titles[titled]] = titled
    return homes
