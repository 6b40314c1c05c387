"""What a statement claims is made comparable, for any text."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.engine.reading.claims import Evidence, claims, name_parts
from app.engine.reading.negation import opposed
from app.engine.reading.windows import of_passage

PIECES = [
    "Ada Varn", "Žofie", "St. Mary", "the lock", "HV-2207", "plan.txt", "1,200", "3.50",
    "twenty-five", "1.2 million", "a dozen", "3 May 1912", "May 3, 1912", "1912-05-03",
    "June 1902", "1990s",
    "19th", "12%", "9:30", "No. 5", "²", "½", "Ⅷ", "٣", "not", "never", " ", ". ", ", ", "\n", "-",
    "'s", "“", "”",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=12).map(" ".join)


@settings(deadline=None)  # shared machines stall
@given(texts)
@example("Kell's Old Stone Lock leaks.")
@example("So said Ada Varn 19th")
@example("“Žofie 3 May 1912 Ada Varn”")
def test_a_text_holds_what_it_claims(text: str) -> None:
    read, evidence = claims(text), Evidence(text)
    assert read.dates <= evidence.dates
    assert all(evidence.has_code(code) for code in read.codes)
    for name in read.names:
        assert evidence.has_name(name) or all(map(evidence.has_name, name_parts(name)))
    assert read.numbers <= evidence.numbers


@settings(deadline=None)
@given(texts)
def test_no_text_is_opposed_to_itself(text: str) -> None:
    assert not opposed(text, text)


@settings(deadline=None)
@given(texts)
def test_windows_lie_in_their_passage(text: str) -> None:
    for window in of_passage("Kell", "", text):
        assert 0 <= window.start < window.end <= len(text)
        assert window.text == text[window.start : window.end]
        assert window.width in (1, 2)
