"""`anabranch demo`: the real service, a small invented world, and questions to it."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console
from rich.text import Text

from app.cli.models import ready
from app.cli.output import err, out
from app.cli.questions import show_answer
from app.cli.session import call, remote, settings_of, show_first_key
from app.domain.errors import AnabranchError
from app.lock import DataDirLock
from app.settings import Settings

if TYPE_CHECKING:
    from app.demo import Demonstration

LINE = Text("─" * 72, style="dim")
COLLECTION, SOURCE = "demo", "town"
PATH = f"/v1/collections/{COLLECTION}"


class NotIndexed(AnabranchError):
    """The demonstration's documents could not be indexed."""


def run(arguments: Namespace) -> int:
    """Load the world, put the questions, print the answers; end, unless told to go on serving."""
    settings = settings_of(arguments)
    ready(settings, err())
    from app.observe import configure_logging

    configure_logging("error", "text")
    with DataDirLock(settings.data_dir, "demo") as lock:
        asyncio.run(_demonstrate(settings, arguments, lock, _tables(settings.data_dir)))
    return 0


async def _demonstrate(
    settings: Settings, arguments: Namespace, lock: DataDirLock, database: Path
) -> None:
    from app.main import create_app
    from app.server import serve

    stopping = asyncio.Event()
    address: asyncio.Future[tuple[str, Mapping[str, Any]]] = asyncio.Future()

    def started(host: str, port: int, state: Mapping[str, Any]) -> None:
        address.set_result((f"http://{host}:{port}", state))

    async def show() -> None:
        url, state = await address
        try:
            await _show(settings, database, url, state["edge"].services)
            if arguments.serve:
                lock.announce(url)
                out().print(f"Serving {url} (playground: {url}/docs); stop with Ctrl-C")
                await stopping.wait()
        finally:
            stopping.set()

    app = create_app(settings)
    async with asyncio.TaskGroup() as group:
        showing = group.create_task(show())
        await serve(app, "127.0.0.1", arguments.port, settings.grace_s, started, stopping)
        if not address.done():
            showing.cancel()


async def _show(settings: Settings, database: Path, url: str, services: Any) -> None:
    from app.demo import QUESTIONS

    console = out()
    show_first_key(services.first_key, lambda text: console.print(text, markup=False))
    key_id, secret = await services.keys.create({"admin"}, {"*"}, "demo")
    try:
        async with remote(url, secret) as client:
            await _load(client, database)
            for demonstration in QUESTIONS:
                body = {"question": demonstration.question}
                answer = await call(client, "POST", f"{PATH}/ask", json=body)
                _print(console, demonstration, answer)
        for item in answer["degraded"]:
            err().print(f"without {item['component']}: {item['reason']}", markup=False)
        _print_call(console, settings, QUESTIONS[1].question)
    finally:
        await services.keys.revoke(key_id)


def _tables(data_dir: Path) -> Path:
    """The town's database, made when absent."""
    from app.demo import build_database

    database = data_dir.resolve() / "demo" / "town.db"
    if not database.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        build_database(database)
    return database


async def _load(client: httpx.AsyncClient, database: Path) -> None:
    """The world's documents and its database; what is there already stays."""
    from app.demo import documents

    names = [each["name"] for each in (await call(client, "GET", "/v1/collections"))["data"]]
    if COLLECTION not in names:
        await call(client, "POST", "/v1/collections", json={"name": COLLECTION})
    world = documents()
    files = [("file", (str(each.metadata["filename"]), each.content)) for each in world]
    ids = {"id": [each.id for each in world]}
    with err().status(f"Indexing {len(world)} documents"):
        accepted = await call(
            client, "POST", f"{PATH}/files", files=files, data=ids, params={"wait": 60}
        )
    job = accepted["job"]
    if job["status"] != "succeeded":
        why = (job["error"] or {}).get("detail", job["status"])
        raise NotIndexed(f"the documents could not be indexed: {why}")
    sources = (await call(client, "GET", f"{PATH}/sql-sources"))["data"]
    if SOURCE not in [source["name"] for source in sources]:
        body = {"name": SOURCE, "url": f"sqlite:///{database}"}
        await call(client, "POST", f"{PATH}/sql-sources", json=body)


def _print(console: Console, demonstration: Demonstration, answer: dict[str, Any]) -> None:
    console.print(LINE)
    console.print(Text(f"? {demonstration.question}", style="cyan"))
    console.print(Text(f"  {demonstration.shows}", style="dim"))
    show_answer(console, answer)


def _print_call(console: Console, settings: Settings, question: str) -> None:
    url = f"http://127.0.0.1:{settings.port or 8000}"
    body = json.dumps({"question": question})
    console.print(LINE)
    console.print(
        "The same over HTTP, with the service running (anabranch serve) and a key in\n"
        "ANABRANCH_KEY (the one above at a first start, or: anabranch keys create):\n\n"
        f"  curl -s {url}{PATH}/ask \\\n"
        '    -H "Authorization: Bearer $ANABRANCH_KEY" -H "Content-Type: application/json" \\\n'
        f"    -d '{body}'\n",
        markup=False,
    )
