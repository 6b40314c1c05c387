"""Rotten index files, a locked database, a full disk: told, survived, recovered from."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.whole import post, running, settings

SEARCH = "/v1/collections/default/search"
DOCUMENTS = "/v1/collections/default/documents"
PLACES = ("Harrow Mill", "Port Ellen", "Stone Ferry", "Alder Lock")


def world() -> list[dict[str, Any]]:
    """Documents that name one another, so that every index has something to hold."""
    return [
        {
            "id": f"place-{number}",
            "title": f"{PLACES[number % 4]} {number}",
            "text": f"The road from {PLACES[number % 4]} leads to {PLACES[(number + 1) % 4]}. "
            f"Its keeper in {1900 + number} was Ada Finch of {PLACES[(number + 2) % 4]}.",
        }
        for number in range(24)
    ]


async def rankings(client: httpx.AsyncClient) -> list[Any]:
    """What each channel and all of them together find."""
    found = []
    for retrievers in (["vector"], ["fulltext"], ["graph"], ["vector", "fulltext", "graph"]):
        body = {"query": "Who kept the road from Stone Ferry to Alder Lock?"}
        answer = await client.post(SEARCH, json={**body, "retrievers": retrievers})
        assert answer.status_code == 200, answer.text
        assert answer.json()["degraded"] == []
        found.append([hit["chunk_id"] for hit in answer.json()["results"]])
    return found


def current(folder: Path, name: str) -> str:
    """The generation that an index of the only collection is at."""
    (pointer,) = (folder / "indexes").glob(f"*/{name}/CURRENT")
    return pointer.read_text()


@pytest.mark.anyio
async def test_a_flipped_byte_in_any_index_file_is_noticed_and_the_index_rebuilt(
    tmp_path: Path,
) -> None:
    sound = tmp_path / "sound"
    async with running(settings(sound)) as (client, _):
        assert (await post(client, *world()))["status"] == "succeeded"
        before = await rankings(client)
    assert all(before)
    files = [path for path in sorted((sound / "indexes").rglob("*")) if path.is_file()]
    names = {path.relative_to(sound / "indexes").parts[1] for path in files}
    assert names == {"vector", "fulltext", "graph"}
    for path in files:
        if path.stat().st_size == 0:
            continue
        copy = tmp_path / "damaged"
        shutil.copytree(sound, copy)
        damaged = copy / path.relative_to(sound)
        content = bytearray(damaged.read_bytes())
        content[len(content) // 2] ^= 0x10
        # Index files may be hard links within their folder: replace, do not write through.
        damaged.unlink()
        damaged.write_bytes(content)
        async with running(settings(copy)) as (client, services):
            await services.examiner.indexers.rebuilt()
            # A rebuild publishes a generation of its own.
            noticed = {name for name in names if current(copy, name) != current(sound, name)}
            assert noticed == {path.relative_to(sound / "indexes").parts[1]}, path
            assert await rankings(client) == before, path
        shutil.rmtree(copy)


@pytest.mark.anyio
async def test_a_locked_database_is_a_503_that_names_the_lock_and_passes(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as (client, _):
        await post(client, *world())
        other = sqlite3.connect(tmp_path / "anabranch.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        refused = await client.post(DOCUMENTS, json={"documents": [{"text": "Too early."}]})
        assert refused.status_code == 503, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        assert "lock" in refused.json()["detail"]
        assert all(await rankings(client))  # readers do not mind
        other.execute("ROLLBACK")
        other.close()
        job = await post(client, {"id": "later", "text": "In good time."})
        assert job["status"] == "succeeded"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Write a file until no more than `leave` bytes of the file system are free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while shutil.disk_usage(folder).free > leave:
            file.write(bytes(4096))
    return filler


@pytest.mark.anyio
async def test_a_full_disk_refuses_documents_keeps_answering_and_recovers(small_disk: Path) -> None:
    chosen = settings(small_disk, limits={"free_bytes": 0})
    async with running(chosen) as (client, _):
        await post(client, *world())
        filler = fill(small_disk, leave=0)
        statuses = set()
        for number in range(20):
            text = f"Number {number}. " + "The water rises. " * 2000
            body = {"documents": [{"id": f"big-{number}", "text": text}]}
            answer = await client.post(DOCUMENTS, json=body)
            statuses.add(answer.status_code)
            if answer.status_code == 503:
                assert answer.headers["content-type"] == "application/problem+json"
                assert "full" in answer.json()["detail"]
                break
        assert 503 in statuses, statuses
        assert all(await rankings(client))
        filler.unlink()
        job = await post(client, {"id": "after", "title": "After", "text": "There is room again."})
        assert job["status"] == "succeeded", job
        found = await client.post(SEARCH, json={"query": "there is room again"})
        assert "after" in {hit["document_id"] for hit in found.json()["results"]}


@pytest.mark.anyio
async def test_with_little_room_left_documents_are_refused_before_anything_breaks(
    small_disk: Path,
) -> None:
    async with running(settings(small_disk)) as (client, _):
        fill(small_disk, leave=2**19)
        answer = await client.post(DOCUMENTS, json={"documents": [{"text": "One more."}]})
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "read-only-disk"
        assert (await client.post(SEARCH, json={"query": "one"})).status_code == 200
