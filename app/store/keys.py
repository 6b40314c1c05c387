"""API keys: random, shown once, stored as keyed digests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.principal import Principal, Scope
from app.store.clock import Clock, utc_now
from app.store.session import Database


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be shown of a key."""

    id: str
    prefix: str  # public part, for telling keys apart
    scopes: frozenset[Scope]
    collections: frozenset[str]
    note: str
    bootstrap: bool  # from the environment; comes and goes with it
    created_at: datetime
    last_used_at: datetime | None


class Keys:
    """Create, verify and revoke keys.

    Args:
        pepper: Secret of this installation, kept outside the database; with another one no stored
            key is known.
    """

    def __init__(self, database: Database, pepper: bytes, clock: Clock = utc_now) -> None:
        raise NotImplementedError

    async def create(
        self, scopes: Collection[Scope], collections: Collection[str], note: str = ""
    ) -> tuple[str, str]:
        """A new key as (id, secret). The secret, `anb_…`, cannot be shown again."""
        raise NotImplementedError

    async def verify(self, secret: str) -> Principal | None:
        """Who holds this key; None if it is unknown or revoked. Any string may be asked.

        While exclusive no SQL is run after the first call. Else a key revoked by another process
        may still be known here for `STALE_S` seconds.
        """
        raise NotImplementedError

    async def list(self) -> list[KeyInfo]:
        """Every key that works, oldest first."""
        raise NotImplementedError

    async def revoke(self, id: str) -> None:
        """Stop a key from working, at once.

        Raises:
            NotFound: Unknown or revoked.
            Conflict: It is the last one with the scope `admin`, or it comes from the environment.
        """
        raise NotImplementedError

    async def bootstrap(self, secrets: Sequence[str]) -> None:
        """Let exactly these keys of the environment work, with scope `admin` on everything."""
        raise NotImplementedError

    async def has_admin(self) -> bool:
        """Whether some key can administer; if not, one must be made and shown."""
        raise NotImplementedError

    async def save_usage(self) -> None:
        """Write down when keys were last used; kept in memory in between."""
        raise NotImplementedError
