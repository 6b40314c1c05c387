"""What is answered once is not asked again, and nothing else is answered by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.reasoning.memory import Memory, Record, Vector


class Index:
    def known(self, key: str) -> bool:
        return key in ("isaura venn", "tobias quill", "lantern night", "long arm")


def vector(*values: float) -> Vector:
    return np.array(values, dtype=np.float32)


NEAR = vector(1, 0)
DIRECTOR = Record("Who directed Lantern Night?", NEAR, "Isaura Venn", ("chk_1",), 0.8)


def memory(*records: Record) -> Memory:
    made = Memory(Index())
    for record in records:
        assert made.keep(record)
    return made


def test_the_same_sub_question_is_answered_from_memory() -> None:
    found = memory(DIRECTOR).recall(DIRECTOR.text, NEAR)
    assert found is DIRECTOR
    assert (found.answer, found.keys) == ("Isaura Venn", ("chk_1",))


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("Who directed Lantern Night?", "Who was the director of Lantern Night"),
        ("the town where Isaura Venn was born", "the town, where Isaura Venn was born?"),
        ("Who directed Lantern Night?", "Who directed the famous Lantern Night?"),
    ],
)
def test_another_wording_of_the_same_is_the_same(kept: str, asked: str) -> None:
    assert memory(replace(DIRECTOR, text=kept)).recall(asked, NEAR) is not None


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("the director of A", "the director of B"),
        ("director of A", "director of B"),
        ("Who directed Lantern Night?", "Who directed Long Arm?"),
        ("who directed lantern night", "who directed long arm"),
        ("who directed solaris", "who directed stalker"),
        ("the film solaris of Isaura Venn", "the film stalker of Isaura Venn"),
        ("Solaris director born in Cork", "Stalker director born in Cork"),
        ("the winner of 1912", "the winner of 1913"),
        ("Lantern Night 2", "Lantern Night"),
        ("Isaura Venn's father", "Isaura Venn's mother"),
        ("When was Isaura Venn born?", "Where was Isaura Venn born?"),
        ("When was Isaura Venn born?", "When did Isaura Venn die?"),
        ("the oldest bridge of Callowby", "the youngest bridge of Callowby"),
        ("Is Callowby north of Skarn?", "Is Skarn north of Callowby?"),
        ("is callowby north of skarn", "is skarn north of callowby"),
        ("谁执导了 甲", "谁执导了 乙"),
        ("", "Who directed Lantern Night?"),
    ],
)
def test_no_cosine_makes_another_sub_question_the_same(kept: str, asked: str) -> None:
    assert memory(replace(DIRECTOR, text=kept)).recall(asked, NEAR) is None
    assert memory(replace(DIRECTOR, text=asked)).recall(kept, NEAR) is None


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (vector(2, 0), True),  # length does not count
        (vector(0.93, 0.3676), True),
        (vector(0.9, 0.4359), False),
        (vector(-1, 0), False),
        (vector(0, 0), False),
        (vector(float("nan"), 0), False),
        (vector(1, 0, 0), False),
    ],
)
def test_vectors_must_be_near(other: Vector, found: bool) -> None:
    assert (memory(DIRECTOR).recall(DIRECTOR.text, other) is not None) is found


@pytest.mark.parametrize(
    "change",
    [
        {"answer": None},
        {"degraded": True},
        {"support": 0.59},
        {"keys": ()},
    ],
)
def test_what_stopped_was_degraded_or_has_little_support_is_not_kept(change: object) -> None:
    made = Memory(Index())
    assert not made.keep(replace(DIRECTOR, **change))
    assert made.recall(DIRECTOR.text, NEAR) is None


def test_the_nearest_of_several_records_answers_and_of_equals_the_first() -> None:
    far = replace(DIRECTOR, vector=vector(0.95, 0.3122), answer="far")
    again = replace(DIRECTOR, answer="again")
    found = memory(far, DIRECTOR, again).recall(DIRECTOR.text, NEAR)
    assert found is DIRECTOR


def test_two_memories_share_nothing() -> None:
    memory(DIRECTOR)
    assert Memory(Index()).recall(DIRECTOR.text, NEAR) is None
