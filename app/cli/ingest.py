"""`anabranch ingest`: files and folders into a collection."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from rich.progress import Progress, TaskID

from app.cli.output import err, out, plain, progress, table
from app.cli.session import Refused, call, session
from app.domain.errors import Misconfigured

FILES, BYTES = 50, 32 * 1024**2  # of one request
LOOK_S = 0.2
ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class File:
    """One file, and the id its document gets: sent again, it becomes a new version."""

    path: Path
    id: str
    size: int


@dataclass(slots=True)
class Tally:
    """What became of the files."""

    succeeded: int = 0
    unchanged: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


def run(arguments: Namespace) -> int:
    """Send the files, wait until they are searchable, and say how it went."""
    files = list(collect(arguments.paths))
    if not files:
        raise Misconfigured("there is no file in what was given")
    tally = asyncio.run(_ingest(arguments, files))
    out().print(
        f"{tally.succeeded} added or replaced, {tally.unchanged} unchanged, "
        f"{len(tally.failures)} failed"
    )
    if tally.failures:
        failed = table("file", "why")
        for name, why in tally.failures:
            failed.add_row(plain(name), plain(why))
        err().print(failed)
    return 1 if tally.failures else 0


def collect(paths: Sequence[Path]) -> Iterator[File]:
    """Every file, folders in alphabetical order; what starts with a dot inside one is left out."""
    for given in paths:
        if not given.exists():
            raise Misconfigured(f"{given} does not exist")
        if given.is_file():
            yield File(given, given.name, given.stat().st_size)
            continue
        for path in sorted(given.rglob("*")):
            inside = path.relative_to(given)
            if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                yield File(path, inside.as_posix(), path.stat().st_size)


def batches(files: Sequence[File]) -> Iterator[list[File]]:
    """Runs of files that fit into one request."""
    batch: list[File] = []
    size = 0
    for file in files:
        if batch and (len(batch) == FILES or size + file.size > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


async def _ingest(arguments: Namespace, files: Sequence[File]) -> Tally:
    tally = Tally()
    collection = f"/v1/collections/{quote(arguments.collection, safe='')}"
    async with session(arguments) as client:
        await _ensure(client, arguments.collection)
        with progress() as bars:
            bar = bars.add_task("indexing", total=len(files))
            for batch in batches(files):
                await _send(client, f"{collection}/files", batch, tally, (bars, bar))
    return tally


async def _ensure(client: httpx.AsyncClient, name: str) -> None:
    try:
        await call(client, "GET", f"/v1/collections/{quote(name, safe='')}")
    except Refused:
        await call(client, "POST", "/v1/collections", json={"name": name})


async def _send(
    client: httpx.AsyncClient,
    path: str,
    batch: Sequence[File],
    tally: Tally,
    bar: tuple[Progress, TaskID],
) -> None:
    """One request; when it is refused, the files one by one, so that only the culprit fails."""
    bars, task = bar
    parts = [("file", (file.path.name, file.path.read_bytes())) for file in batch]
    try:
        accepted = await call(
            client, "POST", path, files=parts, data={"id": [file.id for file in batch]}
        )
    except Refused as error:
        if len(batch) > 1:
            for file in batch:
                await _send(client, path, [file], tally, bar)
        else:
            tally.failures.append((batch[0].id, error.detail))
            bars.advance(task)
        return
    job = await _watch(client, accepted["job"], bar)
    tally.succeeded += job["documents"]["succeeded"]
    tally.unchanged += job["documents"]["unchanged"]
    tally.failures += [
        (failure["document_id"], failure["problem"]["detail"]) for failure in job["failures"]
    ]
    if job["status"] != "succeeded" and not job["failures"]:
        tally.failures.append((job["id"], (job["error"] or {}).get("detail", job["status"])))


async def _watch(
    client: httpx.AsyncClient, job: dict[str, Any], bar: tuple[Progress, TaskID]
) -> dict[str, Any]:
    bars, task = bar
    shown = 0
    while True:
        bars.update(task, description=job["stage"] or job["status"])
        bars.advance(task, job["done"] - shown)
        shown = job["done"]
        if job["status"] in ENDED:
            bars.advance(task, job["total"] - shown)
            return job
        job = await call(client, "GET", f"/v1/jobs/{job['id']}", params={"wait": LOOK_S})
