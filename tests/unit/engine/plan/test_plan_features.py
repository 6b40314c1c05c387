from __future__ import annotations

import pytest

from app.engine.plan.features import Surface, surface


def test_each_sign_of_a_hop_is_counted() -> None:
    found = surface("Who owns the mill built by Isaura Venn's father that the oldest director saw?")
    assert found == Surface(
        words=15,
        clauses=2,
        of=0,
        possessives=1,
        participles=1,
        roles=1,
        comparing=1,
        relatives=1,
        relations=2,
        names=1,
        cased=True,
    )
    assert found.depth == pytest.approx(2 + 0.7 * 2 + 1 + 0.3)


def test_depth_grows_with_the_hops_of_a_question() -> None:
    questions = [
        "How deep is Skarn Tarn?",
        "How deep is the lake bordered by Callowby?",
        "How deep is the lake in the county where the founder of Callowby was born?",
    ]
    depths = [surface(question).depth for question in questions]
    assert depths == sorted(depths)
    assert len(set(depths)) == 3


@pytest.mark.parametrize("question", ["", "???", "、。", "\x00"])
def test_nothing_said_has_no_depth(question: str) -> None:
    assert surface(question).depth == 0


def test_case_and_the_form_of_the_apostrophe_do_not_matter() -> None:
    shouted, plain = surface("WHO IS VENN\u2019S FATHER"), surface("who is Venn's father")
    assert shouted == plain
    assert plain.names == 1


def test_two_things_compared_are_seen_in_both_ways() -> None:
    found = surface("Which bridge is older, Nine Heron Bridge or Iron Bridge?")
    assert found.compared
    assert found.choice
    assert not found.both
    assert surface("Did Ada Bell and Odo Marsh have the same teacher?").both


def test_the_word_that_asks_opens_no_clause() -> None:
    assert surface("Who built the mill?").relatives == 0
    assert surface("Who built the mill that burnt down where Ada Bell lived?").relatives == 2
