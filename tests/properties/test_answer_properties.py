"""What holds for any text: nothing is lost in cutting, nothing false in citing."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.engine.answer import Ask
from app.engine.reading.question import asked
from app.engine.reading.sentences import LONGEST_SENTENCE, sentences
from app.engine.reading.spans import spans
from app.engine.request import Request
from app.engine.sanitise import sanitise
from tests.answering import HERE, FixedSearch, Stored, chunk, hits

PIECES = [
    "The lock at Kell leaks. ", "It was built by Ada Varn in 1874.", "\n\n", "\n", "- ", "# ",
    "Dr. ", "U.S. ", "3.5 ", "...", "? ", "| ", "東京。", "“", "”", "[1]", "![x](", "[y](", ")",
    "](", "<", ">", "<b>", "</b>", "&lt;", "&#60;", "http://evil.example/", "www.evil.example",
    "javascript:",
    "[r]: ", "[r]", "<!--", "-->", "\u202e", "\u200b", "\x00", "&", "a", " ", "word ",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=30).map("".join)


@settings(deadline=None)  # shared machines stall
@given(texts)
def test_sentences_are_in_order_apart_and_hold_every_letter(text: str) -> None:
    found = sentences(text)
    last = 0
    for sentence in found:
        assert last <= sentence.start < sentence.end <= len(text)
        assert sentence.end - sentence.start <= LONGEST_SENTENCE
        assert not re.search(r"[^\W\d_]", text[last : sentence.start])
        last = sentence.end
    assert not re.search(r"[^\W\d_]", text[last:])


@settings(deadline=None)  # shared machines stall
@given(texts)
@example("[a](b(c)d")
@example("![![a](b)](c)")
@example("<<b>b>")
@example("&amp;lt;b&gt;")
def test_sanitising_is_idempotent_and_leaves_nothing_to_fetch(text: str) -> None:
    clean = sanitise(text)
    assert sanitise(clean) == clean
    assert len(clean) <= len(text)
    assert not re.search(r"\]\(|!\[|<[a-z/!?]|javascript:\S|\bwww\.\w|[a-z]+://\w", clean, re.I)
    assert not re.search(r"&(?:#\d+|lt|gt|amp);", clean)
    assert not set("\u202e\u200b\x00") & set(clean)


@settings(deadline=None)
@given(texts, texts)
def test_statements_that_stand_together_complete_nothing(first: str, second: str) -> None:
    joined = f"{sanitise(first)} [1] {sanitise(second)} [2]"
    assert not re.search(r"!\[[^\]]*\]\(|\]\([^)]*\)|<[a-z][^<>]*>", joined, re.I)


@settings(deadline=None)
@given(texts, texts)
def test_any_question_is_read_and_its_candidates_lie_in_the_text(question: str, text: str) -> None:
    read = asked(question)
    assert all(name in question for name in read.names)
    for sentence in sentences(text):
        for span in spans(read.kind, text, sentence.start, sentence.end):
            assert sentence.start <= span.start < span.end <= len(text)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(texts, min_size=1, max_size=4),
    st.lists(st.integers(0, 400), max_size=6),
    st.sampled_from(
        [
            "Who built the lock at Kell?",
            "When was it built?",
            "word",
            "",
            "東京",
            "How many evil a?",
        ]
    ),
)
def test_every_quote_stands_in_its_document_wherever_chunks_are_cut(
    documents: list[str], cuts: list[int], question: str
) -> None:
    store = Stored({str(number): text for number, text in enumerate(documents)})
    passages = []
    for name, text in store.texts.items():
        edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
        for ordinal, (start, end) in enumerate(pairwise(edges)):
            passages.append(chunk(name, text[start:end], "Kell", start, ordinal))
    cosines = [0.9 - 0.01 * place for place in range(len(passages))]
    search = FixedSearch(hits(*passages, cosines=cosines) if passages else [])
    answer = asyncio.run(Ask(search, store).ask(HERE, Request(question)))
    for citation in answer.citations:
        assert citation.document_id is not None
        source = store.texts[citation.document_id]
        assert source[citation.source_start : citation.source_end] == citation.quote
        assert answer.answer[citation.start : citation.end] == sanitise(citation.quote or "")
    assert (answer.status == "unanswerable") == (not answer.citations)
