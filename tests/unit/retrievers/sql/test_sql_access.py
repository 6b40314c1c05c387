from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrievers.errors import QueryRefused, RetrieverError
from retrievers.lane import Lane
from retrievers.sql.access import Access, masked
from retrievers.sql.engines.mysql import MysqlEngine
from retrievers.sql.engines.postgres import PostgresEngine
from retrievers.sql.engines.sqlite import SqliteEngine
from tests.tables import harbour_file


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane("sql-test", 1)
    yield lane
    lane.close()


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("postgresql://reader@127.0.0.1/shop", PostgresEngine),
        ("postgres://reader@127.0.0.1/shop", PostgresEngine),
        ("postgresql+psycopg2://reader@127.0.0.1/shop", PostgresEngine),
        ("mysql://reader@127.0.0.1/shop", MysqlEngine),
        ("mariadb+pymysql://reader@127.0.0.1/shop", MysqlEngine),
    ],
)
def test_any_spelling_of_a_known_server_opens_it(url: str, engine: type, lane: Lane) -> None:
    assert type(Access().open(url, lane)) is engine


def test_any_spelling_of_a_file_opens_it(tmp_path: Path, lane: Lane) -> None:
    path = harbour_file(tmp_path)
    for url in (
        f"sqlite:///{path}",
        f"sqlite+aiosqlite:///{path}",
        f"sqlite:///file:{path}?mode=ro&uri=true",
        f"sqlite:///{path}?immutable=1",
    ):
        assert type(Access().open(url, lane)) is SqliteEngine


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///nowhere.db",
        "nonsense",
        "",
        "duckdb:///x.db",
        "postgresql://reader@127.0.0.1",
        "mysql://reader@127.0.0.1",
        "sqlite:////etc",
    ],
)
def test_other_urls_are_refused(url: str, lane: Lane) -> None:
    with pytest.raises(RetrieverError):
        Access().open(url, lane)


def test_the_services_own_file_is_refused_under_every_name(tmp_path: Path, lane: Lane) -> None:
    own = harbour_file(tmp_path, "own.db")
    (tmp_path / "link.db").symlink_to(own)
    os.link(own, tmp_path / "hard.db")
    for forbidden in (str(own), f"sqlite:///{own}", f"sqlite+aiosqlite:///{own}", str(tmp_path)):
        access = Access(forbidden=(forbidden,))
        for name in ("own.db", "link.db", "../" + tmp_path.name + "/own.db"):
            with pytest.raises(QueryRefused, match="itself"):
                access.open(f"sqlite:///{tmp_path}/{name}", lane)
    with pytest.raises(QueryRefused, match="itself"):
        Access(forbidden=(str(own),)).open(f"sqlite:///{tmp_path}/hard.db", lane)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:other@127.0.0.1:5432/anabranch",
        "postgresql://localhost/anabranch",
        "postgresql://[::1]/anabranch",
        "postgres://LOCALHOST:5432/anabranch",
        "postgresql:///anabranch",
    ],
)
def test_the_services_own_server_is_refused_however_it_is_spelt(url: str, lane: Lane) -> None:
    access = Access(forbidden=("postgresql+asyncpg://anabranch:secret@localhost/anabranch",))
    with pytest.raises(QueryRefused, match="itself"):
        access.open(url, lane)
    access.open("postgresql://localhost/shop", lane)
    access.open("postgresql://localhost:5433/anabranch", lane)


def test_folders_and_hosts_can_be_restricted(tmp_path: Path, lane: Lane) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    access = Access(roots=(inside,), hosts=("db.example",))
    access.open(f"sqlite:///{harbour_file(inside)}", lane)
    with pytest.raises(QueryRefused, match="outside"):
        access.open(f"sqlite:///{harbour_file(tmp_path)}", lane)
    (inside / "out.db").symlink_to(tmp_path / "harbour.db")
    with pytest.raises(QueryRefused, match="outside"):
        access.open(f"sqlite:///{inside}/out.db", lane)
    access.open("postgresql://reader@db.example/shop", lane)
    with pytest.raises(QueryRefused, match="host"):
        access.open("postgresql://reader@169.254.169.254/shop", lane)


def test_passwords_are_not_shown() -> None:
    assert "hunter2" not in masked("postgresql://reader:hunter2@host/shop")
