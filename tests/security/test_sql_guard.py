from __future__ import annotations

import random
from typing import Any

import pytest
from sqlglot import exp

from retrievers.errors import QueryRefused
from retrievers.sql.checks import LARGEST
from retrievers.sql.guard import Guard
from retrievers.sql.schema import Catalogue, Column, Dialect, Kind, Table
from tests.security.sql_statements import HOSTILE, benign

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres", "mysql")


def column(name: str, kind: Kind = "text") -> Column:
    return Column(name, kind)


def catalogue(dialect: Dialect) -> Catalogue:
    """What a reading of `tests.tables` gives: no smugglers, no passwords."""
    schema = "public" if dialect == "postgres" else None
    tables = [
        Table(
            "harbour",
            (
                column("id", "number"),
                column("name"),
                column("country"),
                column("depth_m", "number"),
                column("is_open", "boolean"),
            ),
            schema,
        ),
        Table(
            "ship",
            (
                column("id", "number"),
                column("name"),
                column("ship_type"),
                column("tonnage", "number"),
                column("built_year", "number"),
                column("home_id", "number"),
            ),
            schema,
        ),
        Table(
            "captain",
            (
                column("id", "number"),
                column("first_name"),
                column("last_name"),
                column("birth_date", "date"),
            ),
            schema,
        ),
        Table(
            "voyage",
            (
                column("id", "number"),
                column("ship_id", "number"),
                column("captain_id", "number"),
                column("sail_date", "date"),
                column("cargo_tons", "number"),
                column("cost", "number"),
            ),
            schema,
        ),
    ]
    return Catalogue(dialect, {table.name: table for table in tables}, (), "x")


@pytest.fixture(scope="module")
def guards() -> dict[str, Guard]:
    return {dialect: Guard(catalogue(dialect)) for dialect in DIALECTS}


def cases(lists: dict[str, list[str]]) -> list[Any]:
    return [
        pytest.param(dialect, statement, id=f"{dialect}-{number}")
        for dialect, statements in lists.items()
        for number, statement in enumerate(statements)
    ]


def test_the_list_is_long_enough() -> None:
    assert len({statement for statements in HOSTILE.values() for statement in statements}) >= 150
    assert all(len(benign(dialect)) >= 60 for dialect in DIALECTS)


@pytest.mark.parametrize(("dialect", "statement"), cases(HOSTILE))
def test_hostile_statements_are_refused_by_the_tree_alone(
    guards: dict[str, Guard], dialect: str, statement: str
) -> None:
    with pytest.raises(QueryRefused):
        guards[dialect].check(statement)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_benign_statements_pass(guards: dict[str, Guard], dialect: str) -> None:
    refused = []
    for statement in benign(dialect):
        try:
            guards[dialect].check(statement)
        except QueryRefused as error:
            refused.append((statement, str(error)))
    assert len(refused) <= 0.02 * len(benign(dialect)), refused


