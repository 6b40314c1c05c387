"""SQL sources."""

from __future__ import annotations

import pytest
from store_library import Library, Watch

from app.domain.errors import Conflict, NotFound
from app.store.sources import Sources, SqlSource

pytestmark = pytest.mark.anyio
URL = "postgresql://reader:s3cr%40t@db.example:5432/shop?sslmode=require"


@pytest.fixture
def sources(library: Library) -> Sources:
    return Sources(library.database, library.watch)


async def test_a_source_is_kept_in_full(library: Library, sources: Sources) -> None:
    here = library.here.id
    made = await sources.create(here, "shop", URL, ["orders", "customers"])
    await sources.create(here, "all", "sqlite:////data/x.db")
    assert made == SqlSource("shop", URL, ("orders", "customers"), library.watch.now)
    assert await sources.get(here, "shop") == made
    assert [source.name for source in await sources.all(here)] == ["all", "shop"]
    assert (await sources.get(here, "all")).tables is None


async def test_a_name_is_given_once_per_collection(library: Library, sources: Sources) -> None:
    other = await library.collections.create("other")
    await sources.create(library.here.id, "shop", URL)
    await sources.create(other.id, "shop", URL)
    with pytest.raises(Conflict) as refused:
        await sources.create(library.here.id, "shop", "sqlite:////other.db")
    assert refused.value.code == "already-exists"
    assert (await sources.get(library.here.id, "shop")).url == URL


async def test_a_deleted_source_is_gone(library: Library, sources: Sources) -> None:
    here = library.here.id
    await sources.create(here, "shop", URL)
    await sources.all(here)
    await sources.delete(here, "shop")
    assert await sources.all(here) == []
    for call in (sources.get, sources.delete):
        with pytest.raises(NotFound):
            await call(here, "shop")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "postgresql://reader:***@db.example:5432/shop?sslmode=require"),
        ("mysql://h/x?password=abc&ssl=1", "mysql://h/x?password=***&ssl=1"),
        ("sqlite:////data/x.db", "sqlite:////data/x.db"),
        ("not a url: abc", "***"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert SqlSource("x", url, None, Watch().now).masked_url == shown
