"""Typed values of sub-questions, read by rules."""

from __future__ import annotations

import pytest

from app.domain.hit import Hit
from app.domain.plan import Expects
from app.engine.steps.extract import extract
from retrievers.types import Chunk, ChunkId, DocumentKey, Evidence


def hit(number: int, title: str, text: str) -> Hit:
    chunk = Chunk(
        ChunkId(number), f"chk_{number}", DocumentKey(number), f"d{number}", title, "", text,
        0, len(text), 0, {},
    )  # fmt: skip
    return Hit(Evidence(chunk.key, "vector", 1.0, chunk), 1.0, {})


VENN = hit(
    1, "Isaura Venn",
    "Isaura Venn (3 May 1912 \u2013 1 June 1980) was a Norwegian engineer and painter who built "
    "bridges. She moved to Kell in 1931. Venn opened a school there in 1950.",
)  # fmt: skip
QUILL = hit(
    2, "Tobias Quill",
    "Tobias Quill (born 9 March 1950 in Kell) is a Greek- American actor. He played in 1999.",
)  # fmt: skip
FILM = hit(
    3, "The Gauge House (1961 film)",
    "The Gauge House is a 1961 French drama film directed by Bo Renn. "
    "It is based on the 1948 novel.",
)  # fmt: skip
MILL = hit(
    4, "Oxbow Mill",
    "Oxbow Mill is a mill in Kell, Ontario, Canada. It was built in 1784 and stands 31 metres "
    "high. It was rebuilt in 1901.",
)  # fmt: skip
BAND = hit(
    5,
    "Nine Herons",
    "Nine Herons are a rock band from Skarn. The group was founded in 1988 and has five members.",
)


@pytest.mark.parametrize(
    ("text", "expects", "found", "value"),
    [
        ("is older Isaura Venn", "date", VENN, "3 May 1912"),
        ("the date of birth of Isaura Venn", "date", VENN, "3 May 1912"),
        ("When was Isaura Venn born?", "date", VENN, "3 May 1912"),
        ("died first Isaura Venn", "date", VENN, "1 June 1980"),
        ("lived longer Isaura Venn", "number", VENN, "3 May 1912 \u2013 1 June 1980"),
        ("Isaura Venn of the same nationality", "place", VENN, "Norwegian"),
        ("Isaura Venn have the same profession", "entity", VENN, "engineer and painter"),
        ("is younger Tobias Quill", "date", QUILL, "9 March 1950"),
        ("Tobias Quill have the same nationality", "place", QUILL, "Greek- American"),
        ("film was released first The Gauge House", "date", FILM, "1961"),
        ("The Gauge House release date", "date", FILM, "1961"),
        ("the movies The Gauge House from the same country", "place", FILM, "French"),
        ("Oxbow Mill located in the same country", "place", MILL, "Ontario, Canada"),
        ("is older Oxbow Mill", "date", MILL, "1784"),
        ("building is higher Oxbow Mill", "number", MILL, "31 metres"),
        ("band was founded first Nine Herons", "date", BAND, "1988"),
        ("group has more members Nine Herons", "number", BAND, "five"),
        ("is a rock band Nine Herons", "bool", BAND, "yes"),
        ("Isaura Venn is a Swedish engineer", "bool", VENN, "no"),
        ("Oxbow Mill is in Canada", "bool", MILL, "yes"),
    ],
)
def test_a_value_is_read_as_its_passage_writes_it(
    text: str, expects: Expects, found: Hit, value: str
) -> None:
    read = extract(text, expects, [found])
    assert read is not None
    assert read.text == value
    assert 0.35 <= read.support <= 1
    assert read.pick.chunk is found.chunk
    if value not in ("yes", "no"):
        assert value in read.pick.chunk.text[read.pick.start : read.pick.end]


def test_the_passage_about_the_thing_is_read_wherever_it_ranks() -> None:
    read = extract("is older Tobias Quill", "date", [VENN, FILM, QUILL])
    assert read is not None
    assert read.text == "9 March 1950"
    assert read.pick.chunk is QUILL.chunk


def test_two_things_of_one_name_halve_the_support() -> None:
    other = hit(9, "Tobias Quill", "Tobias Quill (born 2 April 1850) was a Danish painter.")
    alone, both = (
        extract("is older Tobias Quill", "date", hits) for hits in ([QUILL], [QUILL, other])
    )
    assert alone is not None
    assert both is not None
    assert both.support == pytest.approx(alone.support / 2)


def test_who_lives_has_not_died() -> None:
    read = extract("died first Tobias Quill", "date", [QUILL])
    assert read is None or read.support < 0.35


@pytest.mark.parametrize(
    "expects", ["entity", "person", "place", "date", "number", "bool", "list", "text"]
)
def test_without_passages_there_is_no_value(expects: Expects) -> None:
    assert extract("is older Tobias Quill", expects, []) is None
    assert extract(" ", expects, [QUILL]) is None
