from __future__ import annotations

import time

import numpy as np
import pytest

from app.engine.hardness import HardnessOptions, Linear, features, hardness
from app.engine.plan.features import surface

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
    assert not hardness(question).hard


@pytest.mark.parametrize("question", MORE_HOPS)
def test_a_question_of_several_hops_is_hard(question: str) -> None:
    assert hardness(question).hard


@pytest.mark.parametrize("question", MORE_HOPS)
def test_lower_case_does_not_hide_the_hops(question: str) -> None:
    assert hardness(question.lower()).hard


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
    found = hardness(question)
    assert found.probability == 0
    assert not found.hard


@pytest.mark.parametrize("question", ["\u6771\u4eac\u306f\uff1f", "or " * 5000, "'s of " * 900])
def test_any_text_has_a_probability(question: str) -> None:
    assert 0 <= hardness(question).probability <= 1


def test_the_trace_names_every_count() -> None:
    found = hardness(MORE_HOPS[0]).features
    assert found["relations"] == 1
    assert found["depth"] == surface(MORE_HOPS[0]).depth
    assert all(isinstance(value, float) for value in found.values())


def test_the_vector_is_read_where_it_is_given() -> None:
    weighted = Linear(-1.0, {"of": 1.0}, (4.0, 0.0))
    options = HardnessOptions(surface=Linear(-1.0, {"of": 1.0}), with_vector=weighted)
    question = "the teacher of Odo Marsh"
    toward = hardness(question, np.array([1.0, 0.0], np.float32), options)
    across = hardness(question, np.array([0.0, 1.0], np.float32), options)
    assert toward.probability > across.probability
    assert across.probability == hardness(question, options=options).probability


def test_a_vector_of_another_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        hardness("Who?", np.ones(7, np.float32))


def test_the_cut_is_an_option() -> None:
    certain = HardnessOptions(threshold=0.0)
    assert hardness(ONE_HOP[0], options=certain).hard


def test_the_shipped_weights_name_features_that_exist() -> None:
    known = features(surface("")).keys()
    options = HardnessOptions()
    assert options.surface.weights.keys() == known
    assert options.with_vector.weights.keys() == known
    assert len(options.with_vector.vector) == 384


def test_it_costs_less_than_a_millisecond() -> None:
    hardness(MORE_HOPS[0])
    took = []
    for _ in range(20):
        began = time.process_time()
        hardness(MORE_HOPS[0])
        took.append(time.process_time() - began)
    assert sorted(took)[10] < 0.001
