"""Which entities passages name."""

from __future__ import annotations

from test_graph_view import DIRECTOR, FILM, OTHER, TOWN, WORLD, viewed

from retrievers.graph.named import named
from retrievers.types import ChunkId


def test_each_passage_names_its_entities_by_key_with_their_homes() -> None:
    film, town = named(WORLD, [ChunkId(FILM), ChunkId(TOWN)])
    assert [(entity.key, entity.titled, entity.home) for entity in film] == [
        ("dark lake", True, FILM),
        ("max orme", False, DIRECTOR),
    ]
    assert {entity.key: entity.home for entity in town} == {"kell": TOWN, "max orme": DIRECTOR}


def test_a_rarer_entity_weighs_more() -> None:
    (film,) = named(WORLD, [ChunkId(FILM)])
    rarity = {entity.key: entity.rarity for entity in film}
    assert 0 < rarity["max orme"] < rarity["dark lake"] <= 1


def test_a_passage_that_is_not_there_names_nothing() -> None:
    assert named(WORLD, [ChunkId(99), ChunkId(OTHER)])[0] == ()
    assert named(viewed(), [ChunkId(1)]) == [()]


def test_a_view_knows_the_names_that_questions_may_hold() -> None:
    assert WORLD.known("max orme")
    assert not WORLD.known("ada bell")
