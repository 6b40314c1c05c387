"""Drafts, publications and writers of the text index."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrievers.errors import RetrieverUnavailable
from retrievers.fulltext.analysis import Analysis
from retrievers.fulltext.index import TextIndex
from retrievers.fulltext.tantivy import TantivyRetriever
from retrievers.generations import Generation, Generations, GenerationUnusable
from retrievers.protocol import Resources
from retrievers.types import ChunkId, CollectionId, DocumentKey, Query
from tests.fakes import HERE, Shelf


def _published(generations: Generations) -> Generation:
    found = generations.current()
    assert found is not None
    return found


def _shelf(count: int) -> Shelf:
    shelf = Shelf()
    for number in range(count):
        shelf.put(f"d{number}", f"heron number {number} in the reeds", f"Heron {number}")
    return shelf


def test_a_publication_shares_the_segments_that_stay(tmp_path: Path) -> None:
    generations, shelf = Generations(tmp_path, "test"), _shelf(50)
    index = TextIndex(generations, Analysis("en"))
    index.replace(shelf.documents())
    index.publish()
    first = _published(generations)
    with generations.reading(first.folder):
        key = shelf.put("new", "a bittern")
        index.replace({key: shelf.documents()[key]})
        index.publish()
        second = _published(generations)
        shared = [name for name in first.files if name in second.files and "json" not in name]
        assert shared
        for name in shared:
            assert (first.folder / name).samefile(second.folder / name)
    assert len(index.search("heron bittern", 100, None)) == 51


def test_several_batches_make_one_publication(tmp_path: Path) -> None:
    generations, shelf = Generations(tmp_path, "test"), _shelf(5)
    index = TextIndex(generations, Analysis("en"))
    for key, chunks in shelf.documents().items():
        index.replace({key: chunks})
    assert generations.current() is None
    assert len(index.search("heron", 10, None)) == 5
    index.publish()
    index.publish()
    assert _published(generations).folder.name == "gen-000001"
    assert _published(generations).facts == {"language": "en", "count": 5}


def test_an_index_of_another_language_is_not_used(tmp_path: Path) -> None:
    generations, shelf = Generations(tmp_path, "test"), _shelf(5)
    index = TextIndex(generations, Analysis("en"))
    index.replace(shelf.documents())
    index.publish()
    assert TextIndex.load(generations, Analysis("en")) is not None
    with pytest.raises(GenerationUnusable, match="language en"):
        TextIndex.load(generations, Analysis("de"))


def test_a_failed_batch_changes_nothing_and_the_next_one_works(tmp_path: Path) -> None:
    generations, shelf = Generations(tmp_path, "test"), _shelf(3)
    index = TextIndex(generations, Analysis("en"))
    index.replace(shelf.documents())
    key = shelf.put("d0", "a bittern instead")
    (good,) = shelf.documents()[key]
    with pytest.raises(ValueError, match="chunk"):
        index.replace({key: [good, replace(good, id=ChunkId(-1))]})
    assert len(index.search("heron", 10, None)) == 3
    assert not index.search("bittern", 10, None)
    index.replace({key: [good]})
    assert len(index.search("heron", 10, None)) == 2
    index.publish()
    again = TextIndex.load(generations, Analysis("en"))
    assert again is not None
    assert list(again.search("bittern", 10, None)) == [good.id]


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be deleted there")
def test_an_index_swept_from_under_a_search_still_answers(tmp_path: Path) -> None:
    generations, shelf = Generations(tmp_path, "test"), _shelf(50)
    index = TextIndex(generations, Analysis("en"))
    index.replace(shelf.documents())
    index.publish()
    index.replace({DocumentKey(50): []})
    index.discard()
    shutil.rmtree(tmp_path)
    assert len(index.search('"number 7" heron reeds', 100, np.arange(1, 40))) == 39
    assert len(index.search("heron", 100, None)) == 49


def test_dead_entries_are_counted(tmp_path: Path) -> None:
    index, shelf = TextIndex(Generations(tmp_path, "test"), Analysis("en")), _shelf(10)
    assert index.deleted_share() == 0
    assert index.ids() == []
    index.replace(shelf.documents())
    index.replace({DocumentKey(1): [], DocumentKey(2): []})
    assert index.deleted_share() == pytest.approx(0.2)
    assert index.ids() == list(range(3, 11))


@pytest.mark.anyio
async def test_many_dead_entries_are_dropped_so_that_scores_are_true(tmp_path: Path) -> None:
    shelf = _shelf(20)
    resources = Resources(tmp_path, None, shelf)  # words need no encoder
    retriever = TantivyRetriever(resources)
    await retriever.replace(HERE, shelf.documents())
    await retriever.commit(HERE)
    await retriever.replace(HERE, {shelf.delete(f"d{n}"): [] for n in range(10)})
    await retriever.commit(HERE)
    found = await retriever.search(Query(HERE, "heron 15"), 20)

    fresh = TantivyRetriever(replace(resources, data_dir=tmp_path / "fresh"))
    await fresh.rebuild(HERE, shelf.everything())
    assert found == await fresh.search(Query(HERE, "heron 15"), 20)
    (meta,) = (tmp_path / "indexes").rglob("meta.json")
    assert all(not segment["deletes"] for segment in json.loads(meta.read_bytes())["segments"])
    await retriever.close()
    await fresh.close()


@pytest.mark.anyio
async def test_each_collection_has_its_own_language(tmp_path: Path) -> None:
    async def language_of(collection: CollectionId) -> str:
        return {1: "de", 2: "en"}[collection]

    shelf = Shelf()
    for collection in (CollectionId(1), CollectionId(2)):
        shelf.put("a", "Die alten Häuser", collection=collection)
    resources = Resources(tmp_path, None, shelf)
    retriever = TantivyRetriever(replace(resources, language_of=language_of))
    for collection in (CollectionId(1), CollectionId(2)):
        await retriever.replace(collection, shelf.documents(collection))
    assert len(await retriever.search(Query(CollectionId(1), "Haus"), 5)) == 1
    assert await retriever.search(Query(CollectionId(2), "Haus"), 5) == []
    await retriever.close()


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_written_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "indexes").write_text("a file where a folder should be")
    shelf = _shelf(1)
    retriever = TantivyRetriever(Resources(tmp_path, None, shelf))
    with pytest.raises(RetrieverUnavailable, match="Not a directory"):
        await retriever.replace(HERE, shelf.documents())
    await retriever.close()


@pytest.mark.anyio
async def test_a_full_disk_keeps_the_change_for_the_next_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shelf = _shelf(5)
    retriever = TantivyRetriever(Resources(tmp_path, None, shelf))
    await retriever.replace(HERE, shelf.documents())
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(RetrieverUnavailable, match="No space left"):
            await retriever.commit(HERE)
    assert len(await retriever.search(Query(HERE, "heron"), 10)) == 5
    await retriever.commit(HERE)
    reopened = TantivyRetriever(Resources(tmp_path, None, shelf))
    assert await reopened.open(HERE)
    assert len(await reopened.search(Query(HERE, "heron"), 10)) == 5
    await retriever.close()
    await reopened.close()
