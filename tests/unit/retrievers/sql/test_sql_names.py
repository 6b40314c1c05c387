from __future__ import annotations

import pytest

from retrievers.sql.catalogue.keys import infer_keys, infer_links
from retrievers.sql.catalogue.labels import label
from retrievers.sql.catalogue.names import COMMON, cut, expand, singular, split, squash
from retrievers.sql.schema import Column, Link, Table


def table(name: str, *columns: str, key: tuple[str, ...] = (), rows: int = 0) -> Table:
    """`id#` is a whole number, `id#!` one that is unique; others are text."""
    made = []
    for column in columns:
        plain = column.rstrip("#!")
        number = "#" in column
        made.append(Column(plain, "number" if number else "text", number, unique="!" in column))
    return Table(name, tuple(made), key=key, rows=rows)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sbCustJoinDate", ("sb", "cust", "join", "date")),
        ("home_port_id", ("home", "port", "id")),
        ("HTTPServer2Name", ("http", "server", "2", "name")),
        ("Order Details", ("order", "details")),
    ],
)
def test_identifiers_are_cut_where_their_authors_joined_words(
    name: str, words: tuple[str, ...]
) -> None:
    assert split(name) == words


def test_glued_names_are_cut_into_known_words_or_not_at_all() -> None:
    known = COMMON | {"paper"}
    assert cut("numcitedby", known) == ("num", "cited", "by")
    assert cut("papername", known) == ("paper", "name")
    assert cut("quixotic", known) == ("quixotic",)
    assert cut("keyword", known) == ("keyword",)


def test_abbreviations_are_written_out_but_a_leading_no_is_a_no() -> None:
    assert expand(["tot", "amt"]) == ("total", "amount")
    assert expand(["no", "discounts"]) == ("no", "discounts")
    assert expand(["invoice", "no"]) == ("invoice", "number")


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("harbours", "harbour"),
        ("cities", "city"),
        ("boxes", "box"),
        ("addresses", "address"),
        ("people", "person"),
        ("status", "status"),
        ("movies", singular("movie")),
        ("courses", "course"),
    ],
)
def test_singular_and_plural_have_one_stem(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_spaces_and_hyphens_do_not_matter_for_lookup() -> None:
    assert squash(["check", "ins"]) == squash(["checkin"]) == squash(["check", "in"])


def test_prefixes_that_all_columns_share_are_left_out_and_stand_for_the_table() -> None:
    tables = [
        table("xxShip", "xxShipId", "xxShipName", "xxShipTons#"),
        table("xxPort", "xxPtId", "xxPtName", "xxPtShipId"),
        table("xxCrew", "xxCwId", "xxCwName", "xxCwAge#"),
    ]
    labels = label(tables)
    assert labels.tables["xxShip"] == ("ship",)
    assert labels.columns["xxShip", "xxShipName"] == ("name",)
    assert labels.columns["xxPort", "xxPtShipId"] == ("ship", "id")
    assert labels.short["pt"] == "xxPort"


def test_initials_before_id_mean_the_table_itself() -> None:
    labels = label([table("harbour", "hid#!", "name"), table("berth", "bid#!", "hid#")])
    assert labels.columns["harbour", "hid"] == ("harbour", "id")
    assert labels.columns["berth", "hid"] == ("hid",)


def links_of(*tables: Table, declared: tuple[Link, ...] = ()) -> set[tuple[str, str, str, str]]:
    labels = label(list(tables))
    keyed = infer_keys(list(tables), labels)
    found = infer_links(keyed, list(declared), labels)
    return {(link.table, link.columns[0], link.target, link.role) for link in found}


def test_links_are_inferred_from_equal_names_and_from_the_tables_name() -> None:
    ship = table("ship", "id#!", "name", rows=3)
    voyage = table("voyage", "id#!", "ship_id#", "port_code", rows=9)
    port = table("port", "port_code!", "port_name", rows=2)
    assert links_of(ship, voyage, port) == {
        ("voyage", "ship_id", "ship", ""),
        ("voyage", "port_code", "port", ""),
    }


def test_a_role_before_the_tables_name_makes_two_links_to_one_table() -> None:
    port = table("port", "port_code!", "port_name", rows=2)
    voyage = table("voyage", "id#!", "from_port", "to_port", rows=9)
    assert links_of(port, voyage) == {
        ("voyage", "from_port", "port", "from"),
        ("voyage", "to_port", "port", "to"),
    }


def test_generic_names_and_measures_link_nothing() -> None:
    ship = table("ship", "id#!", "name!", "year#", rows=3)
    port = table("port", "id#!", "name!", "year#", "harbour_ship#", rows=3)
    assert links_of(ship, port) == set()


def test_values_that_are_not_the_keys_speak_against_a_link() -> None:
    port = Table(
        "port",
        (Column("port_code", "text", unique=True, values=("AAA", "BBB")),),
        key=("port_code",),
        rows=2,
    )
    voyage = Table("voyage", (Column("old_port", "text", values=("cheese", "wine")),), rows=2)
    assert links_of(port, voyage) == set()


def test_declared_links_are_kept_and_not_doubled() -> None:
    ship = table("ship", "id#!", rows=3, key=("id",))
    voyage = table("voyage", "id#!", "ship_id#", rows=9, key=("id",))
    declared = Link("voyage", ("ship_id",), "ship", ("id",))
    assert links_of(ship, voyage, declared=(declared,)) == {("voyage", "ship_id", "ship", "")}
