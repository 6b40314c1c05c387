"""SIGKILL at random moments: nothing granted is lost, nothing is there twice, nothing returns."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ingesting import house
from killed import OFTEN, Journal

from app.domain.errors import NotFound
from retrievers.types import Query

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
KILLS = int(os.environ.get("ANABRANCH_TEST_KILLS", "15"))
SEED = int(os.environ.get("ANABRANCH_TEST_SEED", "0")) or random.randrange(1, 10**6)


def life_and_death(folder: Path, dice: random.Random, truth: str) -> None:
    """One process from start to kill, which may come before it is open."""
    script = Path(__file__).with_name("killed.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(dice.randrange(10**9)), truth],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    if dice.random() < 0.8:
        assert process.stdout.readline() == b"open\n", process.stderr.read().decode()
        time.sleep(dice.random() ** 2 * 2)
    else:
        time.sleep(dice.random() * 2)
    assert process.poll() is None, process.stderr.read().decode()
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=pytest.mark.integration)]
)
async def test_a_process_killed_again_and_again_keeps_its_promises(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    truth = "" if database == "sqlite" else request.getfixturevalue("postgres")
    dice = random.Random(SEED)
    for _ in range(KILLS):
        life_and_death(tmp_path, dice, truth)
    journal = Journal(tmp_path)
    async with house(tmp_path, indexing=OFTEN, truth=truth) as home:
        await home.indexers.rebuilt()
        for job in await home.jobs.page(None, 10_000):
            ended = await home.ingest.wait(job.id, 60)
            assert (ended.status, ended.failures) == ("succeeded", ()), SEED
        await home.indexers.settle(home.here.id)
        await home.indexers.flush()
        live: dict[str, str] = {}
        for id in {*journal.promised, *journal.open}:
            try:
                text = (await home.documents.get(home.here.id, id)).text
            except NotFound:
                text = None
            assert text in {journal.promised.get(id), *journal.open.get(id, ())}, (SEED, id)
            if text is not None:
                live[id] = text
        assert len(live) > KILLS
        assert (await home.documents.stats(home.here.id)).documents == len(live)
        assert await home.chunks.count(home.here.id) == len(live)
        for id, text in live.items():
            word = text.split()[2]
            found = await home.found(word, 3)
            assert found["fulltext"] == [id], (SEED, id)
            # By its whole text: words of thousands of documents share the hashing encoder's places.
            nearest = await home.indexes["vector"].search(Query(home.here.id, text), 3)
            own = [hit.score for hit in nearest if hit.origin.document_id == id]
            assert own == [pytest.approx(1, abs=1e-4)], (SEED, id)
        stored = [chunk async for chunk in home.chunks.everything(home.here.id)]
        assert sorted(chunk.text for chunk in stored) == sorted(live.values())
        everything = await home.found("text of its own", len(live) + 100)
        for name, found in everything.items():
            assert len(found) == len(set(found)) == len(live), (SEED, name)
        assert [await home.marks.lag(name) for name in home.indexes] == [0, 0, 0]
