"""Words, stems, phrases and scripts without spaces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tantivy
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.fulltext.analysis import MOST_TERMS, STEMMERS, Analysis, normalised
from retrievers.fulltext.index import TextIndex
from retrievers.generations import Generations
from retrievers.types import Chunk, ChunkId, DocumentKey

# Two forms of one word in each language that has a stemmer.
FORMS = {
    "ar": ("كتاب", "كتابان"),
    "da": ("bog", "bogen"),
    "de": ("haus", "häuser"),
    "el": ("άνθρωπος", "ανθρώπους"),
    "en": ("connection", "connected"),
    "es": ("libro", "libros"),
    "fi": ("talossa", "talosta"),
    "fr": ("continuel", "continuellement"),
    "hu": ("ház", "házak"),
    "it": ("libro", "libri"),
    "nl": ("lichaam", "lichamen"),
    "no": ("havn", "havnen"),
    "pt": ("livro", "livros"),
    "ro": ("carte", "cartea"),
    "ru": ("книга", "книгами"),
    "sv": ("jakt", "jakten"),
    "tr": ("evler", "evlerden"),
}


def _chunk(number: int, text: str, title: str = "") -> Chunk:
    return Chunk(
        ChunkId(number),
        f"chk_{number:03}",
        DocumentKey(number),
        f"d{number}",
        title,
        "",
        text,
        0,
        len(text),
        0,
        {},
    )


def _index(folder: Path, texts: Mapping[int, str], language: str = "en") -> TextIndex:
    index = TextIndex(Generations(folder, "test"), Analysis(language))
    index.replace({DocumentKey(n): [_chunk(n, text)] for n, text in texts.items()})
    return index


def _found(index: TextIndex, question: str) -> list[int]:
    hits = index.search(question, 50, None)
    return sorted(hits, key=lambda chunk: (-hits[chunk], chunk))


def test_any_form_of_a_word_finds_it(tmp_path: Path) -> None:
    index = _index(tmp_path, {1: "He was painting the boats", 2: "A boat", 3: "Cars"})
    assert _found(index, "painted boat") == [1, 2]


@pytest.mark.parametrize("language", sorted(STEMMERS))
def test_every_stemmer_we_name_does_stem(tmp_path: Path, language: str) -> None:
    one, other = FORMS[language]
    assert _found(_index(tmp_path, {1: f"- {one} -", 2: "nothing"}, language), other) == [1]


def test_a_language_without_a_stemmer_matches_words_as_they_stand(tmp_path: Path) -> None:
    index = _index(tmp_path, {1: "książki", 2: "książka"}, "pl")
    assert _found(index, "Książka") == [2]


def test_composed_and_wide_forms_are_the_same_letters(tmp_path: Path) -> None:
    index = _index(tmp_path, {1: "Caf\u00e9 \uff31\uff38", 2: "other"})
    assert _found(index, "cafe\u0301") == [1]
    assert _found(index, "qx") == [1]


@pytest.mark.parametrize("question", ["東京", "東京の人口", "首都 東京", "人口は何人ですか"])
def test_japanese_is_found_inside_its_sentences(tmp_path: Path, question: str) -> None:
    index = _index(
        tmp_path, {1: "京都は古い都です。", 2: "日本の首都である東京の人口は一千四百万人だ。"}
    )
    assert _found(index, question)[0] == 2


def test_one_sign_alone_is_a_question_too(tmp_path: Path) -> None:
    index = _index(tmp_path, {1: "山と川", 2: "海"})
    assert _found(index, "川") == [1]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("ประเทศไทยมีประชากรหกสิบล้านคน", "ประชากร"),
        ("北京是中华人民共和国的首都", "中华人民共和国"),
        ("대한민국의 수도는 서울이다", "수도는"),
        ("भारत की राजधानी नई दिल्ली है", "राजधानी दिल्ली"),
        ("Москва - столица России", "столица"),
        ("עיר הבירה של ישראל", "הבירה"),
    ],
    ids=["thai", "chinese", "korean", "hindi", "russian", "hebrew"],
)
def test_other_scripts_are_found(tmp_path: Path, text: str, question: str) -> None:
    assert _found(_index(tmp_path, {1: text, 2: "nothing of it"}), question) == [1]


def test_signs_in_a_row_count_more_than_signs_apart(tmp_path: Path) -> None:
    index = _index(tmp_path, {1: "国和 共人 人民 中华 和国 民共 华人", 2: "中华人民共和国的河川"})
    assert _found(index, "中华人民共和国")[0] == 2


def test_quoted_words_come_first_in_their_order(tmp_path: Path) -> None:
    index = _index(
        tmp_path,
        {1: "night of the living dead", 2: "the dead of night night dead of", 3: "the living"},
    )
    assert _found(index, 'who shot "dead of night"')[0] == 2
    assert _found(index, "who shot \u201cliving dead\u201d")[0] == 1


def test_a_phrase_that_stands_nowhere_does_not_silence_the_rest(tmp_path: Path) -> None:
    index = _index(tmp_path, {1: "The steam pump failed", 2: "Nothing else"})
    assert _found(index, '"pump steam engine" failed') == [1]
    assert _found(index, '"" "!" pump') == [1]


def test_a_quoted_part_number_is_not_stemmed_apart(tmp_path: Path) -> None:
    index = _index(tmp_path, {1: "engine QX-7741 and QX-9", 2: "engines 7741 of line QX, QX, QX"})
    assert _found(index, 'find "QX-7741"')[0] == 1


@pytest.mark.parametrize("question", ["*", "NOT pump", "pump AND nothing", "title:pump", "-pump"])
def test_no_word_of_a_question_is_an_operator(tmp_path: Path, question: str) -> None:
    index = _index(tmp_path, {1: "pump", 2: "river"})
    assert 2 not in _found(index, question)


def test_of_too_many_words_the_rarest_are_asked_for(tmp_path: Path) -> None:
    common = [f"word{n}" for n in range(MOST_TERMS + 20)]
    texts = {n: " ".join(common) for n in range(1, 9)} | {9: "a needle lies here"}
    index = _index(tmp_path, texts)
    assert 9 in _found(index, " ".join([*common, "needle"]))


def test_a_filter_does_not_change_scores(tmp_path: Path) -> None:
    index = _index(tmp_path, {1: "pump house", 2: "pump", 3: "house"})
    free = index.search("pump house", 10, None)
    assert index.search("pump house", 10, np.array([2, 3])) == {2: free[2], 3: free[3]}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_broad_filter_finds_what_a_narrow_one_would(tmp_path: Path, share: float) -> None:
    index = _index(tmp_path, {n: "pump " * (1 + n % 50) + f"number {n}" for n in range(400)})
    everything = index.search("pump", 400, None)
    # The allowed ones are the worst, so that the first hits are all of the others.
    allowed = sorted(everything, key=lambda chunk: everything[chunk])[: int(400 * share)]
    found = index.search("pump", 10, np.array(sorted(allowed)))
    best = sorted((everything[chunk] for chunk in allowed), reverse=True)[:10]
    assert sorted(found.values(), reverse=True) == pytest.approx(best)
    assert set(found) <= set(allowed)


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_can_be_indexed_and_asked(text: str) -> None:
    analysis = Analysis("en")
    index = tantivy.Index(analysis.schema)
    analysis.register(index)
    analysis.document(_chunk(1, text, text))
    query = analysis.query(text, index.searcher())
    if query is not None:
        assert index.searcher().search(query).hits == []


@given(st.text())
def test_normalised_text_is_text(text: str) -> None:
    assert normalised(text + "\ud800").encode()


WORDS = ["pump", "pumps", "house", "houses", "river", "the", "of", "in", "and", "or", "to", "iron"]


@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), min_size=1, max_size=12),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=10),
)
@settings(max_examples=40, deadline=None)
def test_ranks_are_those_of_the_engine_s_own_parser(
    texts: list[list[str]], question: list[str]
) -> None:
    analysis = Analysis("en")
    index = tantivy.Index(analysis.schema)
    analysis.register(index)
    writer = index.writer(15_000_000, 1)
    for number, words in enumerate(texts):
        writer.add_document(analysis.document(_chunk(number, " ".join(words), words[0])))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def scores(query: tantivy.Query) -> dict[int, float]:
        return {address.doc: score for score, address in searcher.search(query, 50).hits}

    words = re.findall(r"\w+", " ".join(question).lower())
    # In quotes, so that the parser takes its operators for words.
    theirs = index.parse_query(" ".join(f'"{word}"' for word in words), ["title", "body"])
    ours = analysis.query(" ".join(question), searcher)
    assert ours is not None
    assert scores(ours) == pytest.approx(scores(theirs), rel=1e-6)
