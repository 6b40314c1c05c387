"""Documents that cost much: whoever asks meanwhile is answered, and the memory stays bounded."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.whole import post, running, settings

pytestmark = pytest.mark.anyio
SEARCH = "/v1/collections/default/search"
BRIDGE = {"id": "bridge", "text": "The Nine Heron Bridge was designed by Isaura Venn."}
LONGEST_S = 2.0  # of a question meanwhile; 0.4 where nothing else runs
MEMORY = 500 * 2**20  # bytes more than before; 165 MiB were seen


def names(count: int) -> list[str]:
    """Distinct made-up names, each a capital and seven letters."""
    choice = random.Random(11)
    found: set[str] = set()
    while len(found) < count:
        found.add(choice.choice("BCDFGKLMNPRST") + "".join(choice.choices("aeioudlmnrst", k=7)))
    return sorted(found)


async def watched(client: httpx.AsyncClient, work: Any) -> tuple[Any, float, int]:
    """The outcome of the work, the longest wait of others, and the most memory meanwhile."""
    task = asyncio.ensure_future(work)
    process = psutil.Process()
    longest, most = 0.0, 0
    while not task.done():
        for asked in (
            client.get("/healthz"),
            client.post(SEARCH, json={"query": "Who designed the Nine Heron Bridge?"}),
        ):
            began = time.perf_counter()
            assert (await asked).status_code == 200
            longest = max(longest, time.perf_counter() - began)
        most = max(most, process.memory_info().rss)
    return task.result(), longest, most


async def heavy(folder: Path, *documents: dict[str, Any]) -> None:
    async with running(settings(folder)) as (client, _):
        await post(client, BRIDGE)
        before = psutil.Process().memory_info().rss
        for document in documents:
            job, longest, most = await watched(client, post(client, document))
            assert job["status"] == "succeeded", job
            assert longest < LONGEST_S
            assert most - before < MEMORY
        found = await client.post(SEARCH, json={"query": "Who designed the Nine Heron Bridge?"})
        assert found.json()["results"][0]["document_id"] == "bridge"
        assert found.json()["degraded"] == []


@pytest.mark.slow
async def test_a_hundred_thousand_names_hold_nobody_up(tmp_path: Path) -> None:
    """Twice, in other passages: then each of them is an entity of the graph."""
    once = names(100_000)
    await heavy(
        tmp_path,
        {"id": "once", "text": ". ".join(once)},
        {"id": "again", "text": ". ".join(reversed(once))},
    )


async def test_a_megabyte_without_capitals_holds_nobody_up(tmp_path: Path) -> None:
    words = [name.lower() for name in names(5_000)]
    text = " ".join(random.Random(5).choices(words, k=110_000))
    await heavy(tmp_path, {"id": "long", "text": text})


@pytest.mark.slow
async def test_a_file_of_many_novels_holds_nobody_up(tmp_path: Path) -> None:
    sentence = " ".join(names(2_000)).capitalize() + ".\n"
    content = (sentence * 2_000)[: 18 * 2**20].encode()
    async with running(settings(tmp_path)) as (client, _):
        await post(client, BRIDGE)
        before = psutil.Process().memory_info().rss
        sent = client.post(
            "/v1/collections/default/files?wait=60", files=[("file", ("novels.txt", content))]
        )
        response, longest, most = await watched(client, sent)
        assert response.json()["job"]["status"] in ("running", "succeeded"), response.text
        assert longest < LONGEST_S
        assert most - before < 2 * MEMORY


async def test_more_text_than_any_document_holds_fails_with_its_reason(tmp_path: Path) -> None:
    content = b"The heron stands. " * 1_200_000
    async with running(settings(tmp_path)) as (client, _):
        response = await client.post(
            "/v1/collections/default/files?wait=60", files=[("file", ("much.txt", content))]
        )
        (failure,) = response.json()["job"]["failures"]
        assert failure["problem"]["code"] == "parse_output"
        assert "20000000" in failure["problem"]["detail"]
