"""Answers of a hop by rules."""

from __future__ import annotations

import pytest

from app.engine.reasoning.guess import Fit, GuessOptions, as_written, guesses, head_noun
from retrievers.protocol import Named
from retrievers.types import Chunk, ChunkId, DocumentKey

BRIDGE = "The Nine Heron Bridge was designed by Isaura Venn. It crosses the Long Arm at Callowby."
VENN = "Isaura Venn was an engineer and the daughter of Tobias Venn."


def chunk(number: int, title: str, text: str) -> Chunk:
    return Chunk(
        ChunkId(number), f"chk_{number}", DocumentKey(number), f"d{number}", title, "", text,
        0, len(text), 0, {},
    )  # fmt: skip


HOMES = {ChunkId(2): chunk(2, "Isaura Venn", VENN)}
NAMED = (
    Named("callowby", 0.4, titled=False, home=None),
    Named("isaura venn", 0.8, titled=False, home=ChunkId(2)),
    Named("long arm", 0.6, titled=False, home=None),
    Named("nine heron bridge", 0.7, titled=True, home=ChunkId(1)),
)
FITS = [Fit(chunk(1, "Nine Heron Bridge", BRIDGE), 5.0, NAMED)]


def test_the_entity_in_the_sentence_that_speaks_of_the_node_comes_first() -> None:
    found = guesses("the engineer who designed the Nine Heron Bridge", FITS, HOMES)
    assert [guess.text for guess in found] == ["Isaura Venn", "Long Arm", "Callowby"]
    assert found[0].score > found[1].score


def test_a_name_of_the_node_itself_is_no_answer() -> None:
    found = guesses("the engineer of the Nine Heron Bridge", FITS, HOMES)
    assert "nine heron bridge" not in {guess.key for guess in found}


def test_an_entity_of_the_asked_kind_is_preferred() -> None:
    without = guesses("the engineer of the Nine Heron Bridge", FITS, {})
    beside = guesses("the engineer of the Nine Heron Bridge", FITS, HOMES)
    assert beside[0].score - without[0].score == pytest.approx(GuessOptions().kind)


def test_a_worse_passage_makes_a_worse_answer() -> None:
    better, worse = (Fit(FITS[0].chunk, score, NAMED) for score in (5.0, 3.0))
    other = Fit(chunk(3, "", "Ada Bell built a mill."), 5.0, (Named("ada bell", 0.8, False, None),))
    one = guesses("the mill", [other, better], {})
    two = guesses("the mill", [other, worse], {})
    assert {g.key: g.score for g in one}["isaura venn"] > {g.key: g.score for g in two}[
        "isaura venn"
    ]


def test_nothing_found_gives_no_answer() -> None:
    assert guesses("the engineer of #1", [], {}) == []


def test_the_head_noun_is_neither_function_word_nor_name() -> None:
    assert head_noun("the director of Nine Herons") == head_noun("Which director") != ""
    assert head_noun("#1") == head_noun("") == ""


def test_a_key_is_shown_as_the_passage_writes_it() -> None:
    assert as_written("o brien jr", "He met O'Brien, Jr. there.") == "O'Brien, Jr"
    assert as_written("ada bell", "nobody") == "Ada Bell"
