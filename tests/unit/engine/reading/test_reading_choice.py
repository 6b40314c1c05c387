from __future__ import annotations

from app.engine.reading.choice import ChoiceOptions, Sentences, choose, score
from app.engine.reading.passage import read
from app.engine.reading.question import asked
from app.engine.reading.short import Short, candidates, short_answer
from app.engine.reading.spans import spans
from app.engine.reading.support import Support, judge

BRIDGE = (
    "Iron bridge",
    "The iron bridge at Kell is 90 metres long. It was designed by Ada Varn and opened in 1874. "
    "Trams have used it since 1902.",
)
VARN = (
    "Ada Varn",
    "Ada Varn (4 May 1840 \u2013 2 June 1911) was an engineer. She was the daughter of Olof Varn, "
    "a smith. She kept bees.",
)
LUND = ("Lund", "Lund has a garden. Its ferns are older than the town hall.")


def look(
    question: str, *passages: tuple[str, str], cosines: list[float] | None = None
) -> Sentences:
    return score(asked(question), [read(*passage) for passage in passages], cosines or ())


def chosen(question: str, *passages: tuple[str, str]) -> list[str]:
    sentences = look(question, *passages)
    rows = choose(asked(question), sentences)
    return [said(sentences, row) for row in rows]


def said(sentences: Sentences, row: int) -> str:
    p, n = sentences.places[row]
    passage = sentences.passages[p]
    return passage.text[passage.lines[n].start : passage.lines[n].end]


def short(question: str, *passages: tuple[str, str]) -> Short | None:
    sentences = look(question, *passages)
    return short_answer(asked(question), sentences, choose(asked(question), sentences))


def test_the_first_sentence_is_the_one_that_covers_the_question() -> None:
    assert chosen("Since when have trams used the iron bridge at Kell?", BRIDGE, LUND)[0] == (
        "Trams have used it since 1902."
    )


def test_a_chain_is_followed_through_the_title_that_a_sentence_names() -> None:
    found = chosen("Who was the father of the engineer who designed the iron bridge?", BRIDGE, VARN)
    assert any("designed by Ada Varn" in sentence for sentence in found)
    assert any("daughter of Olof Varn" in sentence for sentence in found)


def test_a_passage_far_from_the_question_adds_nothing() -> None:
    question = "Who designed the iron bridge at Kell?"
    sentences = look(question, BRIDGE, LUND, cosines=[0.7, 0.1])
    assert {sentences.places[row][0] for row in choose(asked(question), sentences)} == {0}


def test_no_more_sentences_are_chosen_than_allowed() -> None:
    sentences = look("the iron bridge, Ada Varn, Lund, ferns, trams and bees", BRIDGE, VARN, LUND)
    rows = choose(asked("bridge"), sentences, ChoiceOptions(stop=-1000.0, most=3))
    assert len(rows) == len(set(rows)) == 3


def test_nothing_is_chosen_from_nothing() -> None:
    assert choose(asked("Who?"), look("Who?")) == []
    assert choose(asked("Who?"), look("Who?", ("", " \n "))) == []


def test_a_question_without_content_words_is_read_without_an_error() -> None:
    sentences = look("who is he", BRIDGE)
    assert sentences.weights == {}
    assert choose(asked("who is he"), sentences)


def test_shares_and_weights_sum_to_one() -> None:
    sentences = look("Who designed the iron bridge at Kell?", BRIDGE, VARN)
    assert abs(sentences.shares.sum() - 1) < 1e-9
    assert abs(sum(sentences.weights.values()) - 1) < 1e-9


def test_the_short_answer_is_the_date_of_birth_and_not_of_death() -> None:
    born, died = short("When was Ada Varn born?", VARN), short("When did Ada Varn die?", VARN)
    assert born is not None
    assert died is not None
    assert (born.text, died.text) == ("4 May 1840", "2 June 1911")


def test_the_short_answer_of_a_chain_is_its_end() -> None:
    found = short("Who was the father of the engineer who designed the iron bridge?", BRIDGE, VARN)
    assert found is not None
    assert found.text == "Olof Varn"


def test_a_number_is_read_beside_what_is_counted() -> None:
    text = ("Mill", "The mill has 2 wheels and 14 rooms. It was built in 1702.")
    found = short("How many rooms does the mill have?", text)
    assert found is not None
    assert found.text == "14"


