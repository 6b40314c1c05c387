"""API keys: random, shown once, stored as keyed digests."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, select, update

from app.domain.errors import Conflict, NotFound
from app.domain.ids import new_id
from app.domain.principal import EVERY_COLLECTION, Principal, Scope
from app.store.clock import Clock, utc_now
from app.store.memo import Memo
from app.store.session import Database
from app.store.tables import api_keys

_ADMIN: tuple[Scope, ...] = ("admin",)
_FORMAT = re.compile(r"anb_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
# Digests of unknown keys are remembered too, so that guessing costs the database nothing.
_MAX_REMEMBERED = 10_000


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
        self._database, self._clock = database, clock
        self._pepper = hashlib.blake2b(pepper, digest_size=32).digest()
        self._known: Memo[bytes, Principal | None] = Memo(database, "keys", _MAX_REMEMBERED)
        self._used: dict[str, datetime] = {}

    async def create(
        self, scopes: Collection[Scope], collections: Collection[str], note: str = ""
    ) -> tuple[str, str]:
        """A new key as (id, secret). The secret, `anb_…`, cannot be shown again."""
        lookup = "".join(secrets.choice(_ALPHABET) for _ in range(8))
        secret = f"anb_{lookup}_{secrets.token_urlsafe(32)}"
        row = self._row(secret, lookup, scopes, collections, note, bootstrap=False)
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                touched.topics.add("keys")
                await connection.execute(api_keys.insert(), row)
        return row["id"], secret

    async def verify(self, secret: str) -> Principal | None:
        """Who holds this key; None if it is unknown or revoked. Any string may be asked.

        While exclusive a key asked for before costs no SQL, known or not.
        """
        digest = self._digest(secret)
        principal = await self._known.get(digest, lambda: self._find(secret, digest))
        if principal is not None:
            self._used[principal.key_id] = self._clock()
        return principal

    async def list(self) -> list[KeyInfo]:
        """Every key that works, oldest first."""
        wanted: Select[Any] = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        async with self._database.read() as connection:
            return [self._info(row) for row in await connection.execute(wanted)]

    async def revoke(self, id: str) -> None:
        """Stop a key from working, at once.

        Raises:
            NotFound: Unknown or revoked.
            Conflict: It is the last one with the scope `admin`, or it comes from the environment.
        """
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                # All rows are locked: two admins must not revoke each other at the same time.
                rows = await connection.execute(
                    select(api_keys).order_by(api_keys.c.id).with_for_update()
                )
                keys = {row.id: row for row in rows}
                if id not in keys:
                    raise NotFound("there is no such key")
                if keys[id].bootstrap:
                    raise Conflict("this key comes from ANABRANCH_API_KEYS; remove it there")
                others = [row for row in keys.values() if row.id != id]
                if "admin" in keys[id].scopes and not any("admin" in row.scopes for row in others):
                    raise Conflict("this is the last admin key; create another one first")
                await connection.execute(delete(api_keys).where(api_keys.c.id == id))
                touched.topics.add("keys")

    async def bootstrap(self, secrets: Sequence[str]) -> None:
        """Let exactly these keys of the environment work, with scope `admin` on everything."""
        rows = {
            row["digest"]: row
            for row in (
                self._row(
                    secret,
                    # Nothing of a key that may have any form is shown, only of its digest.
                    self._digest(secret).hex()[:8],
                    _ADMIN,
                    (EVERY_COLLECTION,),
                    "from ANABRANCH_API_KEYS",
                    bootstrap=True,
                )
                for secret in secrets
            )
        }
        with self._database.changes.announced() as touched:
            async with self._database.write() as connection:
                touched.topics.add("keys")
                # A key made by the service may be put into the environment too: it stays its own.
                await connection.execute(
                    delete(api_keys).where(
                        api_keys.c.bootstrap, api_keys.c.digest.not_in(list(rows))
                    )
                )
                present = await connection.scalars(
                    select(api_keys.c.digest).where(api_keys.c.digest.in_(list(rows)))
                )
                for digest in present:
                    del rows[bytes(digest)]
                if rows:
                    await connection.execute(api_keys.insert(), list(rows.values()))

    async def has_admin(self) -> bool:
        """Whether some key can administer; if not, one must be made and shown."""
        return any("admin" in key.scopes for key in await self.list())

    async def save_usage(self) -> None:
        """Write down when keys were last used; kept in memory in between."""
        used, self._used = self._used, {}
        if not used:
            return
        async with self._database.write() as connection:
            await connection.execute(
                update(api_keys).where(api_keys.c.id == bindparam("of_key")),
                [{"of_key": id, "last_used_at": moment} for id, moment in used.items()],
            )

    def _digest(self, secret: str) -> bytes:
        # Lone surrogates may come in a header; they must be unknown, not an error.
        raw = secret.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(raw, digest_size=32, key=self._pepper).digest()

    async def _find(self, secret: str, digest: bytes) -> Principal | None:
        form = _FORMAT.fullmatch(secret)
        lookups = [digest.hex()[:8], *([form[1]] if form else [])]
        async with self._database.read() as connection:
            rows = await connection.execute(select(api_keys).where(api_keys.c.lookup.in_(lookups)))
            for row in rows:
                if hmac.compare_digest(bytes(row.digest), digest):
                    return Principal(row.id, frozenset(row.scopes), frozenset(row.collections))
        return None

    def _row(
        self,
        secret: str,
        lookup: str,
        scopes: Collection[Scope],
        collections: Collection[str],
        note: str,
        bootstrap: bool,
    ) -> dict[str, Any]:
        return {
            "id": new_id("key"),
            "lookup": lookup,
            "digest": self._digest(secret),
            "scopes": sorted(scopes),
            "collections": sorted(collections),
            "note": note,
            "bootstrap": bootstrap,
            "created_at": self._clock(),
        }

    def _info(self, row: Row[Any]) -> KeyInfo:
        return KeyInfo(
            row.id,
            row.lookup if row.bootstrap else f"anb_{row.lookup}",
            frozenset(row.scopes),
            frozenset(row.collections),
            row.note,
            bool(row.bootstrap),
            row.created_at,
            self._used.get(row.id, row.last_used_at),
        )
