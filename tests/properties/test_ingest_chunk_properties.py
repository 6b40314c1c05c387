"""Whatever the text: chunks are disjoint slices in order that leave nothing but white space out."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from app.domain.documents import Parsed
from app.ingest.cut.chunk import Limits, spans
from app.ingest.cut.sentences import boundaries
from app.ingest.parse.markdown import headings

WORD = re.compile(r"\w+|[^\w\s]")
MARKS = ["# ", "## ", "#### ", "\n", "\n\n", "\r\n", " ", ". ", "。", "!", ", ", "- ", "| "]
WORDS = [
    "```\n",
    "===\n",
    "weir",
    "Mill",
    "e\u0301",
    "👩\u200d👧",
    "水",
    "שלום",
    "\u3000",
    "1.",
    "x" * 50,
]
PIECES = st.sampled_from([*MARKS, *WORDS])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=120).map("".join))
LIMITS = st.builds(
    lambda whole, longest, shortest: Limits(
        whole, min(whole, longest), min(longest, whole, shortest) // 2, 16 * whole
    ),
    st.integers(1, 40),
    st.integers(1, 30),
    st.integers(0, 30),
)


@given(TEXTS, LIMITS)
def test_chunks_cover_the_text_once(text: str, limit: Limits) -> None:
    starts = [match.start() for match in WORD.finditer(text)]
    found = spans(Parsed("", text, headings(text)), starts, limit)
    kept = "".join(text[span.start : span.end] for span in found)
    assert "".join(kept.split()) == "".join(text.split())
    end = 0
    for span in found:
        assert end <= span.start < span.end
        slice_ = text[span.start : span.end]
        assert slice_ == slice_.strip()
        assert len(slice_) <= limit.characters
        inside = sum(span.start <= start < span.end for start in starts)
        assert inside <= max(limit.whole, limit.longest)
        end = span.end


@given(TEXTS)
def test_headings_are_slices_in_order(text: str) -> None:
    end = 0
    for heading in headings(text):
        assert end <= heading.start < heading.end
        assert heading.text.strip() == heading.text != ""
        end = heading.end


@given(TEXTS)
def test_sentences_begin_at_letters_in_ascending_order(text: str) -> None:
    found = boundaries(text, 0, len(text))
    assert found == sorted(set(found))
    assert not any(text[place].isspace() for place in found[1:])
