"""Where texts are cut."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from app.domain.documents import Parsed
from app.ingest.cut.chunk import Limits, limits, spans
from app.ingest.cut.outline import token_starts
from app.ingest.cut.sentences import boundaries
from app.ingest.parse.markdown import headings

WORD = re.compile(r"\w+|[^\w\s]")
SMALL = Limits(whole=40, longest=30, shortest=10, characters=640)


def tokens(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in WORD.finditer(text)]


def cut(text: str, limit: Limits = SMALL, title: str = "") -> list[tuple[str, str]]:
    parsed = Parsed(title, text, headings(text))
    found = spans(parsed, token_starts(text, tokens), limit)
    assert re.sub(r"\s", "", text) == "".join(
        re.sub(r"\s", "", text[span.start : span.end]) for span in found
    )
    return [(span.context, text[span.start : span.end]) for span in found]


def prose(sentences: int) -> str:
    return " ".join(f"Sentence {n} speaks of {n * n} mills and weirs." for n in range(sentences))


def test_what_the_encoder_reads_whole_is_never_cut() -> None:
    text = prose(4) + "\n\n" + " word" * 4
    assert len(tokens(text)) == SMALL.whole
    assert cut(text) == [("", text)]


def test_one_token_more_is_cut_at_a_sentence() -> None:
    found = cut(prose(5))
    assert len(found) > 1
    assert all(text.startswith("Sentence") and text.endswith(".") for _, text in found)


def test_sizes_lie_between_the_bounds() -> None:
    found = cut(prose(200))
    sizes = [len(tokens(text)) for _, text in found]
    assert max(sizes) <= SMALL.longest
    assert min(sizes) >= SMALL.shortest


def test_a_title_takes_its_tokens_from_the_text() -> None:
    assert limits(256).whole == 254
    assert limits(256, title_tokens=14).whole == 240
    assert limits(256, title_tokens=5_000).whole == 126


def test_no_chunk_crosses_a_section() -> None:
    text = f"# Mills\n\n{prose(2)}\n\n## Weirs\n\n{prose(2)}\n\n### Fish\n\nFew.\n\n# End\n\nBye."
    found = cut(text)
    assert [context for context, _ in found] == ["", "Mills", ""]
    assert [text.split("\n")[0] for _, text in found] == ["# Mills", "## Weirs", "# End"]


def test_headings_without_text_between_them_stay_together() -> None:
    assert cut("# A\n\n## B\n\ntext") == [("", "# A\n\n## B\n\ntext")]


def test_context_is_the_last_two_headings_without_the_title() -> None:
    text = f"# Book\n\nx\n\n## Part\n\n### Chapter\n\n{prose(20)}"
    found = cut(text, title="Book")
    assert found[0] == ("", "# Book\n\nx")
    assert found[1][0] == ""
    assert {context for context, _ in found[2:]} == {"Part > Chapter"}


def test_a_heading_is_not_left_behind_by_its_text() -> None:
    text = "\n\n".join(f"### Heading {n}\n\n{prose(3)}" for n in range(30))
    assert all(part.endswith(".") for _, part in cut(text))


def test_a_long_sentence_is_cut_at_clauses_then_spaces() -> None:
    clauses = ", ".join(["one two three four five six seven eight nine ten"] * 6)
    assert all(text.endswith(("ten,", "ten")) for _, text in cut(clauses))
    words = " ".join(["word"] * 100)
    assert {text for _, text in cut(words)} == {" ".join(["word"] * n) for n in (30, 10)}


@pytest.mark.parametrize("letter", ["x", "字", "e\u0301", "👨‍👩‍👧‍👦", "🇩🇪", "각", "\u0301"])
def test_a_megabyte_without_a_space_is_cut_between_letters(letter: str) -> None:
    found = cut(letter * (1_000_000 // len(letter)), limits(256))
    assert max(len(text) for _, text in found) <= limits(256).characters
    if letter != "\u0301":
        assert all(text == letter * (len(text) // len(letter)) for _, text in found)


def test_scripts_without_spaces_are_cut_at_their_full_stops() -> None:
    text = "水车在河边转动。磨坊主说\uff1a「今天水大\uff01」孩子们笑了。" * 12
    found = spans(Parsed("", text), range(len(text)), SMALL)
    assert all(text[span.end - 1] in "。」" for span in found)


def test_an_edit_disturbs_only_its_neighbourhood() -> None:
    sentences = [f"Sentence {n} speaks of {n * n} mills and weirs." for n in range(300)]
    before = {text for _, text in cut(" ".join(sentences))}
    sentences.insert(150, "Something new was put in here.")
    after = {text for _, text in cut(" ".join(sentences))}
    assert len(after - before) <= 4
    assert len(before) > 100


def test_sentences_end_where_a_reader_would_end_them() -> None:
    text = (
        'Dr. J. Smith met Mr. Lee at 3 p.m. on Nov. 24. "Why?" he asked. It cost 3.50, i.e. much. '
        "See fig. 2 and No. 7! Then…\n\nNew paragraph\n- item one\n- item two"
    )
    starts = boundaries(text, 0, len(text))
    assert [text[a:b].strip() for a, b in pairwise([*starts, len(text)])] == [
        'Dr. J. Smith met Mr. Lee at 3 p.m. on Nov. 24. "Why?" he asked.',
        "It cost 3.50, i.e. much.",
        "See fig. 2 and No. 7!",
        "Then…",
        "New paragraph",
        "- item one",
        "- item two",
    ]


def test_a_long_text_is_tokenized_in_blocks_that_split_no_token() -> None:
    text = prose(6_000)
    handed: list[str] = []

    def offsets(block: str) -> list[tuple[int, int]]:
        handed.append(block)
        return tokens(block)

    assert list(token_starts(text, offsets)) == [start for start, _ in tokens(text)]
    assert "".join(handed) == text
    assert max(map(len, handed)) < 66_000


def test_a_long_text_without_spaces_is_tokenized_in_blocks_too() -> None:
    text = "字" * 1_000_000
    sizes: list[int] = []

    def offsets(block: str) -> list[tuple[int, int]]:
        sizes.append(len(block))
        return [(n, n + 1) for n in range(len(block))]

    assert list(token_starts(text, offsets)) == list(range(len(text)))
    assert max(sizes) < 300_000
