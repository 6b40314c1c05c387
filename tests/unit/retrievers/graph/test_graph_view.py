from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from retrievers.graph.index import Passage, PassageIndex
from retrievers.graph.linking import candidates
from retrievers.graph.question import read
from retrievers.graph.view import GraphOptions, View
from retrievers.graph.words import Stemmer
from retrievers.protocol import Profile
from retrievers.types import Chunk, ChunkId, DocumentKey

NO_SEEDS: Mapping[ChunkId, float] = MappingProxyType({})


def passage(number: int, title: str, text: str, ordinal: int = 0, document: int = 0) -> Passage:
    chunk = Chunk(
        ChunkId(number),
        f"chk_{number:05}",
        DocumentKey(document or number),
        f"d{number}",
        title,
        "",
        text,
        0,
        len(text),
        ordinal,
        {},
    )
    return Passage(chunk, candidates(text))


def viewed(*passages: Passage) -> View:
    index = PassageIndex(Stemmer())
    index.replace([p.chunk.document for p in passages], passages)
    return View(index, GraphOptions())


FILM, DIRECTOR, TOWN, SCHOOL, OTHER = range(1, 6)
WORLD = viewed(
    passage(FILM, "Dark Lake (1999 film)", "Dark Lake is a film directed by Max Orme."),
    passage(DIRECTOR, "Max Orme", "Max Orme was born in Kell and went to Saint Ann."),
    passage(TOWN, "Kell", "Kell is a town on a river. Max Orme was born there."),
    passage(SCHOOL, "Saint Ann", "Saint Ann is a school."),
    passage(OTHER, "Ferns", "Ferns are plants; a film of water helps them. The hardware Lake."),
)
QUESTION = "Where was he born who directed Dark Lake?"


def seen(view: View, question: str, *ids: int) -> Profile:
    return view.profile(read(question), NO_SEEDS, [ChunkId(number) for number in ids])


def test_an_entity_leads_from_its_passage_to_those_that_mention_it() -> None:
    found = WORLD.best(read(QUESTION), NO_SEEDS, 10, None)
    order = sorted(found, key=lambda chunk: -found[chunk])
    assert order[:2] == [FILM, DIRECTOR]
    assert OTHER not in found


def test_nothing_to_start_from_finds_nothing() -> None:
    assert WORLD.best(read("what is it?"), NO_SEEDS, 10, None) == {}
    assert WORLD.best(read("what is it?"), {ChunkId(99): 1.0}, 10, None) == {}


def test_seeds_alone_are_enough() -> None:
    found = WORLD.best(read("what is it?"), {ChunkId(SCHOOL): 1.0}, 2, None)
    assert set(found) == {SCHOOL, DIRECTOR}


def test_a_filter_hides_passages_but_the_walk_still_passes_through_them() -> None:
    allowed = np.array([TOWN, SCHOOL])
    found = WORLD.best(read(QUESTION), NO_SEEDS, 10, allowed)
    assert set(found) == {TOWN, SCHOOL}


def test_weights_follow_the_formula() -> None:
    view = WORLD
    row = view.links.weights[0].toarray()[0]
    keys = {view._index.keys.strings[key]: column for column, key in enumerate(view._keys)}
    idf = {key: math.log(1 + 5 / df) for key, df in (("dark lake", 1), ("max orme", 3))}
    assert row[keys["max orme"]] == pytest.approx(idf["max orme"] / idf["dark lake"])
    assert row[keys["dark lake"]] == pytest.approx(1 + math.log(2) + 2.0)


def test_the_bonus_of_a_title_is_smaller_on_later_passages() -> None:
    view = viewed(
        passage(1, "Kell", "A town.", 0, document=1), passage(2, "Kell", "A town.", 1, document=1)
    )
    first, later = view.links.weights.toarray()[:, 0]
    assert (first, later) == pytest.approx((3.0, 2.0))


