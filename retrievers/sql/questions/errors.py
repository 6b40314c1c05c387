"""What ends the reading of a question."""

from __future__ import annotations


class Unanswerable(Exception):
    """The question is understood, but no statement of ours says it."""
