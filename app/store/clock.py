"""The time, as a value that tests can set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Aware, in UTC."""


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)
