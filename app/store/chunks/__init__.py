"""Chunks as retrievers and projections ask for them."""

from __future__ import annotations

from app.store.chunks.stored import StoredChunks

__all__ = ["StoredChunks"]
