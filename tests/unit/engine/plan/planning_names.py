"""The names a small collection's index would know."""

from __future__ import annotations


class Index:
    """Knows these keys, and no others."""

    def __init__(self, *keys: str) -> None:
        self._keys = frozenset(keys)

    def known(self, key: str) -> bool:
        return key in self._keys


EMPTY = Index()
VALLEY = Index(
    "isaura venn",
    "tobias quill",
    "oxbow mill",
    "gauge house",
    "skarn tarn",
    "duke of callowby",
    "nine heron bridge",
    "lantern night",
    "the who",
)
