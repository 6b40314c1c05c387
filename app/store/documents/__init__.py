"""Documents: accepted, built, published, deleted."""

from __future__ import annotations

from app.store.documents.rows import Built, Listed, Pending, Stats, Written
from app.store.documents.store import Documents

__all__ = ["Built", "Documents", "Listed", "Pending", "Stats", "Written"]
