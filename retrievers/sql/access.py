"""Which databases may be opened as sources, and with what."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from retrievers.errors import QueryRefused, RetrieverUnavailable
from retrievers.lane import Lane
from retrievers.sql.engines.base import Engine
from retrievers.sql.engines.mysql import MysqlEngine
from retrievers.sql.engines.postgres import PostgresEngine
from retrievers.sql.engines.sqlite import SqliteEngine

_POSTGRES = {"postgres", "postgresql"}
_MYSQL = {"mysql", "mariadb"}
_PORTS = {"postgresql": 5432, "mysql": 3306}
_LOOPBACK = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "[::1]"}  # noqa: S104  # compared only


@dataclass(frozen=True, slots=True)
class Access:
    """What may be opened.

    Attributes:
        forbidden: URLs, files and folders that are never a source: the service's own.
        roots: Folders SQLite files must lie in; None for anywhere.
        hosts: Servers that may be asked; None for any.
    """

    forbidden: tuple[str, ...] = ()
    roots: tuple[Path, ...] | None = None
    hosts: tuple[str, ...] | None = None

    def open(self, url: str, lane: Lane) -> Engine:
        """The engine for a source; connects to nothing yet.

        Raises:
            QueryRefused: The URL is malformed, of an unknown kind or not allowed.
            RetrieverUnavailable: There is no such file.
        """
        parsed = _parse(url)
        backend = parsed.drivername.partition("+")[0]
        if backend == "sqlite":
            path, immutable = _file(parsed)
            self._check_file(path)
            return SqliteEngine(path, lane, immutable)
        if backend not in _POSTGRES | _MYSQL:
            raise QueryRefused(
                f"{backend} is not supported; use sqlite:///, postgresql:// or mysql://"
            )
        self._check_server(parsed)
        return PostgresEngine(parsed) if backend in _POSTGRES else MysqlEngine(parsed)

    def _check_file(self, path: Path) -> None:
        real = path.resolve()
        for entry in self.forbidden:
            own = _own_file(entry)
            if own is None:
                continue
            inside = own.is_dir() and real.is_relative_to(own.resolve())
            if inside or real == own.resolve() or _same_file(real, own):
                raise QueryRefused("this file belongs to the service itself")
        roots = self.roots
        if roots is not None and not any(real.is_relative_to(root.resolve()) for root in roots):
            raise QueryRefused("this file is outside the folders for SQL sources")
        try:
            there = real.is_file()
        except OSError as error:  # a name too long, a folder that may not be entered
            raise RetrieverUnavailable(f"{path.name[:100]}: {error.strerror}") from error
        if not there:
            raise RetrieverUnavailable(f"there is no file {path}")

    def _check_server(self, url: URL) -> None:
        if not url.database:
            raise QueryRefused("the URL names no database")
        if not 0 < (url.port or 1) < 65_536:
            raise QueryRefused("a port is a number from 1 to 65535")
        for entry in self.forbidden:
            if "://" in entry and _place(_parse(entry)) == _place(url):
                raise QueryRefused("this database belongs to the service itself")
        if self.hosts is not None and (url.host or "localhost").lower() not in self.hosts:
            raise QueryRefused("this host is not among those for SQL sources")


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise QueryRefused("the URL cannot be read; example: sqlite:////srv/shop.db") from error


def _file(url: URL) -> tuple[Path, bool]:
    name = url.database or ""
    immutable = str(url.query.get("immutable", "")) in ("1", "true")
    if name.startswith("file:"):
        name, _, query = name.removeprefix("file:").partition("?")
        immutable = immutable or "immutable=1" in query.split("&")
    if not name or name == ":memory:" or str(url.query.get("mode", "")) == "memory":
        raise QueryRefused("a database in memory cannot be a source")
    return Path(name), immutable


def _own_file(entry: str) -> Path | None:
    """The file or folder a forbidden entry stands for; None if it is a server."""
    if "://" not in entry:
        return Path(entry)
    url = _parse(entry)
    if not url.drivername.startswith("sqlite") or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def _same_file(one: Path, other: Path) -> bool:
    """Also under another name: a hard link."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _place(url: URL) -> tuple[str, str, int, str]:
    """Where a server's database is, however it is spelt."""
    backend = url.drivername.partition("+")[0]
    backend = "postgresql" if backend in _POSTGRES else "mysql" if backend in _MYSQL else backend
    host = (url.host or str(url.query.get("host", ""))).lower()
    host = "localhost" if host in _LOOPBACK else host
    return backend, host, url.port or _PORTS.get(backend, 0), url.database or ""


def masked(url: str) -> str:
    """The URL without its password, for people to read."""
    return _parse(url).render_as_string(hide_password=True)
