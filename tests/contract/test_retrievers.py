"""What every retriever over chunks promises, whatever the engine behind it."""

from __future__ import annotations

import pytest

from retrievers.filters import All, AnyOf, Compare, Filter, Not, matches
from retrievers.types import Chunk
from tests.contract.conftest import Stand, documents
from tests.fakes import ELSEWHERE, HERE

pytestmark = pytest.mark.anyio

FILTERS: list[Filter] = [
    Compare("letter", "eq", "g"),
    Compare("letter", "ne", "g"),
    Compare("length", "gt", 60),
    Compare("length", "gte", 60),
    Compare("length", "lt", 60),
    Compare("length", "lte", 60),
    Compare("letter", "in", ("g", "k")),
    Compare("letter", "nin", ("g", "k")),
    Compare("letters", "contains", "d"),
    Compare("letters", "exists", True),
    Compare("letters", "exists", False),
    Compare("$title", "prefix", "Kell"),
    All((Compare("letter", "eq", "k"), Compare("length", "lt", 55))),
    AnyOf((Compare("letter", "eq", "d"), Compare("letter", "eq", "l"))),
    Not(Compare("letter", "eq", "k")),
    All(()),
    AnyOf(()),
]
WORDS = "Kell Oren Lund garden delta mine Maru ferns university river"


async def test_the_exact_text_comes_first(corpus: Stand) -> None:
    for chunk in corpus.shelf.chunks():
        found = await corpus.find(chunk.text)
        assert found[0].key == chunk.key


async def test_evidence_names_its_channel_and_carries_the_chunk(corpus: Stand) -> None:
    found = await corpus.find(WORDS)
    for evidence in found:
        assert evidence.channel == corpus.retriever.name
        assert isinstance(evidence.origin, Chunk)
        assert evidence.key == evidence.origin.key


@pytest.mark.parametrize("k", [1, 2, 5, 100])
async def test_never_more_than_asked_for(corpus: Stand, k: int) -> None:
    assert 0 < len(await corpus.find(WORDS, k)) <= k


async def test_nothing_asked_for_is_nothing_found(corpus: Stand) -> None:
    assert await corpus.find(WORDS, 0) == []


async def test_best_first_and_no_key_twice(corpus: Stand) -> None:
    found = await corpus.find(WORDS, 100)
    assert [-e.score for e in found] == sorted(-e.score for e in found)
    assert len({e.key for e in found}) == len(found)


async def test_ties_stand_in_the_order_of_their_keys(stand: Stand) -> None:
    for number in range(40):
        stand.shelf.put(f"copy-{number}", "The same words again and again.", "Copy")
    await stand.index()
    found = await stand.find("same words", 10)
    assert len({e.score for e in found}) == 1
    assert [e.key for e in found] == sorted(c.key for c in stand.shelf.chunks())[:10]


async def test_the_same_question_gives_the_same_list(corpus: Stand) -> None:
    assert await corpus.find(WORDS, 100) == await corpus.find(WORDS, 100)


async def test_the_order_of_indexing_does_not_show(corpus: Stand) -> None:
    forwards = await corpus.find(WORDS, 100)
    backwards = corpus.open_new(corpus.data_dir / "backwards")
    for key, chunks in reversed(corpus.shelf.documents().items()):
        await backwards.replace(HERE, {key: chunks})
    assert {e.key for e in await corpus.find(WORDS, 100)} == {e.key for e in forwards}
    await backwards.rebuild(HERE, corpus.shelf.everything())
    assert await corpus.find(WORDS, 100) == forwards


async def test_another_collection_never_shows(corpus: Stand) -> None:
    corpus.shelf.put("foreign", "The Oren delta belongs to somebody else.", collection=ELSEWHERE)
    await corpus.index(ELSEWHERE)
    here = await corpus.find("Oren delta somebody else", 100)
    assert "foreign" not in documents(here)
    elsewhere = corpus.query("Oren delta", collection=ELSEWHERE)
    assert documents(await corpus.retriever.search(elsewhere, 100)) == ["foreign"]


async def test_a_collection_without_an_index_has_nothing(stand: Stand) -> None:
    assert await stand.find(WORDS) == []


@pytest.mark.parametrize("condition", FILTERS, ids=str)
async def test_filters_mean_what_matches_says(corpus: Stand, condition: Filter) -> None:
    corpus.shelf.put("lists", f"A last one: {WORDS}.", "Lists", {"letters": ["d", "e"]})
    await corpus.index()
    allowed = {
        chunk.key
        for chunk in corpus.shelf.chunks()
        if matches(condition, {**chunk.metadata, "$title": chunk.title})
    }
    unfiltered = {e.key for e in await corpus.find(WORDS, 100)}
    assert {e.key for e in await corpus.find(WORDS, 100, condition)} == allowed & unfiltered


async def test_a_filter_is_applied_before_the_cut(stand: Stand) -> None:
    for number in range(60):
        stand.shelf.put(
            f"loud-{number}", "copper copper copper mine", "Copper mine", {"loud": True}
        )
    stand.shelf.put("quiet", "A mine, now closed.", "Pit", {"loud": False})
    await stand.index()
    found = await stand.find("copper mine", 1, Compare("loud", "eq", False))
    assert documents(found) == ["quiet"]


async def test_a_deleted_document_is_gone_before_any_index_knows(corpus: Stand) -> None:
    query = corpus.query("Oren delta")
    assert "delta" in documents(await corpus.retriever.search(query, 2))
    corpus.shelf.delete("delta")
    after = documents(await corpus.retriever.search(query, 2))
    assert "delta" not in after
    assert len(after) == 2


async def test_many_deleted_documents_do_not_use_up_the_list(stand: Stand) -> None:
    for number in range(80):
        stand.shelf.put(f"dead-{number}", "copper copper copper mine", "Copper mine")
    stand.shelf.put("alive", "The copper mine is a museum.", "Museum")
    await stand.index()
    query = stand.query("copper mine")
    for number in range(80):
        stand.shelf.delete(f"dead-{number}")
    assert documents(await stand.retriever.search(query, 1)) == ["alive"]


async def test_a_version_that_is_being_built_does_not_show(corpus: Stand) -> None:
    corpus.shelf.stage("delta", "The Oren delta is drained and built over.", "River delta")
    await corpus.index()
    found = await corpus.find("Oren delta drained built over", 100)
    assert all("drained and built" not in e.origin.text for e in found)
    assert "delta" in documents(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "?!…",
        "\0",
        "\ud800 lone",
        "*",
        "AND OR NOT",
        'title:Kell "',
        "body:[a TO z] ^~ (",
        '"" "" "x',
        "東京の人口は。",
        "كم عدد سكان المدينة",
        "👩‍👩‍👧 Kell",
        "e\u0301ve " * 50,
        "Kell " * 2_000,
        "x" * 10_000,
        " ".join(f"word{n}" for n in range(1_500)),
    ],
    ids=lambda text: ascii(text[:12]),
)
async def test_no_question_is_too_odd(corpus: Stand, text: str) -> None:
    assert len(await corpus.find(text, 3)) <= 3


async def test_health_is_ok_while_the_index_is_open(corpus: Stand) -> None:
    assert (await corpus.retriever.health()).status == "ok"
