"""What may go wrong in a retriever. The engine turns these into a degradation, never an HTTP error.

RetrieverError
├── RetrieverUnavailable   the backend is closed, damaged, full or broken
└── QueryRefused           this query cannot be put to this backend (guarded SQL, unusable filter)
"""

from __future__ import annotations


class RetrieverError(Exception):
    """Anything a retriever raises on purpose; the text is safe to show to the caller."""


class RetrieverUnavailable(RetrieverError):
    """The backend cannot answer now: not open, being rebuilt, overloaded or failing."""


class QueryRefused(RetrieverError):
    """The backend works but must not or cannot run this query."""