def test_a_choice_between_named_things_has_no_short_answer() -> None:
    assert short("Which is older, the Iron Bridge or the Kell Mill?", BRIDGE) is None


def test_reasons_have_no_short_answer() -> None:
    question = "Why was the iron bridge built?"
    sentences = look(question, BRIDGE)
    assert candidates(asked(question), sentences, choose(asked(question), sentences)) == []


def test_equal_spans_count_once_and_probabilities_stay_below_one() -> None:
    question = "Who designed the iron bridge?"
    twice = ("Iron bridge", f"{BRIDGE[1]} Ada Varn also designed the gate.")
    sentences = look(question, twice)
    found = candidates(asked(question), sentences, choose(asked(question), sentences))
    assert len({short.text for short in found}) == len(found)
    assert 0 < sum(short.probability for short in found) < 1


def test_spans_lie_in_their_sentence_and_look_as_asked() -> None:
    text = "On 12 May 1887 Isaura Venn and Perrin Lock opened 9 gates (£1,200) at Kell, Oren."
    assert [text[s.start : s.end] for s in spans("date", text, 0, len(text))] == ["12 May 1887"]
    assert [text[s.start : s.end] for s in spans("number", text, 0, len(text))] == ["9", "£1,200"]
    named = {text[s.start : s.end] for s in spans("person", text, 0, len(text))}
    assert {"Isaura Venn", "Perrin Lock", "Kell, Oren"} <= named
    assert spans("text", text, 0, len(text)) == []
    assert spans("person", "東京は日本の首都です。", 0, 11) == []


def judged(question: str, *passages: tuple[str, str], cosines: list[float | None]) -> Support:
    known = [cosine or 0.0 for cosine in cosines]
    return judge(asked(question), look(question, *passages, cosines=known), cosines)


def test_evidence_that_holds_the_answer_is_enough_and_other_evidence_is_not() -> None:
    question = "Who designed the iron bridge at Kell?"
    assert judged(question, BRIDGE, VARN, cosines=[0.7, 0.4]).enough
    assert not judged(question, LUND, cosines=[0.1]).enough


def test_without_cosines_words_alone_decide() -> None:
    question = "Who designed the iron bridge at Kell?"
    assert judged(question, BRIDGE, VARN, cosines=[None, None]).enough
    assert not judged(question, LUND, cosines=[None]).enough


def test_names_that_nobody_mentions_are_reported_and_count_against_an_answer() -> None:
    with_name = judged("Who designed the iron bridge at Tarn?", BRIDGE, cosines=[0.6])
    assert with_name.missing == ("Tarn",)
    assert with_name.score < judged("Who designed it at Kell?", BRIDGE, cosines=[0.6]).score


def test_an_unknown_part_number_is_not_answered_with_its_neighbour() -> None:
    text = ("Notes", "The hinge pin of the lower gate is part HV-2207.")
    assert judged("Which gate takes part HV 2207?", text, cosines=[0.4]).missing == ()
    unknown = judged("Which gate takes the hinge pin HV-2299?", text, cosines=[0.6])
    assert unknown.missing == ("HV-2299",)
    assert not unknown.enough


def test_a_date_is_asked_and_the_best_sentence_has_none() -> None:
    text = ("Lund", "Lund has a railway to the sea. A pike was caught in 1936.")
    assert judged("When did Lund get a railway?", text, cosines=[0.5]).untyped > 0
    assert judged("Where is the railway of Lund?", text, cosines=[0.5]).untyped == 0


def test_stop_words_alone_support_nothing() -> None:
    assert not judged("who is he", BRIDGE, cosines=[None]).enough
    assert not judged("", BRIDGE, cosines=[0.2]).enough


def test_two_names_joined_are_mentioned_if_each_is() -> None:
    found = judged("Did Ada Varn and Olof Varn keep bees?", VARN, cosines=[0.6])
    assert found.missing == ()


def test_a_capitalised_stop_word_is_no_name() -> None:
    text = 'The crew sang "Does It Rain?" and Why.'
    assert "Why" not in {text[s.start : s.end] for s in spans("person", text, 0, len(text))}


def test_a_demonym_answers_only_where_a_nationality_is_asked() -> None:
    text = ("Ada Varn", "Ada Varn was a Norwegian engineer from Kell.")
    nationality = short("What nationality was Ada Varn?", text)
    assert nationality is not None
    assert nationality.text == "Norwegian"
    home = short("Where did Ada Varn come from?", text)
    assert home is None or home.text == "Kell"
