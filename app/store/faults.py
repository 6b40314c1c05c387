"""Errors of the drivers, turned into `StorageUnavailable` with a text that names the fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import StorageUnavailable

# Parts of SQLite's messages, which are all that tells its errors apart in Python 3.11's driver
# wrappers; the first that fits counts.
_SQLITE: Mapping[str, str] = {
    "locked": "the database is locked by another process; end it or send the request again",
    "disk is full": "the disk is full; free space in the data directory and send the request again",
    "readonly": "the database cannot be written; give this user write access to the data directory",
    "unable to open": "the database file cannot be opened; check that the data directory exists "
    "and that this user may write to it",
    "disk i/o error": "the disk reported an error; check it and its free space",
    "malformed": "the database file is damaged; restore a backup with `anabranch restore`",
    "not a database": "the database file is not one of SQLite; point ANABRANCH_DATABASE_URL or "
    "ANABRANCH_DATA_DIR elsewhere or restore a backup",
    "no active connection": "the database was closed; the service is stopping",
    "connection closed": "the database was closed; the service is stopping",
}

# Prefixes of SQLSTATE.
_POSTGRES: Mapping[str, str] = {
    "53100": "PostgreSQL's disk is full; free space on its machine and send the request again",
    "53": "PostgreSQL is out of connections or memory; raise max_connections or send the request "
    "again later",
    "57": "PostgreSQL is starting, stopping or broke the query off; send the request again",
    "55P03": "another transaction holds a lock for too long; send the request again",
    "40": "another transaction was in the way; send the request again",
    "25006": "PostgreSQL is read-only (a standby?); point ANABRANCH_DATABASE_URL at the primary",
    "28": "PostgreSQL refuses the login; correct user and password in ANABRANCH_DATABASE_URL",
    "3D000": "the PostgreSQL database does not exist; create it with createdb",
    "08": "the connection to PostgreSQL was lost; send the request again",
}

_LOST = "the connection to the database was lost; send the request again"
_BUSY = "all database connections are busy; send the request again"
_REFUSED = (
    "PostgreSQL cannot be reached; start it or correct host and port in ANABRANCH_DATABASE_URL"
)


def unreachable(error: OSError) -> StorageUnavailable:
    """No connection could be made."""
    return StorageUnavailable(f"{_REFUSED} ({error or 'timed out'})")


@contextmanager
def translated() -> Iterator[None]:
    """Raise the `StorageUnavailable` that fits; violated constraints and bugs pass as they are."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        fix = _fix(error)
        if fix is None:
            raise
        raise StorageUnavailable(fix) from error
    except PoolTimeout as error:
        raise StorageUnavailable(_BUSY) from error
    except ConnectionError as error:  # asyncpg lets those of the socket through as they are
        raise StorageUnavailable(_LOST) from error


def _fix(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None) or ""
    for prefix, fix in _POSTGRES.items():
        if state and state.startswith(prefix):
            return fix
    message = str(error.orig).lower()
    if not state:
        for part, fix in _SQLITE.items():
            if part in message:
                return fix
    return _LOST if error.connection_invalidated else None
