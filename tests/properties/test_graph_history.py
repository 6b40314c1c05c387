"""The graph follows from the passages that are there, whatever came and went before."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.graph import files
from retrievers.graph.index import Passage, PassageIndex
from retrievers.graph.linking import candidates
from retrievers.graph.question import read
from retrievers.graph.view import GraphOptions, View
from retrievers.graph.words import Stemmer
from retrievers.types import Chunk, ChunkId, DocumentKey

STEMMER = Stemmer()
WORDS = [
    "Ada",
    "Bell",
    "Max",
    "Orme",
    "Duke",
    "of",
    "the",
    "Who",
    "met",
    "lake",
    "1999",
    "IBM",
    "北京",
]
TITLES = [
    "",
    "Ada",
    "Ada Bell",
    "Ada Bell, 1st Duke of Orme",
    "Ada Bell, Duke",
    "Max Orme (painter)",
    "The Who",
    "Duke of the lake of Orme",
    "Duke of the lake of Orme who met the Bell of Max",
    "北京",
]
QUESTION = read("Who met Ada Bell, Duke of Orme, at the lake?")

texts = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
documents = st.dictionaries(
    st.integers(1, 9),
    st.tuples(st.sampled_from(TITLES), st.lists(texts, min_size=1, max_size=2)),
    max_size=7,
)
Documents = dict[int, tuple[str, list[str]]]


def passages(found: Documents, shift: int = 0) -> list[Passage]:
    """Chunks whose keys name their content; `shift` gives them other ids."""
    return [
        Passage(
            Chunk(
                ChunkId(shift + 100 * number + ordinal),
                f"chk_{number}_{ordinal}_{title}_{text}",
                DocumentKey(shift + number),
                f"d{number}",
                title,
                "",
                text,
                0,
                len(text),
                ordinal,
                {},
            ),
            candidates(text),
        )
        for number, (title, parts) in found.items()
        for ordinal, text in enumerate(parts)
    ]


def indexed(*batches: Documents) -> PassageIndex:
    index = PassageIndex(STEMMER)
    for batch in batches:
        index.replace(list(batch), passages(batch))
    return index


def written_out(index: PassageIndex) -> Any:
    """Everything a search can see, numbers replaced by what they stand for; floats as they are."""
    view = View(index, GraphOptions())
    keys, strings = [index.chunk_keys[row] for row in index.order], index.keys.strings
    mentions, lengths = index.mentions.gather(np.array(index.order, np.int64))
    seeds = dict.fromkeys((ChunkId(int(i)) for i in view.ids[:2]), 0.5)
    visits = view.visits(QUESTION, seeds)
    profile = view.profile(QUESTION, seeds, [ChunkId(int(i)) for i in view.ids])
    names = {key: index.names.get(key) for key in strings}
    return (
        keys,
        lengths.tolist(),
        [(strings[entity], times) for entity, times in mentions.tolist()],
        {key: strings[entity] for key, entity in names.items() if entity is not None},
        view.links.weights.data.tolist(),
        [strings[key] for key in view._keys[view.links.weights.indices]],
        None if visits is None else visits.tolist(),
        profile.weights.tolist(),
        profile.covers.tolist(),
        profile.strength.tolist(),
        profile.specificity,
        profile.linked,
    )


@given(documents, documents, st.integers(0, 3))
def test_what_was_removed_leaves_no_trace(kept: Documents, gone: Documents, batches: int) -> None:
    gone = {number + 20: document for number, document in gone.items()}
    together = list({**kept, **gone}.items())
    step = max(1, len(together) // (batches + 1))
    index = indexed(*(dict(together[at : at + step]) for at in range(0, len(together), step)))
    index.replace(list(gone), [])
    assert written_out(index) == written_out(indexed(kept))


@given(documents, documents)
def test_a_new_version_leaves_no_trace_of_the_old(old: Documents, new: Documents) -> None:
    index = indexed(old, new)
    assert written_out(index) == written_out(indexed({**old, **new}))


@given(documents, st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_the_ids_do_not_matter(found: Documents, random: Any) -> None:
    shuffled = list(found.items())
    random.shuffle(shuffled)
    index = PassageIndex(STEMMER)
    for number, document in shuffled:
        index.replace([number + 1_000], passages({number: document}, shift=1_000))
    assert written_out(index)[:4] == written_out(indexed(found))[:4]
    assert _bits(index) == _bits(indexed(found))


@given(documents)
def test_building_from_nothing_equals_growing(found: Documents) -> None:
    built = PassageIndex(STEMMER)
    for document in found.items():
        built.fill(passages(dict([document])))
    built.finish()
    grown = indexed(*({number: document} for number, document in found.items()))
    assert written_out(built) == written_out(grown)


@settings(max_examples=50)
@given(documents, documents, documents)
def test_a_saved_index_goes_on_as_if_nothing_had_happened(
    first: Documents, gone: Documents, later: Documents
) -> None:
    index = indexed(first, gone)
    index.replace(list(gone), [])
    with tempfile.TemporaryDirectory() as folder:
        files.save(index, Path(folder))
        loaded = files.load(Path(folder), STEMMER)
    assert written_out(loaded) == written_out(index)
    for either in (index, loaded):
        either.replace(list(later), passages(later))
    assert written_out(loaded) == written_out(index)


@given(documents)
def test_replacing_with_the_same_changes_nothing(found: Documents) -> None:
    index = indexed(found)
    rows: Sequence[int] = list(index.order)
    assert not index.replace(list(found), passages(found))
    assert index.order == rows


def _bits(index: PassageIndex) -> list[float]:
    visits = View(index, GraphOptions()).visits(QUESTION, {})
    return [] if visits is None else visits.tolist()
