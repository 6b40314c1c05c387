"""API keys."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event, select
from store_library import Library

from app.domain.errors import Conflict, NotFound
from app.domain.principal import Principal
from app.store.keys import Keys
from app.store.session import Database
from app.store.tables import api_keys

pytestmark = pytest.mark.anyio
PEPPER = b"0123456789abcdef"


@pytest.fixture
def keys(library: Library) -> Keys:
    return Keys(library.database, PEPPER, library.watch)


async def test_a_new_key_is_known_by_its_secret(keys: Keys) -> None:
    id, secret = await keys.create({"read", "write"}, {"wiki"}, "for the wiki")
    assert re.fullmatch(r"anb_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", secret)
    expected = Principal(id, frozenset({"read", "write"}), frozenset({"wiki"}))
    for _ in range(2):
        assert await keys.verify(secret) == expected


@pytest.mark.parametrize(
    "wrong", ["", " ", "anb_", "x" * 10_000, "\udc80", "anb_" + "a" * 8 + "_" + "b" * 43, "ключ"]
)
async def test_anything_else_is_unknown(keys: Keys, wrong: str) -> None:
    await keys.create({"read"}, {"*"})
    for _ in range(2):
        assert await keys.verify(wrong) is None


async def test_a_secret_with_one_letter_changed_is_unknown(keys: Keys) -> None:
    _, secret = await keys.create({"read"}, {"*"})
    for wrong in (secret[:-1], secret + "a", secret.swapcase(), secret[:13] + secret[13:][::-1]):
        assert await keys.verify(wrong) is None


async def test_the_secret_is_not_in_the_database(keys: Keys, database: Database) -> None:
    _, secret = await keys.create({"read"}, {"*"})
    await keys.bootstrap(["a-key-of-any-form"])
    async with database.read() as connection:
        rows = [str(row) for row in await connection.execute(select(api_keys))]
    assert len(rows) == 2
    for part in (secret[13:], "a-key-of", "any-form"):
        assert not any(part in row for row in rows)


async def test_another_pepper_knows_no_key(keys: Keys, database: Database) -> None:
    _, secret = await keys.create({"read"}, {"*"})
    assert await Keys(database, b"other").verify(secret) is None


async def test_a_known_key_costs_no_sql(keys: Keys, database: Database) -> None:
    _, secret = await keys.create({"read"}, {"*"})
    await keys.verify(secret)
    await keys.verify("wrong")
    run: list[str] = []

    def note(*args: Any) -> None:
        run.append(args[2])

    event.listen(database._reader.sync_engine, "before_cursor_execute", note)
    assert await keys.verify(secret) is not None
    assert await keys.verify("wrong") is None
    assert run == []


async def test_a_revoked_key_stops_at_once(keys: Keys) -> None:
    await keys.create({"admin"}, {"*"})
    id, secret = await keys.create({"read"}, {"*"})
    assert await keys.verify(secret) is not None
    await keys.revoke(id)
    assert await keys.verify(secret) is None
    with pytest.raises(NotFound):
        await keys.revoke(id)


async def test_the_last_admin_key_cannot_be_revoked(keys: Keys) -> None:
    first, _ = await keys.create({"admin"}, {"*"})
    second, _ = await keys.create({"admin"}, {"*"})
    reader, _ = await keys.create({"read"}, {"*"})
    await keys.revoke(first)
    with pytest.raises(Conflict, match="last admin key"):
        await keys.revoke(second)
    await keys.revoke(reader)


async def test_keys_of_the_environment_come_and_go_with_it(keys: Keys) -> None:
    assert not await keys.has_admin()
    await keys.bootstrap(["first-key", "second-key", "first-key"])
    assert await keys.has_admin()
    principal = await keys.verify("first-key")
    assert principal is not None
    assert principal.may("admin")
    assert principal.sees("anything")
    await keys.bootstrap(["second-key"])
    assert await keys.verify("first-key") is None
    assert (await keys.verify("second-key")) is not None
    await keys.bootstrap([])
    assert await keys.verify("second-key") is None
    assert not await keys.has_admin()


async def test_a_restart_with_the_same_environment_keeps_the_keys_ids(keys: Keys) -> None:
    await keys.bootstrap(["first-key"])
    (before,) = await keys.list()
    await keys.bootstrap(["first-key"])
    assert await keys.list() == [before]


async def test_a_key_of_the_environment_is_revoked_there(keys: Keys) -> None:
    await keys.bootstrap(["first-key", "second-key"])
    listed = await keys.list()
    with pytest.raises(Conflict, match="ANABRANCH_API_KEYS"):
        await keys.revoke(listed[0].id)


async def test_a_generated_key_put_into_the_environment_outlives_it(keys: Keys) -> None:
    id, secret = await keys.create({"read"}, {"wiki"})
    await keys.bootstrap([secret])
    await keys.bootstrap([])
    principal = await keys.verify(secret)
    assert principal == Principal(id, frozenset({"read"}), frozenset({"wiki"}))


async def test_a_listing_shows_no_secret_and_the_last_use(keys: Keys, library: Library) -> None:
    id, secret = await keys.create({"read"}, {"wiki"}, "note")
    await keys.bootstrap(["first-key"])
    listed = {key.id: key for key in await keys.list()}
    assert listed[id].prefix == secret[:12]
    assert (listed[id].note, listed[id].last_used_at) == ("note", None)
    library.watch.forward(5)
    await keys.verify(secret)
    used = library.watch.now
    assert {key.id: key for key in await keys.list()}[id].last_used_at == used
    await keys.save_usage()
    await keys.save_usage()
    again = Keys(library.database, PEPPER)
    assert {key.id: key for key in await again.list()}[id].last_used_at == used


async def test_another_process_revokes_at_once_too(url: str) -> None:
    databases = [Database(url, exclusive=False) for _ in range(2)]
    for database in databases:
        await database.open()
    here, there = (Keys(database, PEPPER) for database in databases)
    await here.create({"admin"}, {"*"})
    id, secret = await here.create({"read"}, {"*"})
    assert await there.verify(secret) is not None
    await here.revoke(id)
    assert await there.verify(secret) is None
    for database in databases:
        await database.close()
