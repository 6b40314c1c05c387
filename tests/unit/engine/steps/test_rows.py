from __future__ import annotations

from dataclasses import replace

import pytest

from app.engine.steps.rows import RowsOptions, label, said, tell
from tests.answering import rows


def test_one_cell_is_named_and_answers_shortly() -> None:
    told = tell(rows(["count"], [42]))
    assert told is not None
    assert (told.text, told.short) == ("count: 42", "42")


def test_a_count_says_what_was_counted() -> None:
    found = replace(rows(["count"], [5]), statement='SELECT COUNT(*) AS "count" FROM "eel_boats"')
    told = tell(found)
    assert told is not None
    assert told.text == "count of eel boats: 5"


def test_one_row_names_each_cell_and_its_leading_name_answers() -> None:
    told = tell(rows(["name", "total_amount"], ["Marigold", 94]))
    assert told is not None
    assert (told.text, told.short) == ("name: Marigold; total amount: 94", "Marigold")


def test_one_column_is_a_list() -> None:
    told = tell(rows(["name"], ["Otter"], ["Heron"], [None]))
    assert told is not None
    assert (told.text, told.short) == ("name: Otter, Heron", "Otter, Heron")


def test_a_table_is_one_line_a_row_and_says_what_it_leaves_out() -> None:
    found = rows(["name", "level"], *([f"station {n}", n] for n in range(12)))
    told = tell(found, RowsOptions(rows=2))
    assert told is not None
    assert told.text == "- name: station 0; level: 0\n- name: station 1; level: 1 (10 more rows)"
    assert told.short is None


def test_a_truncated_result_says_so_and_has_no_short_answer() -> None:
    told = tell(rows(["name"], ["a"], ["b"], truncated=True))
    assert told is not None
    assert told.text == "name: a, b (the first 2 rows; there are more)"
    assert told.short is None


@pytest.mark.parametrize("values", [[], [[None]], [[None], [None]]])
def test_rows_that_hold_nothing_say_nothing(values: list[list[None]]) -> None:
    assert tell(rows(["sum"], *values)) is None


@pytest.mark.parametrize(
    ("column", "spoken"),
    [
        ("COUNT(*)", "count"),
        ("count(DISTINCT boats.name)", "count of name"),
        ("SUM(tolls.amount)", "total amount"),
        ('AVG("level_cm")', "average level cm"),
        ("sum_amount", "total amount"),
        ("openedOn", "opened on"),
        ("", "value"),
        ("<b>x</b>", "x"),
    ],
)
def test_columns_are_named_as_a_reader_says_them(column: str, spoken: str) -> None:
    assert label(column) == spoken


def test_cells_are_plain_text() -> None:
    assert said(3.0) == "3"
    assert said(2.5000004) == "2.5"
    assert said(True) == "yes"
    assert said(None) == "none"
    assert said("a\n ![x](http://evil.example) b") == "a b"
    assert said("x" * 500) == "x" * 199 + "…"
