"""Lists in pages: by a cursor over the sort key, since offsets drift while others write."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query

from app.domain.errors import Rejected

T = TypeVar("T")
Place = tuple[datetime, str]  # created_at, id
Limit = Annotated[int, Query(ge=1, le=200, description="Entries of a page.")]
After = Annotated[
    str | None, Query(max_length=2_000, description="`next_cursor` of the page before.")
]


def page(
    found: Sequence[T],
    limit: int,
    where: str,
    place: Callable[[T], Place],
    render: Callable[[T], dict[str, Any]],
) -> dict[str, Any]:
    """The body of one page.

    Args:
        found: Up to `limit + 1` entries; the one too many says that there are more.
        where: Names the list and the key that reads it.
    """
    shown = found[:limit]
    more = len(found) > limit
    return {
        "data": [render(each) for each in shown],
        "has_more": more,
        "next_cursor": cursor(where, place(shown[-1])) if more else None,
    }


def cursor(where: str, place: Place) -> str:
    """An opaque text for a place in a list."""
    payload = json.dumps([place[0].isoformat(), place[1]]).encode()
    return base64.urlsafe_b64encode(_seal(where, payload) + payload).decode().rstrip("=")


def place_of(where: str, after: str | None) -> Place | None:
    """The place a cursor names.

    Raises:
        Rejected: It was not made for this list and key.
    """
    if after is None:
        return None
    try:
        raw = base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True)
        if raw[:8] != _seal(where, raw[8:]):
            raise ValueError("another list or key")
        moment, name = json.loads(raw[8:])
        return datetime.fromisoformat(moment), str(name)
    except (ValueError, TypeError, binascii.Error) as error:
        raise Rejected("this cursor is not of this list and key", at="/query/after") from error


def _seal(where: str, payload: bytes) -> bytes:
    # Against mix-ups, not against forgery: a cursor shows nothing that its maker may not see.
    return hashlib.blake2b(where.encode() + b"\0" + payload, digest_size=8).digest()
