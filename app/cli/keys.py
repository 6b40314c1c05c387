"""`anabranch keys create|list|revoke`."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from urllib.parse import quote

from app.cli.output import out, plain, table
from app.cli.session import call, session


def run(arguments: Namespace) -> int:
    """Do what the verb says."""
    asyncio.run({"create": _create, "list": _list, "revoke": _revoke}[arguments.verb](arguments))
    return 0


async def _create(arguments: Namespace) -> None:
    body = {
        "scopes": arguments.scope or ["read"],
        "collections": arguments.collection or ["*"],
        "note": arguments.note,
    }
    async with session(arguments) as client:
        made = await call(client, "POST", "/v1/api-keys", json=body)
    out().print(f"{made['key']}", markup=False)


async def _list(arguments: Namespace) -> None:
    async with session(arguments) as client:
        found = (await call(client, "GET", "/v1/api-keys"))["data"]
    listed = table("id", "prefix", "scopes", "collections", "last used", "note")
    for key in found:
        if key["note"] == "one command":  # this command's own
            continue
        listed.add_row(
            key["id"],
            key["prefix"],
            ", ".join(key["scopes"]),
            plain(", ".join(key["collections"])),
            key["last_used_at"] or "never",
            plain("from ANABRANCH_API_KEYS" if key["bootstrap"] else key["note"]),
        )
    out().print(listed)


async def _revoke(arguments: Namespace) -> None:
    async with session(arguments) as client:
        await call(client, "DELETE", f"/v1/api-keys/{quote(arguments.id, safe='')}")
    out().print(f"revoked {arguments.id}", markup=False)
