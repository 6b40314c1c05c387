"""From what drivers return to JSON scalars, within a size."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

SAFE_INTEGER = 2**53 - 1
"""Beyond it, JavaScript's numbers lose digits."""
LONGEST_TEXT = 16_384


def scalar(value: Any) -> str | int | float | bool | None:
    """One value as JSON can hold it without loss of meaning.

    Decimals become numbers, too large ones text; dates are ISO 8601, bytes base64, infinities and
    NaN text.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        text: str = value.replace("\0", "\ufffd")  # no text elsewhere holds one
        return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return scalar(base64.b64encode(bytes(value)[:LONGEST_TEXT]).decode())
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict | list | tuple):
        return scalar(json.dumps(value, default=str, ensure_ascii=False, sort_keys=True))
    return scalar(str(value))


def _decimal(value: Decimal) -> str | int | float:
    if not value.is_finite() or abs(value) > SAFE_INTEGER:
        return str(value)
    return int(value) if value == value.to_integral_value() else float(value)


def take(rows: Iterable[Sequence[Any]], cap: int, size: int) -> tuple[list[tuple[Any, ...]], bool]:
    """At most `cap` rows of at most `size` bytes of JSON, and whether there were more."""
    taken: list[tuple[Any, ...]] = []
    used = 0
    for row in rows:
        safe = tuple(scalar(value) for value in row)
        used += len(json.dumps(safe, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if len(taken) == cap or used > size:
            return taken, True
        taken.append(safe)
    return taken, False
