"""`anabranch migrate` and `anabranch config`."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.cli.output import out
from app.cli.session import settings_of
from app.lock import DataDirLock
from app.settings import Settings, leaves


def run(arguments: Namespace) -> int:
    """Do what the verb says."""
    settings = settings_of(arguments)
    if arguments.verb == "config":
        for name, value in leaves(settings):
            out().print(f"{name}={shown(value)}", markup=False)
    else:
        with DataDirLock(settings.data_dir, "migrate"):
            asyncio.run(_migrate(settings))
    return 0


async def _migrate(settings: Settings) -> None:
    from app.store.migrate import at_head, migrate
    from app.store.session import Database

    database = Database(settings.truth_url)
    await database.open()
    try:
        before = await at_head(database)
        await migrate(database)
    finally:
        await database.close()
    out().print("nothing to do: the schema is up to date" if before else "the schema is up to date")


def shown(value: Any) -> str:
    """A value as it is written in `.env`; secrets masked."""
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ",".join(shown(part) for part in value)
    if value is None:
        return ""
    if isinstance(value, str | Path):
        return str(value)
    return json.dumps(value)