def mutants(statement: str, luck: random.Random) -> list[str]:
    """The same meaning, or the same intention, written otherwise."""
    words = statement.split(" ")
    gap = luck.choice(["/**/ ", "\n", "\t", "  ", " -- x\n"])
    flipped = "".join(luck.choice((c.upper(), c.lower())) for c in statement)
    return [
        flipped if "'" not in statement and '"' not in statement else statement.lower(),
        gap.join(words) if "'" not in statement else f"{gap}{statement}",
        f"{statement};",
        f"/* fine */ {statement}",
        f"SELECT * FROM ({statement}) AS inner_one",
        f"WITH inner_one AS ({statement}) SELECT * FROM inner_one",
        f"SELECT name FROM ship UNION ALL {statement}",
        f"SELECT 1 WHERE EXISTS ({statement})",
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_mutants_of_hostile_statements_are_refused_too(
    guards: dict[str, Guard], dialect: str
) -> None:
    luck = random.Random(7)
    passed = []
    # What is refused for being too much is not the worse for standing deeper.
    whole = [s for s in HOSTILE[dialect] if not s.startswith("VALUES")]
    for statement in luck.sample(whole, 60):
        for mutant in mutants(statement, luck):
            try:
                passed.append((mutant, guards[dialect].check(mutant).sql))
            except QueryRefused:
                continue
    assert passed == []


def test_a_comment_that_mysql_would_run_is_not_sent(guards: dict[str, Guard]) -> None:
    statement = "SELECT 1 /*!50000 UNION SELECT hideout FROM smuggler */"
    sent = guards["mysql"].check(statement).sql
    assert "smuggler" not in sent
    assert "/*" not in sent


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_comment_is_sent(guards: dict[str, Guard], dialect: str) -> None:
    sent = guards[dialect].check("SELECT /* a */ name -- b\nFROM ship").sql
    assert "a */" not in sent
    assert "--" not in sent


def test_every_column_is_sent_with_its_table_and_in_quotes(guards: dict[str, Guard]) -> None:
    sent = guards["postgres"].check("select NAME from SHIP where tonnage > 3").sql
    assert sent == (
        'SELECT "ship"."name" AS "name" FROM "public"."ship" AS "ship" '
        'WHERE "ship"."tonnage" > 3 LIMIT 201'
    )


@pytest.mark.parametrize(
    ("statement", "limit"),
    [
        ("SELECT name FROM ship", "LIMIT 201"),
        ("SELECT name FROM ship LIMIT 3", "LIMIT 3"),
        ("SELECT name FROM ship LIMIT 100000", "LIMIT 201"),
        ("SELECT name FROM ship UNION SELECT name FROM harbour", "LIMIT 201"),
    ],
)
def test_the_outermost_limit_is_the_cap_and_one(
    guards: dict[str, Guard], statement: str, limit: str
) -> None:
    assert guards["sqlite"].check(statement).sql.endswith(limit)


def test_output_names_are_those_the_author_gave(guards: dict[str, Guard]) -> None:
    check = guards["sqlite"].check
    assert check("SELECT name AS ship, COUNT(*) FROM ship GROUP BY 1").columns == (
        "ship",
        "COUNT(*)",
    )
    assert check("SELECT * FROM harbour").columns == ("id", "name", "country", "depth_m", "is_open")


def test_aliases_that_double_themselves_do_not_explode(guards: dict[str, Guard]) -> None:
    doubled = ", ".join(f"a{number} + a{number} AS a{number + 1}" for number in range(40))
    with pytest.raises(QueryRefused):
        guards["sqlite"].check(f"SELECT tonnage AS a0, {doubled} FROM ship")


def test_stars_that_multiply_each_other_do_not_explode(guards: dict[str, Guard]) -> None:
    levels = ", ".join(
        f"t{number + 1} AS (SELECT t{number}.*, t{number}.* FROM t{number})" for number in range(40)
    )
    with pytest.raises(QueryRefused):
        guards["sqlite"].check(
            f"WITH t0 AS (SELECT * FROM ship), {levels} SELECT COUNT(*) FROM t40"
        )


def test_subqueries_that_multiply_each_other_are_refused(guards: dict[str, Guard]) -> None:
    levels = ", ".join(
        f"t{number + 1} AS (SELECT x + x AS x FROM t{number})" for number in range(30)
    )
    statement = f"WITH t0 AS (SELECT tonnage AS x FROM ship), {levels} SELECT x FROM t30"
    with pytest.raises(QueryRefused, match="multiply"):
        guards["sqlite"].check(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
        "SELECT " + "+".join("1" * 4000),
        "SELECT " + "NOT " * 1200 + "1",
        "SELECT '" + "x" * 20_000 + "'",
        "SELECT 1\0",
        "",
        ";",
        "   ",
        "🦆",
        "SELECT 'unclosed",
        "SELECT name FROM ship WHERE name = \ud800",
    ],
)
def test_absurd_text_is_refused_quickly(guards: dict[str, Guard], statement: str) -> None:
    with pytest.raises(QueryRefused):
        guards["sqlite"].check(statement)


def test_trees_of_our_own_are_checked_like_any_text(guards: dict[str, Guard]) -> None:
    tree = exp.select("hideout").from_("smuggler")
    with pytest.raises(QueryRefused):
        guards["sqlite"].check_tree(tree)
    wide = exp.select(*(exp.column("name") for _ in range(LARGEST))).from_("ship")
    with pytest.raises(QueryRefused):
        guards["sqlite"].check_tree(wide)


def test_refusals_say_what_was_refused(guards: dict[str, Guard]) -> None:
    with pytest.raises(QueryRefused, match="smuggler"):
        guards["sqlite"].check("SELECT * FROM smuggler")
    with pytest.raises(QueryRefused, match="pg_sleep"):
        guards["postgres"].check("SELECT pg_sleep(1)")
    with pytest.raises(QueryRefused, match="exactly one"):
        guards["mysql"].check("SELECT 1; SELECT 2")


def test_names_that_differ_in_case_only_stay_apart_in_postgresql() -> None:
    tables = {
        name: Table(name, (Column("Id", "number"), Column("id", "number")), "public")
        for name in ("Log", "log")
    }
    guard = Guard(Catalogue("postgres", tables, (), "x"))
    assert '"public"."Log"' in guard.check('SELECT "Id" FROM "Log"').sql
    assert '"public"."log"' in guard.check('SELECT "id" FROM log').sql