def test_a_profile_says_which_candidate_holds_which_term() -> None:
    profile = seen(WORLD, QUESTION, OTHER, DIRECTOR, FILM)
    held = dict(zip(profile.words, profile.word_terms, strict=True))
    assert held["Where"] == held["who"] == ()
    column = {word: columns[0] for word, columns in held.items() if columns}
    assert set(column) == {"directed", "Dark", "Lake", "born"}
    assert profile.covers[:, column["directed"]].tolist() == [0, 0, 1]
    assert profile.covers[:, column["born"]].tolist() == [0, 1, 0]
    assert profile.covers[:, column["Lake"]].tolist() == [1, 0, 1]
    assert profile.weights.sum() == pytest.approx(1)


def test_terms_no_passage_holds_keep_their_share_of_the_weight() -> None:
    profile = seen(WORLD, "Where was the glorious man born?", FILM)
    assert profile.weights.sum() == pytest.approx(_idf(2) / (_idf(2) + 2 * _idf(1)))


def test_entities_of_the_question_link_nothing_and_titles_link_twice() -> None:
    profile = seen(WORLD, QUESTION, FILM, DIRECTOR)
    assert profile.linked == ("dark lake",)
    entries = list(zip(profile.owner.tolist(), profile.strength.tolist(), strict=True))
    assert 0.0 in [strength for owner, strength in entries if owner == 0]
    orme = [
        strength
        for owner, entity, strength in zip(
            profile.owner, profile.entity, profile.strength, strict=True
        )
        if entity in profile.entity[profile.owner == 0] and owner == 1
    ]
    share = _idf(3) / _idf(1)
    assert orme == pytest.approx([2 * share])


def test_proximity_is_relative_to_the_most_visited_passage() -> None:
    profile = seen(WORLD, QUESTION, FILM, DIRECTOR, OTHER, 99)
    assert profile.proximity[0] == 1
    assert 0 < profile.proximity[1] < 1
    assert profile.proximity[2:].tolist() == [0, 0]


def test_unknown_candidates_have_empty_rows() -> None:
    profile = seen(WORLD, QUESTION, 98, 99)
    assert not profile.covers.any()
    assert len(profile.owner) == 0


def test_a_named_entity_is_specific_and_a_plain_word_is_as_common_as_it_is() -> None:
    words = viewed(
        *(passage(number, f"Page {number}", "Some hardware here.") for number in range(1, 30)),
        passage(30, "Hardware", "A page."),
        passage(31, "Lianna", "A page."),
    )
    assert seen(words, "who made lianna").specificity == pytest.approx(1)
    assert seen(words, "what is hardware").specificity < 0.3
    assert seen(words, "What is the song Hardware?").specificity == pytest.approx(1)
    assert seen(words, "what is it").specificity == 0


def test_an_alias_names_the_full_title() -> None:
    view = viewed(
        passage(1, "Ada Bell, 1st Duke of Orme", "She was a duke."),
        passage(2, "Kell", "Ada Bell lived in Kell."),
    )
    assert seen(view, "Where did Ada Bell live?", 2).linked == ("ada bell 1st duke of orme",)
    assert set(view.best(read("Where did Ada Bell live?"), NO_SEEDS, 9, None)) == {1, 2}


def test_an_empty_graph_profiles_unknown_candidates() -> None:
    profile = seen(viewed(), QUESTION, 1, 2)
    assert profile.covers.shape == (2, 0)
    assert profile.proximity.tolist() == [0, 0]


def test_text_without_capitals_is_linked_by_titles_in_other_scripts_only() -> None:
    view = viewed(
        passage(1, "北京", "北京是首都。"),
        passage(2, "中国", "首都是北京。"),
        passage(3, "notes", "all in small letters, beijing too"),
    )
    assert set(view.best(read("北京在哪里"), NO_SEEDS, 9, None)) == {1, 2}


def test_a_document_of_forty_thousand_names_stays_within_bounds() -> None:
    hub = [
        passage(
            number, "Everything", " x ".join(f"Name{number * 40 + i}" for i in range(40)), number
        )
        for number in range(1_000)
    ]
    one = [
        passage(5_000 + n, f"Name{40 * n}", f"Name{40 * n} met Name{40 * n + 1}")
        for n in range(500)
    ]
    view = viewed(*hub, *one)
    started = time.process_time()
    found = view.best(read("Where is Name40 of Everything?"), NO_SEEDS, 100, None)
    assert len(found) == 100
    assert time.process_time() - started < 0.1


def _idf(df: int) -> float:
    return math.log(1 + 5 / df)
