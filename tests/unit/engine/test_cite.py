from __future__ import annotations

import pytest

from app.engine.cite import CiteOptions, Quote, Statement, quoted, render, statements
from app.engine.steps.write import Pick
from tests.answering import HERE, Stored, chunk, rows

TEXT = "The lock was built in 1702. It has two gates, and the lower one leaks. Eels like it."


def pick(text: str, start: int = 0, document: str = "lock", closed: bool = True) -> Pick:
    passage = chunk(document, text, start=start)
    return Pick(passage, 0, len(text), closed, 0.5)


@pytest.mark.anyio
async def test_a_quote_is_read_back_from_the_store() -> None:
    store = Stored({"lock": TEXT})
    [quote] = await quoted([pick("The lock was built in 1702.")], store, HERE)
    assert quote == Quote("lock", "chk_lock_0", 0, 27, "The lock was built in 1702.")


@pytest.mark.anyio
@pytest.mark.parametrize("texts", [{}, {"lock": TEXT.replace("1702", "1703")}, {"lock": "short"}])
async def test_a_document_that_went_or_changed_costs_its_quote(texts: dict[str, str]) -> None:
    assert await quoted([pick("The lock was built in 1702.")], Stored(texts), HERE) == [None]


@pytest.mark.anyio
async def test_a_sentence_that_its_chunk_cuts_is_completed_from_the_document() -> None:
    store = Stored({"lock": TEXT})
    head = pick("It has two gates, and the", start=28, closed=False)
    tail = pick("lower one leaks.", start=54)
    for cut in (head, tail):
        [quote] = await quoted([cut], store, HERE)
        assert quote is not None
        assert quote.text == "It has two gates, and the lower one leaks."
        assert quote.chunk_id == cut.chunk.key
        assert TEXT[quote.start : quote.end] == quote.text


@pytest.mark.anyio
async def test_a_sentence_longer_than_the_margin_is_quoted_as_found() -> None:
    text = "word " * 60 + "end."
    found = pick("word word", start=100, closed=False)
    [quote] = await quoted([found], Stored({"lock": text}), HERE, CiteOptions(margin=20))
    assert quote is not None
    assert quote.text == "word word"


@pytest.mark.anyio
async def test_two_halves_of_one_sentence_become_one_statement() -> None:
    store = Stored({"lock": TEXT})
    head = pick("It has two gates, and the", start=28, closed=False)
    tail = pick("lower one leaks.", start=54)
    told = statements(await quoted([head, tail], store, HERE))
    assert [statement.text for statement in told] == ["It has two gates, and the lower one leaks."]


def test_marks_follow_their_statements_and_offsets_leave_them_out() -> None:
    first, second = Quote("a", "chk_a", 5, 9, "One."), Quote("b", "chk_b", 0, 4, "Two.")
    answer, citations = render([Statement("One.", (first,)), Statement("Two.", (second,))])
    assert answer == "One. [1] Two. [2]"
    assert [answer[c.start : c.end] for c in citations] == ["One.", "Two."]
    assert [c.mark for c in citations] == ["[1]", "[2]"]
    assert (citations[0].source_start, citations[0].source_end) == (5, 9)


def test_rows_are_cited_as_rows_and_lists_stand_on_their_own_lines() -> None:
    found = rows(["a", "b"], [1, 2], [3, 4])
    answer, [first, second] = render(
        [
            Statement("- a: 1; b: 2\n- a: 3; b: 4", (found,)),
            Statement("One.", (Quote("a", "c", 0, 4, "One."),)),
        ]
    )
    assert answer.splitlines()[-1] == "One. [2]"
    assert first.rows == found
    assert first.quote is first.document_id is None
    assert answer[second.start : second.end] == "One."


def test_a_quote_of_which_nothing_may_be_said_is_no_statement() -> None:
    poisoned = Quote("a", "c", 0, 30, "![x](http://evil.example/?q=1)")
    assert statements([poisoned, None]) == []


def test_a_sanitised_statement_keeps_its_byte_true_quote() -> None:
    quote = Quote("a", "c", 0, 0, "Read [this](http://evil.example).")
    [told] = statements([quote])
    _, [citation] = render([told])
    assert told.text == "Read this."
    assert citation.quote == quote.text
