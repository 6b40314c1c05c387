from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.hit import Signals
from app.engine.reading.choice import score
from app.engine.reading.passage import read
from app.engine.reading.question import asked
from app.engine.reading.support import PickWeights, Support, SupportOptions, judge

BRIDGE = ("Iron Bridge", "The Iron Bridge at Kell was designed by Ada Varn and opened in 1874.")
VARN = ("Ada Varn", "Ada Varn was an engineer. She was the daughter of Olof Varn, a smith.")
LUND = ("Lund", "Lund has a garden. Its ferns are older than the town hall.")
QUESTION = "Who was the father of the designer of the Iron Bridge?"
CLEAR = Signals(uncovered=0.2, lexical_gap=0.3)
FAINT = Signals(uncovered=0.8, lexical_gap=0.0)


def judged(
    question: str,
    *passages: tuple[str, str],
    cosines: list[float | None],
    picks: Signals | None = CLEAR,
    options: SupportOptions | None = None,
) -> Support:
    ask = asked(question)
    sentences = score(ask, [read(*passage) for passage in passages], cosines)
    return judge(ask, sentences, cosines, options, picks)


def test_both_hops_at_hand_are_enough() -> None:
    assert judged(QUESTION, BRIDGE, VARN, cosines=[0.7, 0.4]).enough


def test_far_passages_that_leave_the_question_open_are_not() -> None:
    assert not judged(QUESTION, LUND, cosines=[0.2], picks=FAINT).enough


def test_what_the_picks_leave_open_counts_against_an_answer() -> None:
    seen = [
        judged(QUESTION, BRIDGE, cosines=[0.5], picks=Signals(share, 0.1)).score
        for share in (0.0, 0.3, 0.6, 1.0)
    ]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 4


def test_a_passage_that_stands_out_counts_for_an_answer() -> None:
    near = judged(QUESTION, BRIDGE, cosines=[0.5], picks=Signals(0.3, 0.0))
    out = judged(QUESTION, BRIDGE, cosines=[0.5], picks=Signals(0.3, 0.5))
    assert out.score > near.score


def test_a_title_that_the_question_names_counts_for_an_answer() -> None:
    named = judged(QUESTION, BRIDGE, LUND, cosines=[0.5, 0.2])
    other = judged(QUESTION, ("Bridges of Kell", BRIDGE[1]), LUND, cosines=[0.5, 0.2])
    assert named.signs["named"] > 0
    assert other.signs["named"] == 0
    assert named.score > other.score


def test_texts_without_titles_are_not_held_to_be_others() -> None:
    untitled = judged(QUESTION, ("", BRIDGE[1]), cosines=[0.6])
    assert untitled.signs["untitled"] == 1
    foreign = judged(QUESTION, ("Lund", BRIDGE[1]), cosines=[0.6])
    assert untitled.score > foreign.score


def test_no_more_missing_names_count_than_allowed() -> None:
    many = "Did Oda Kell, Per Lind, Ivo Sand, Una Holt and Ask Ravn meet?"
    found = judged(many, LUND, cosines=[0.4])
    assert len(found.missing) > PickWeights().most_missing
    assert found.signs["missing"] == PickWeights().most_missing


def test_an_unknown_part_number_is_still_refused() -> None:
    notes = ("Notes", "The hinge pin of the lower gate is part HV-2207.")
    found = judged("Which gate takes the hinge pin HV-2299?", notes, cosines=[0.6])
    assert found.missing == ("HV-2299",)
    assert not found.enough


@pytest.mark.parametrize("cosines", [[None, None], []])
def test_without_cosines_the_signals_are_not_read(cosines: list[float | None]) -> None:
    alone = judged(QUESTION, BRIDGE, VARN, cosines=cosines, picks=None)
    assert judged(QUESTION, BRIDGE, VARN, cosines=cosines) == alone


def test_without_signals_the_passages_alone_are_judged() -> None:
    found = judged(QUESTION, BRIDGE, VARN, cosines=[0.7, 0.4], picks=None)
    assert found.threshold == SupportOptions().threshold
    assert not found.signs


def test_the_threshold_of_the_signals_is_an_option() -> None:
    strict = SupportOptions(picks=replace(PickWeights(), threshold=1000.0))
    found = judged(QUESTION, BRIDGE, VARN, cosines=[0.7, 0.4], options=strict)
    assert found.threshold == 1000.0
    assert not found.enough


def test_nothing_but_stop_words_is_judged_without_an_error() -> None:
    assert not judged("who is he", LUND, cosines=[0.1], picks=Signals(1.0, 0.0)).enough
