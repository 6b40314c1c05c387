"""Whatever is asked of tables, in whatever order of words: rows or none, and no error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrievers.sql.tables import SqlRetriever
from retrievers.types import Evidence, Query, Rows
from tests.tables import HERE, Sources, harbour_file, spec_of

WORDS = """
    ship ships harbour harbours captain captains voyage voyages cargo tonnage tonnages cost depth
    country type name home built Heron Petrel Norland Vesta Mara Oake freighter tanker how many
    what which who when where is are the a of in by per each for with without and or not no than
    more less fewer over under above below at least most between before after since until from to
    total average mean sum count number highest lowest oldest youngest longest top bottom first
    last past previous this next year years month months week weeks day days quarter q1 q5 today
    yesterday January june Feb 2023 2024-02-30 2024-06-01 0000-00-00 9999-12-31 31 0 1 2 3.5 1e9
    -7 50% $1,000 1,2,3 99999999999999999999 5k 7m second third 4th 21st hundred thousand million
    dozen half twice equal same different distinct all any every none order ordered sorted
    descending group percent share ratio difference "Heron" 'Norland' `depth` " ' ( ) , . ? ! ; :
    = < > <= >= <> != / * % + -- ' ``` \u00b2 \u0663 \u6865 \u200b \ufffd _ __ a.b U.S. n't 's
""".split()  # noqa: SIM905  # a list of strings would hide the words
PIECES = st.sampled_from([*WORDS, "9" * 400, "last", "how many ships", "\x00", "\n"]) | st.text(
    max_size=5
)


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], list[Evidence]]]:
    path = harbour_file(tmp_path_factory.mktemp("harbour"))
    retriever = SqlRetriever(Sources(spec_of(path)), today=lambda: date(2024, 7, 15))
    with asyncio.Runner() as runner:
        yield lambda text: runner.run(retriever.search(Query(HERE, text), 3))
        runner.run(retriever.close())


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECES, min_size=1, max_size=14), between=st.sampled_from([" ", ""]))
@example(["ships", "built", "last", "9999", "years"], " ")
@example(["voyages", "in", "the", "last", "999999999999", "days"], " ")
@example(["ships", "with", "tonnage", "over", "9" * 400], " ")
@example(["voyages", "in", "the", "last", *["million"] * 60, "months"], " ")
def test_any_question_finds_rows_or_none(
    ask: Callable[[str], list[Evidence]], pieces: list[str], between: str
) -> None:
    for evidence in ask(between.join(pieces)):
        assert isinstance(evidence.origin, Rows)
        assert 0 <= evidence.score <= 1
