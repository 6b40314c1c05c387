from __future__ import annotations

import time

import pytest

from app.engine.hardness import features, hardness
from app.engine.hardness_weights import WEIGHTS
from app.engine.plan.features import surface
from app.engine.reasoning.lag import LagOptions

CERTAIN = 0.5
"""More likely hard than not; `auto` asks for less."""

ONE_HOP = (
    "Who designed the Nine Heron Bridge?",
    "when did tern mill burn down",
    "How deep is Skarn Tarn?",
    "Do you keep my address?",
)
MORE_HOPS = (
    "Who was the teacher of the designer of the Nine Heron Bridge?",
    "where was the woman who owned the mill that burnt down at callowby born",
    "Which bridge was opened first, Nine Heron Bridge or Iron Bridge of Kell?",
    "Are Ada Bell and Odo Marsh of the same nationality?",
    "When did the county where Isaura Venn's father was born join the league?",
)


@pytest.mark.parametrize("question", ONE_HOP)
def test_a_question_of_one_hop_is_not_hard(question: str) -> None:
    assert hardness(question).probability < LagOptions().hard


@pytest.mark.parametrize("question", MORE_HOPS)
def test_a_question_of_several_hops_is_hard(question: str) -> None:
    assert hardness(question).probability >= CERTAIN


@pytest.mark.parametrize("question", MORE_HOPS)
def test_lower_case_does_not_hide_the_hops(question: str) -> None:
    assert hardness(question.lower()).probability >= CERTAIN


def test_a_clause_more_never_makes_a_question_easier() -> None:
    questions = [
        "Who owns the mill?",
        "Who owns the mill that Ada Bell painted?",
        "Who owns the mill that Ada Bell painted where Odo Marsh lived?",
    ]
    found = [hardness(question).probability for question in questions]
    assert found == sorted(found)


@pytest.mark.parametrize("question", ["", "  ", "???", "\x00"])
def test_nothing_said_is_not_hard(question: str) -> None:
    assert hardness(question).probability == 0


@pytest.mark.parametrize("question", ["\u6771\u4eac\u306f\uff1f", "or " * 5000, "'s of " * 900])
def test_any_text_has_a_probability(question: str) -> None:
    assert 0 <= hardness(question).probability <= 1


def test_the_trace_names_every_count() -> None:
    found = hardness(MORE_HOPS[0]).features
    assert found["relations"] == 1
    assert found["depth"] == surface(MORE_HOPS[0]).depth
    assert all(isinstance(value, float) for value in found.values())


def test_the_shipped_weights_name_features_that_exist() -> None:
    assert WEIGHTS.keys() == features(surface("")).keys()


@pytest.mark.parametrize("name", sorted(WEIGHTS.keys() - {"cased"}))
def test_no_sign_of_a_hop_counts_against_one(name: str) -> None:
    assert WEIGHTS[name] > 0


def test_it_costs_less_than_a_millisecond() -> None:
    hardness(MORE_HOPS[0])
    took = []
    for _ in range(20):
        began = time.process_time()
        hardness(MORE_HOPS[0])
        took.append(time.process_time() - began)
    assert sorted(took)[10] < 0.001
