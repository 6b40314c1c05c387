"""A small database of ships and harbours, for tests of SQL sources on any engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from retrievers.sql.tables import SourceSpec
from retrievers.types import CollectionId

HERE = CollectionId(1)
ALLOWED = ("harbour", "ship", "captain", "voyage")

DDL = (
    """CREATE TABLE harbour (
        id INTEGER PRIMARY KEY, name VARCHAR(60) NOT NULL, country VARCHAR(40), depth_m INTEGER,
        is_open BOOLEAN NOT NULL)""",
    """CREATE TABLE ship (
        id INTEGER PRIMARY KEY, name VARCHAR(60) NOT NULL, ship_type VARCHAR(20), tonnage INTEGER,
        built_year INTEGER, home_id INTEGER REFERENCES harbour (id))""",
    """CREATE TABLE captain (
        id INTEGER PRIMARY KEY, first_name VARCHAR(30), last_name VARCHAR(30), birth_date DATE,
        password VARCHAR(30))""",
    """CREATE TABLE voyage (
        id INTEGER PRIMARY KEY, ship_id INTEGER NOT NULL REFERENCES ship (id),
        captain_id INTEGER NOT NULL REFERENCES captain (id), sail_date DATE NOT NULL,
        cargo_tons DECIMAL(8, 1), cost DECIMAL(8, 2))""",
    "CREATE TABLE smuggler (id INTEGER PRIMARY KEY, alias VARCHAR(30), hideout VARCHAR(30))",
)
ROWS = (
    """INSERT INTO harbour VALUES
        (1, 'Port Quill', 'Norland', 14, TRUE), (2, 'Saltmouth', 'Norland', 9, TRUE),
        (3, 'Cape Amber', 'Vesta', 22, FALSE), (4, 'Old Ferry', 'Vesta', 6, TRUE)""",
    """INSERT INTO ship VALUES
        (1, 'Heron', 'freighter', 4200, 1998, 1), (2, 'Petrel', 'tanker', 9100, 2006, 3),
        (3, 'Gannet', 'freighter', 3100, 2011, 1), (4, 'Skua', 'trawler', 450, 1987, 2),
        (5, 'Tern', 'freighter', 5200, 2019, NULL)""",
    """INSERT INTO captain VALUES
        (1, 'Mara', 'Oake', '1971-04-02', 'hunter2'), (2, 'Tobin', 'Reed', '1964-11-30', 'letmein'),
        (3, 'Isla', 'Finch', '1985-07-19', 'qwertz')""",
    """INSERT INTO voyage VALUES
        (1, 1, 1, '2023-03-05', 1200.5, 18000.00), (2, 1, 2, '2023-08-17', 900.0, 15500.50),
        (3, 2, 1, '2024-01-09', 7100.0, 64000.00), (4, 3, 1, '2024-02-21', 2500.0, 21000.00),
        (5, 2, 2, '2024-06-30', 6800.0, 61250.25), (6, 4, 2, '2024-06-30', 80.0, 2100.00)""",
    "INSERT INTO smuggler VALUES (1, 'The Gull', 'Sea cave')",
)


def harbour_file(folder: Path, name: str = "harbour.db") -> Path:
    """The database as an SQLite file."""
    path = folder / name
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous=OFF")
        database.execute("PRAGMA journal_mode=MEMORY")
        for statement in (*DDL, *ROWS):
            database.execute(statement)
    return path


def spec_of(
    path: Path, name: str = "harbour", tables: Sequence[str] | None = ALLOWED
) -> SourceSpec:
    """A source over an SQLite file."""
    return SourceSpec(name, f"sqlite:///{path}", tuple(tables) if tables is not None else None)


class Sources:
    """`SqlSources` in memory."""

    def __init__(self, *specs: SourceSpec) -> None:
        self.specs = list(specs)

    async def of(self, collection: CollectionId) -> Sequence[SourceSpec]:
        """The same ones for every collection."""
        return self.specs
