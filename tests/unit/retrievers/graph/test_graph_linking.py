from __future__ import annotations

import time

import pytest

from retrievers.graph.linking import (
    LONGEST_KEY,
    MOST_CANDIDATES,
    Names,
    candidates,
    may_start,
    title_alias,
    title_key,
)
from retrievers.graph.words import LONGEST_WORD, Stemmer, entity_key, question_words, words


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Ada Bell", "ada bell"),
        ("Bell's", "bell"),
        ("Saint-Denis", "saint denis"),
        ("\uff21\uff24\uff21", "ada"),  # full-width letters
        ("Ångström", "ångström"),
        ("北京", "北 京"),
        ("  ", ""),
    ],
)
def test_a_key_is_lower_case_words_without_a_possessive(name: str, key: str) -> None:
    assert entity_key(name) == key


def test_scripts_without_spaces_are_cut_into_signs() -> None:
    assert words("東京はTokyo 2020") == ["東", "京", "は", "Tokyo", "2020"]


def test_a_word_without_end_is_cut() -> None:
    assert words("x" * 1_000_000) == ["x" * LONGEST_WORD]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("He met Ada Bell in Kell.", ["ada bell in kell"]),
        ("He met Ada Bell near Kell.", ["ada bell", "kell"]),
        ("The Duke of Orme lived there.", ["duke of orme"]),
        ("Who was the Duke", ["duke"]),
        ("In May 1999 and 2003", ["may 1999 and 2003"]),
        ("He was born in 1999 in the old town", []),
        ("Ada Bell's house; Ada Bell's garden", ["ada bell", "ada bell"]),
        ("Łódź and Škoda and Ōta", ["łódź and škoda and ōta"]),
        ("no capital anywhere", []),
        ("北京是中国的首都。", []),
        ("It Is He Who", []),
    ],
)
def test_candidates_are_runs_of_capitals_joined_by_particles(text: str, found: list[str]) -> None:
    assert sorted(candidates(text).elements()) == found


def test_candidates_are_few_and_short_whatever_the_text() -> None:
    assert all(len(key) <= LONGEST_KEY for key in candidates("LOUD " * 10_000))
    names = " and then ".join(f"Name{number} went" for number in range(5_000))
    assert len(candidates(names)) == MOST_CANDIDATES


@pytest.mark.parametrize(
    "text",
    ["A of " * 20_000, "A" + " of the" * 20_000, "A" + " " * 100_000 + "b", "A" * 300_000],
    ids=["capitals", "particles", "spaces", "letters"],
)
def test_no_text_makes_the_search_for_candidates_slow(text: str) -> None:
    started = time.process_time()
    candidates(text)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("title", "key", "alias"),
    [
        ("Ada Bell", "ada bell", ""),
        ("Mercury (planet)", "mercury", ""),
        ("Ada Bell, 1st Duke of Orme", "ada bell 1st duke of orme", "ada bell"),
        ("Paris, Texas", "paris texas", ""),
        ("It", "", ""),
        ("", "", ""),
        ("word " * 100, "", ""),
    ],
)
def test_a_title_gives_a_key_and_perhaps_an_alias(title: str, key: str, alias: str) -> None:
    assert (title_key(title), title_alias(title)) == (key, alias)


def mentions(names: Names, text: str) -> list[int]:
    said = words(text)
    starts = [place for place, word in enumerate(said) if may_start(word)]
    return list(names.mentions([word.lower() for word in said], starts))


def test_the_longest_name_wins_and_names_do_not_overlap() -> None:
    names = Names()
    for number, key in enumerate(["ada", "ada bell", "bell street", "street"]):
        names.put(key, number)
    assert mentions(names, "Ada Bell Street") == [1, 3]
    assert mentions(names, "Ada and Bell Street") == [0, 2]


def test_a_name_begins_with_a_capital_a_digit_or_a_sign() -> None:
    names = Names()
    for number, key in enumerate(["music hall", "1999 fire", "北 京"]):
        names.put(key, number)
    assert mentions(names, "a music hall, the Music Hall") == [0]
    assert mentions(names, "the 1999 fire in 北京") == [1, 2]


def test_stop_words_numbers_and_pairs_of_letters_are_not_looked_for() -> None:
    names = Names()
    assert not any(names.put(key, 1) for key in ("who", "1999", "ab", " ".join("abcdefghi")))
    assert names.put("the who", 1)


def test_names_can_change_what_they_name_and_stop_naming() -> None:
    names = Names()
    assert names.put("ada bell", 1)
    assert not names.put("ada bell", 1)
    assert names.put("ada bell", 2)
    assert mentions(names, "Ada Bell") == [2]
    assert names.put("ada bell", None)
    assert not names.put("ada bell", None)
    assert mentions(names, "Ada Bell") == []


def test_terms_are_stems_without_stop_words() -> None:
    stemmer = Stemmer()
    assert stemmer.term("directed") == stemmer.term("directs") == "direct"
    assert stemmer.term("who") is None


def test_question_words_keep_apostrophes_and_hyphens() -> None:
    assert question_words("Who's Anne-Marie's 2nd?") == ["Who's", "Anne-Marie's", "2nd"]
