"""What every projection promises: idempotent, durable, rebuildable, and equal to the truth."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retrievers.errors import RetrieverUnavailable
from retrievers.protocol import Resources
from retrievers.types import Chunk
from tests.contract.conftest import Stand, documents
from tests.fakes import HERE

pytestmark = pytest.mark.anyio

WORDS = "Kell Oren Lund garden delta mine Maru ferns university river"


async def test_replace_twice_is_replace_once(corpus: Stand) -> None:
    once = await corpus.find(WORDS, 100)
    await corpus.index()
    await corpus.retriever.rebuild(HERE, corpus.shelf.everything())
    assert await corpus.find(WORDS, 100) == once


async def test_what_is_replaced_is_searchable_before_it_is_committed(stand: Stand) -> None:
    stand.shelf.put("a", "A heron stands in the reeds.")
    await stand.retriever.replace(HERE, stand.shelf.documents())
    assert documents(await stand.find("heron reeds")) == ["a"]


async def test_a_replaced_text_is_found_and_the_old_one_is_not(corpus: Stand) -> None:
    corpus.shelf.put("lund", "Lund has a new tramway.", "Lund")
    await corpus.index()
    assert documents(await corpus.find("Lund tramway"))[0] == "lund"
    texts = [e.origin.text for e in await corpus.find("old university botanical", 100)]
    assert not any("old university" in text for text in texts)


async def test_an_empty_sequence_removes_the_document(corpus: Stand) -> None:
    query = corpus.query("Oren delta")
    key = next(c.document for c in corpus.shelf.chunks() if c.document_id == "delta")
    await corpus.retriever.replace(HERE, {key: []})
    await corpus.retriever.commit(HERE)
    # The truth still has it, so only the index can have let it go.
    assert "delta" not in documents(await corpus.retriever.search(query, 100))


async def test_removing_what_was_never_there_changes_nothing(corpus: Stand) -> None:
    before = await corpus.find(WORDS, 100)
    key = corpus.shelf.put("new", "text")
    corpus.shelf.delete("new")
    await corpus.retriever.replace(HERE, {key: []})
    await corpus.retriever.commit(HERE)
    assert await corpus.find(WORDS, 100) == before


async def test_an_index_that_forgot_is_an_index_that_never_knew(corpus: Stand) -> None:
    before = await corpus.find(WORDS, 100)
    for number in range(20):
        corpus.shelf.put(
            f"b{number}", f"Kell garden number {number} by the Oren.", f"Kell {number}"
        )
    await corpus.index()
    removed = {corpus.shelf.delete(f"b{number}"): [] for number in range(20)}
    await corpus.retriever.replace(HERE, removed)
    after = await corpus.find(WORDS, 100)
    if corpus.backend.forgets:
        assert after == before
    else:
        assert {e.key for e in after} == {e.key for e in before}
    await corpus.retriever.rebuild(HERE, corpus.shelf.everything())
    assert await corpus.find(WORDS, 100) == before


async def test_reopening_after_a_commit_finds_everything(corpus: Stand) -> None:
    before = await corpus.find(WORDS, 100)
    await corpus.retriever.close()
    reopened = corpus.open_new()
    assert await reopened.open(HERE)
    assert await corpus.find(WORDS, 100) == before


async def test_closing_commits(stand: Stand) -> None:
    stand.shelf.put("a", "A heron stands in the reeds.")
    await stand.retriever.replace(HERE, stand.shelf.documents())
    await stand.retriever.close()
    assert await stand.open_new().open(HERE)
    assert documents(await stand.find("heron reeds")) == ["a"]


async def test_a_crash_before_the_commit_leaves_the_last_one_to_replay_on(
    corpus: Stand, tmp_path: Path
) -> None:
    before = await corpus.find(WORDS, 100)
    heron = corpus.shelf.put("heron", "A heron stands in the Oren reeds.")
    change = {heron: corpus.shelf.documents()[heron]}
    await corpus.retriever.replace(HERE, change)
    with_heron = await corpus.find("heron reeds", 1)
    crashed = shutil.copytree(corpus.data_dir, tmp_path / "crashed")

    restarted = corpus.open_new(crashed)
    assert await restarted.open(HERE)
    assert await corpus.find(WORDS, 100) == before
    await restarted.replace(HERE, change)
    await restarted.commit(HERE)
    assert [e.key for e in await corpus.find("heron reeds", 1)] == [e.key for e in with_heron]


async def test_opening_again_keeps_what_was_applied(corpus: Stand) -> None:
    heron = corpus.shelf.put("heron", "A heron stands in the Oren reeds.")
    await corpus.retriever.replace(HERE, {heron: corpus.shelf.documents()[heron]})
    assert await corpus.retriever.open(HERE)
    assert documents(await corpus.find("heron reeds", 1)) == ["heron"]
    await corpus.retriever.commit(HERE)
    assert await corpus.open_new().open(HERE)
    assert documents(await corpus.find("heron reeds", 1)) == ["heron"]


async def test_closing_twice_and_committing_what_is_damaged_do_no_harm(corpus: Stand) -> None:
    await corpus.retriever.close()
    await corpus.retriever.close()
    for path in (corpus.data_dir / "indexes").rglob("CURRENT"):
        path.write_text("nonsense")
    damaged = corpus.open_new()
    assert not await damaged.open(HERE)
    await damaged.commit(HERE)


async def test_a_commit_without_changes_writes_nothing(corpus: Stand) -> None:
    before = _files(corpus.data_dir)
    await corpus.retriever.commit(HERE)
    assert _files(corpus.data_dir) == before


async def test_an_unknown_collection_does_not_open(stand: Stand) -> None:
    assert not await stand.retriever.open(HERE)
    assert await stand.find(WORDS) == []
    assert _files(stand.data_dir) == {}


async def test_every_damaged_file_is_noticed_and_cured_by_a_rebuild(
    corpus: Stand, tmp_path: Path
) -> None:
    before = await corpus.find(WORDS, 100)
    await corpus.retriever.close()
    names = [name for name in _files(corpus.data_dir) if not name.endswith(".lock")]
    assert len(names) >= 3
    for number, name in enumerate(names):
        copy = shutil.copytree(corpus.data_dir, tmp_path / f"copy-{number}")
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 0x10
        (copy / name).write_bytes(content)
        damaged = corpus.open_new(copy)
        assert not await damaged.open(HERE), name
        assert (await damaged.health()).status == "down"
        with pytest.raises(RetrieverUnavailable):
            await corpus.find(WORDS)
        with pytest.raises(RetrieverUnavailable):
            await damaged.replace(HERE, corpus.shelf.documents())
        await damaged.rebuild(HERE, corpus.shelf.everything())
        assert await corpus.find(WORDS, 100) == before
        assert (await damaged.health()).status == "ok"


async def test_a_missing_file_is_noticed(corpus: Stand) -> None:
    await corpus.retriever.close()
    for path in (corpus.data_dir / "indexes").rglob("gen-*/*"):
        path.unlink()
    assert not await corpus.open_new().open(HERE)
    with pytest.raises(RetrieverUnavailable):
        await corpus.find(WORDS)


async def test_an_index_nobody_opened_is_unavailable_rather_than_empty(corpus: Stand) -> None:
    await corpus.retriever.close()
    corpus.open_new()
    with pytest.raises(RetrieverUnavailable):
        await corpus.find(WORDS)


async def test_changes_to_an_index_nobody_opened_build_on_what_is_there(corpus: Stand) -> None:
    await corpus.retriever.close()
    heron = corpus.shelf.put("heron", "A heron stands in the Oren reeds.")
    changed = corpus.open_new()
    await changed.replace(HERE, {heron: corpus.shelf.documents()[heron]})
    found = documents(await corpus.find(f"heron reeds {WORDS}", 100))
    assert {"heron", "lund", "kell"} <= set(found)


async def test_a_dropped_collection_leaves_no_files(corpus: Stand) -> None:
    await corpus.retriever.replace(HERE, {corpus.shelf.delete("mine"): []})
    await corpus.retriever.drop(HERE)
    assert _files(corpus.data_dir) == {}
    assert await corpus.find(WORDS) == []
    assert not await corpus.retriever.open(HERE)
    await corpus.index()
    assert documents(await corpus.find("river delta"))


async def test_a_damaged_collection_can_be_dropped(corpus: Stand) -> None:
    await corpus.retriever.close()
    for path in (corpus.data_dir / "indexes").rglob("CURRENT"):
        path.write_text("nonsense")
    retriever = corpus.open_new()
    assert not await retriever.open(HERE)
    await retriever.drop(HERE)
    assert await corpus.find(WORDS) == []


async def test_a_rebuild_forgets_what_the_truth_no_longer_has(corpus: Stand) -> None:
    query = corpus.query("Oren delta")
    corpus.shelf.delete("delta")
    corpus.shelf.put("delta", "Nothing of the old words here.", "Changed")
    await corpus.retriever.rebuild(HERE, corpus.shelf.everything())
    found = await corpus.retriever.search(query, 100)
    assert all("Gulf of Maru." not in e.origin.text for e in found)


async def test_a_rebuild_of_nothing_is_an_empty_index(stand: Stand) -> None:
    await stand.retriever.rebuild(HERE, stand.shelf.everything())
    assert await stand.find(WORDS) == []
    await stand.retriever.close()
    assert await stand.open_new().open(HERE)
    assert await stand.find(WORDS) == []


async def test_searches_go_on_while_the_index_is_rebuilt(corpus: Stand) -> None:
    before = await corpus.find(WORDS, 100)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[Chunk]:
        async for chunk in corpus.shelf.everything():
            yield chunk
            reached.set()
            await go_on.wait()

    rebuilding = asyncio.create_task(corpus.retriever.rebuild(HERE, slow()))
    await reached.wait()
    assert await corpus.find(WORDS, 100) == before
    go_on.set()
    await rebuilding
    assert await corpus.find(WORDS, 100) == before


async def test_a_rebuild_that_fails_leaves_the_old_index(corpus: Stand, tmp_path: Path) -> None:
    heron = corpus.shelf.put("heron", "A heron stands in the Oren reeds.")
    await corpus.retriever.replace(HERE, {heron: corpus.shelf.documents()[heron]})
    before = await corpus.find(f"heron {WORDS}", 100)

    async def broken() -> AsyncIterator[Chunk]:
        async for chunk in corpus.shelf.everything():
            yield chunk
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await corpus.retriever.rebuild(HERE, broken())
    assert await corpus.find(f"heron {WORDS}", 100) == before
    await corpus.retriever.commit(HERE)
    assert await corpus.open_new().open(HERE)
    assert await corpus.find(f"heron {WORDS}", 100) == before


async def test_only_one_generation_stays_on_disk(corpus: Stand) -> None:
    for number in range(4):
        corpus.shelf.put("heron", f"A heron stands in the reeds {number}.")
        await corpus.index()
    folders = list((corpus.data_dir / "indexes").rglob("gen-*"))
    assert len(folders) == 1


async def test_documents_no_engine_likes_do_not_stop_the_others(stand: Stand) -> None:
    odd = {
        "nul": "before\0after",
        "surrogate": "broken \ud800 text",
        "long": "x" * 1_000_000,
        "wide": " ".join(f"w{n % 5000}" for n in range(100_000)),
        "blank": " ",
        "empty": "",
        "bidi": "\u202eabc\u2066def",
        "emoji": "👩‍👩‍👧" * 2_000,
        "han": "漢" * 20_000,
    }
    for name, text in odd.items():
        stand.shelf.put(name, text, title=text[:2000])
    stand.shelf.put("good", "A heron stands in the reeds.")
    await stand.index()
    assert documents(await stand.find("heron reeds", 1)) == ["good"]
    stand.shelf.put("later", "A bittern booms in the fen.")
    await stand.index()
    assert documents(await stand.find("bittern fen", 1)) == ["later"]


async def test_another_encoder_means_another_index(corpus: Stand) -> None:
    from retrievers.embedders.hashing import HashingEmbedder

    await corpus.retriever.close()
    before = corpus.retriever.fingerprint
    other = corpus.backend.make(
        Resources(corpus.data_dir, HashingEmbedder(dimension=64), corpus.shelf)
    )
    corpus.made.append(other)
    assert await other.open(HERE) is (other.fingerprint == before)


async def test_headings_are_searched_beside_the_text(stand: Stand) -> None:
    stand.shelf.put("guide", "Turn the valve slowly.", "Guide", context="Boiler / Maintenance")
    stand.shelf.put("other", "Turn the page slowly.", "Other", context="Reading / Habits")
    await stand.index()
    assert documents(await stand.find("boiler maintenance", 1)) == ["guide"]


def _files(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
