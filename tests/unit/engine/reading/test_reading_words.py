from __future__ import annotations

from app.engine.reading.passage import folded, mentions, read
from app.engine.reading.words import content, stem, words


def test_offsets_point_at_the_words() -> None:
    text = "Ice, über-cold!"
    assert [text[w.start : w.end] for w in words(text)] == ["Ice", "über", "cold"]
    assert [w.start for w in words(text, 4)] == [5, 10]


def test_forms_of_a_word_share_a_stem() -> None:
    for forms in (
        ("direct", "directed", "director", "directors"),
        ("born", "birth"),
        ("died", "death", "dead"),
        ("husband", "married", "marriage"),
    ):
        assert len({stem(form) for form in forms}) == 1, forms


def test_stop_words_have_no_stem() -> None:
    assert content("the river of the valley") == [stem("river"), stem("valley")]


def test_each_sign_of_a_script_without_spaces_is_a_word() -> None:
    assert content("東京は") == ["東", "京", "は"]


def test_a_name_is_mentioned_as_whole_words_only() -> None:
    assert mentions(folded("The Otter Bank mooring"), folded("otter bank"))
    assert not mentions(folded("The Otter Banks"), folded("Otter Bank"))
    assert not mentions("anything", "")


def test_a_passage_knows_its_title_without_the_qualifier() -> None:
    passage = read("Patience (barge)", "Built in 1790.\n\nLoss\n\nShe sank.", "Boats")
    assert passage.name == "patience"
    assert [line.above for line in passage.lines] == [{"boat"}, {"los"}]
    assert passage.stems() >= {"patienc", "barg", "boat", "sank"}


def test_headings_are_read_as_lines_only_where_nothing_else_stands() -> None:
    assert len(read("", "# Only a heading").lines) == 1
    assert read("", "").lines == ()
