"""Stored answers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from store_library import Library

from app.domain.errors import NotFound
from app.store import answers as module
from app.store.answers import Answers
from app.store.tables import answers as table

pytestmark = pytest.mark.anyio


@pytest.fixture
def answers(library: Library) -> Answers:
    return Answers(library.database, library.watch)


async def stored(library: Library) -> int:
    async with library.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


async def test_an_answer_is_there_at_once_and_after_a_restart(
    library: Library, answers: Answers
) -> None:
    here = library.here.id
    document, trace = {"answer": "42 😀", "n": [1, None]}, {"rounds": [{"query": "q"}]}
    await answers.save("ans_1", here, document, trace, "key_1")
    for reader in (answers, Answers(library.database)):
        kept = await reader.get("ans_1")
        assert (kept.document, kept.collection, kept.key_id) == (document, here, "key_1")
        assert kept.created_at == library.watch.now
        assert await reader.trace("ans_1") == trace
        await answers.close()


async def test_unknown_answers_are_not_found(answers: Answers) -> None:
    for call in (answers.get, answers.trace):
        with pytest.raises(NotFound):
            await call("ans_absent")


async def test_many_answers_share_transactions(library: Library, answers: Answers) -> None:
    begun = 0
    write = library.database.write

    def counted():
        nonlocal begun
        begun += 1
        return write()

    library.database.write = counted
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(answers.save(f"ans_{number}", library.here.id, {}, {}))
    assert await stored(library) == 50
    assert begun == 1


async def test_answers_of_a_deleted_collection_are_hidden_and_not_written(
    library: Library, answers: Answers
) -> None:
    wiki = await library.collections.create("wiki")
    await answers.save("ans_1", wiki.id, {}, {})
    await answers.close()
    await library.collections.delete("wiki")
    await answers.save("ans_2", wiki.id, {}, {})
    await answers.close()
    assert await stored(library) == 1
    for id in ("ans_1", "ans_2"):
        with pytest.raises(NotFound):
            await answers.get(id)


async def test_a_saved_answer_is_durable(library: Library, answers: Answers) -> None:
    await answers.save("ans_1", library.here.id, {"answer": "yes"}, {})
    assert await stored(library) == 1


async def test_a_busy_database_keeps_nobody_waiting(library: Library) -> None:
    answers = Answers(library.database, library.watch, patience_s=0.01)
    async with library.database.write():
        await answers.save("ans_1", library.here.id, {}, {})
        assert (await answers.get("ans_1")).id == "ans_1"
    await answers.close()
    assert await stored(library) == 1


async def test_old_answers_are_forgotten_a_few_at_a_time(
    library: Library, answers: Answers
) -> None:
    for number in range(3):
        await answers.save(f"old_{number}", library.here.id, {}, {})
    library.watch.forward(60)
    await answers.save("new", library.here.id, {}, {})
    keep = timedelta(seconds=30)
    assert [await answers.purge(keep, 2) for _ in range(3)] == [2, 1, 0]
    with pytest.raises(NotFound):
        await answers.get("old_0")
    await answers.get("new")


async def test_answers_wait_while_the_database_is_away(
    library: Library, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_WAITING", 3)
    database = library.database
    if database.dialect == "postgresql":
        pytest.skip("a full SQLite file stands for any database that is away")
    async with database.write() as connection:
        pages = await connection.scalar(text("PRAGMA page_count"))
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    for number in range(5):
        await answers.save(f"ans_{number}", library.here.id, {"text": "x" * 100_000}, {})
        await answers._writer
    assert await stored(library) == 0
    assert (await answers.get("ans_4")).document["text"]
    async with database.write() as connection:
        await connection.execute(text("PRAGMA max_page_count = 1073741823"))
    await answers.close()
    assert await stored(library) == 3  # the oldest had to go
