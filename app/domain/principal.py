"""Who asks, and what they may touch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.domain.errors import Forbidden

Scope = Literal["read", "write", "metrics", "admin"]
EVERY_COLLECTION = "*"


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of one API key."""

    key_id: str
    scopes: frozenset[Scope]
    collections: frozenset[str]  # names, or {"*"}

    def may(self, scope: Scope) -> bool:
        """Whether the key carries the scope; `admin` implies every other."""
        return scope in self.scopes or "admin" in self.scopes

    def sees(self, collection: str) -> bool:
        """Whether the collection exists for this key."""
        return EVERY_COLLECTION in self.collections or collection in self.collections

    def covers(self, collections: Iterable[str]) -> bool:
        """Whether the key sees all of these, of which one may be `*`."""
        return all(self.sees(name) for name in collections)

    def require(self, scope: Scope) -> None:
        """Raise `Forbidden` unless the key carries the scope."""
        if not self.may(scope):
            raise Forbidden(f"this key lacks the scope {scope!r}")
