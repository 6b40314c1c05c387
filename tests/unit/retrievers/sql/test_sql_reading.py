"""What is read of a database: kinds, keys, values, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, event

from retrievers.errors import QueryRefused
from retrievers.sql.catalogue.reading import ReadingOptions, read
from retrievers.sql.schema import Catalogue, Link
from tests.tables import ALLOWED, harbour_file


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{harbour_file(tmp_path)}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def reading(
    connection: Connection, allowed: Sequence[str] | None = ALLOWED, **options: object
) -> Catalogue:
    return read(connection, "sqlite", allowed, ReadingOptions(**options))


def test_columns_have_kinds_by_type_and_by_what_they_hold(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE log (a TEXT, b TEXT, c TEXT, d REAL, e BLOB, f)")
    connection.exec_driver_sql(
        "INSERT INTO log VALUES ('2024-01-31', '2024-01-31 10:00', 'x', 1.5, NULL, 'free')"
    )
    (table,) = reading(connection, ("log",)).tables.values()
    assert [c.kind for c in table.columns] == [
        *("date", "datetime", "text", "number", "other", "text")
    ]
    voyage = reading(connection).tables["voyage"]
    assert [c.kind for c in voyage.columns] == [*["number"] * 3, "date", *["number"] * 2]
    assert [c.whole for c in voyage.columns] == [True, True, True, False, False, False]


def test_keys_links_and_rows_are_read(connection: Connection) -> None:
    catalogue = reading(connection)
    assert catalogue.tables["ship"].key == ("id",)
    assert catalogue.tables["ship"].rows == 5
    assert Link("voyage", ("ship_id",), "ship", ("id",)) in catalogue.links


def test_only_allowed_tables_are_read_and_private_columns_never(connection: Connection) -> None:
    catalogue = reading(connection)
    assert sorted(catalogue.tables) == sorted(ALLOWED)
    assert "password" not in [c.name for c in catalogue.tables["captain"].columns]
    everything = reading(connection, None)
    assert "smuggler" in everything.tables
    assert "password" not in [c.name for c in everything.tables["captain"].columns]


def test_short_distinct_values_of_text_are_kept_and_many_are_not(connection: Connection) -> None:
    ship = reading(connection).tables["ship"]
    assert ship.column("ship_type").values == ("freighter", "tanker", "trawler")
    assert ship.column("tonnage").values is None
    assert reading(connection, values=2).tables["ship"].column("name").values is None
    short = reading(connection, value_length=5).tables["ship"].column("name").values
    assert short == ("Heron", "Skua", "Tern")


def test_of_a_large_table_only_a_part_is_looked_at(connection: Connection) -> None:
    statements: list[str] = []

    @event.listens_for(connection, "before_cursor_execute")
    def note(*args: object) -> None:
        statements.append(str(args[2]))

    ship = reading(connection, ("ship",), counted_rows=2).tables["ship"]
    assert ship.rows == 3  # more than two
    assert ship.column("name").values == ("Heron", "Petrel")
    assert not any("count(distinct" in statement.lower() for statement in statements)


def test_uniqueness_is_seen_in_the_data(connection: Connection) -> None:
    ship = reading(connection).tables["ship"]
    assert ship.column("name").unique
    assert not ship.column("ship_type").unique


def test_views_are_asked_only_where_their_owner_lists_them(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE VIEW fleet AS SELECT name, tonnage FROM ship")
    connection.exec_driver_sql("CREATE VIEW broken AS SELECT gone FROM nowhere")
    everything = reading(connection, None)
    assert everything.tables["fleet"].view
    assert not everything.tables["fleet"].asked
    assert "broken" not in everything.tables
    listed = reading(connection, ("fleet",))
    assert listed.tables["fleet"].asked


def test_missing_tables_are_refused_by_name(connection: Connection) -> None:
    with pytest.raises(QueryRefused, match="no table kraken"):
        reading(connection, ("ship", "kraken"))
    with pytest.raises(QueryRefused, match="more than 3 tables"):
        reading(connection, None, tables=3)


def test_another_spelling_of_a_table_is_understood(connection: Connection) -> None:
    assert list(reading(connection, ("SHIP",)).tables) == ["ship"]


def test_when_time_is_up_values_are_left_out_but_the_schema_is_whole(
    connection: Connection,
) -> None:
    catalogue = reading(connection, seconds=-1)
    assert sorted(catalogue.tables) == sorted(ALLOWED)
    assert all(c.values is None for t in catalogue.tables.values() for c in t.columns)


def test_the_fingerprint_tells_schemas_apart(connection: Connection) -> None:
    before = reading(connection).fingerprint
    assert before == reading(connection).fingerprint
    connection.exec_driver_sql("INSERT INTO ship (id, name) VALUES (90, 'New')")
    assert before == reading(connection).fingerprint
    connection.exec_driver_sql("ALTER TABLE ship ADD COLUMN draught REAL")
    assert before != reading(connection).fingerprint
