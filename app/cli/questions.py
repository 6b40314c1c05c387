"""`anabranch search` and `anabranch ask`."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from typing import Any
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.text import Text

from app.cli.follow import Show, events
from app.cli.legible import legible
from app.cli.output import err, out
from app.cli.session import call, session
from app.cli.trace import tree
from app.domain.errors import Misconfigured

Json = dict[str, Any]


def run(arguments: Namespace) -> int:
    """Put the query or question, and show what came back."""
    body: Json = {"top_k": arguments.top_k}
    if arguments.filter is not None:
        body["filters"] = _filter(arguments.filter)
    if arguments.verb == "search":
        body |= {"query": arguments.query, "strategy": arguments.strategy}
        asyncio.run(_search(arguments, body))
    else:
        body |= {"question": arguments.question, "reasoning": arguments.reasoning}
        asyncio.run(_ask(arguments, body))
    return 0


async def _search(arguments: Namespace, body: Json) -> None:
    async with session(arguments) as client:
        found = await call(client, "POST", _path(arguments), json=body)
    if arguments.json:
        _print(found)
    else:
        show_hits(out(), found["results"])
    _remark(found)


async def _ask(arguments: Namespace, body: Json) -> None:
    async with session(arguments) as client:
        if arguments.stream:
            answer = await _follow(client, arguments, body)
        else:
            answer = await call(client, "POST", _path(arguments), json=body)
            if arguments.json:
                _print(answer)
            else:
                show_answer(out(), answer)
        _remark(answer)
        if arguments.trace:
            trace = await call(client, "GET", f"/v1/answers/{answer['id']}/trace")
            if arguments.json:
                _print(trace)
            else:
                console = out()  # a line in a pipe is for grep, and stays one
                console.print(tree(trace), soft_wrap=not console.is_terminal)


async def _follow(client: httpx.AsyncClient, arguments: Namespace, body: Json) -> Json:
    """The answer, shown while it is found; with `--json` each event in a line."""
    answer: Json = {}
    following = events(client, _path(arguments), body)
    if arguments.json:
        async for name, answer in following:
            print(json.dumps({"event": name, "data": answer}, ensure_ascii=False), flush=True)
        return answer
    with Show(out(), err()) as show:
        async for name, data in following:
            show.hear(name, data)
            answer = data
    show_sources(out(), answer)
    return answer


def _path(arguments: Namespace) -> str:
    return f"/v1/collections/{quote(arguments.collection, safe='')}/{arguments.verb}"


def _print(document: Json) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2))


def _remark(found: Json) -> None:
    for item in found["degraded"]:
        err().print(f"without {item['component']}: {item['reason']}", markup=False, style="yellow")


def _filter(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Misconfigured(f"--filter is not JSON: {error}") from error


def show_hits(console: Console, hits: list[Json]) -> None:
    """Ranked passages with the standing each had in its channels."""
    if not hits:
        console.print("nothing found")
    for hit in hits:
        line = Text(f"{hit['rank']:>2}. ", style="bold")
        line.append(legible(_name(hit)), style="bold")
        line.append(f"  {_channels(hit)}", style="dim")
        console.print(line)
        console.print(Text("    " + legible(_excerpt(hit))))


def show_answer(console: Console, answer: Json) -> None:
    """The answer, its status, and each citation with its quote and place."""
    console.print(Text(legible(answer["answer"]), style="bold"))
    show_sources(console, answer)


def show_sources(console: Console, answer: Json) -> None:
    """What stands below an answer's text."""
    note = f"{answer['status']}, {answer['generator']}, {answer['usage']['took_ms']:.0f} ms"
    if answer["short_answer"]:
        note = f"in short: {answer['short_answer']} ({note})"
    console.print(Text(legible(note), style="dim"))
    hits = {hit["chunk_id"]: hit for hit in answer["evidence"] if hit["chunk_id"]}
    for citation in answer["citations"]:
        console.print(Text(legible(f"  {citation['mark']} {_quoted(citation, hits)}")))


def _quoted(citation: Json, hits: dict[str, Json]) -> str:
    table = citation["sql"]
    if table:
        return f"table {table['source']}: {table['statement']}"
    found = hits.get(citation["chunk_id"])
    through = f" found by {_channels(found)}" if found else ""
    place = f"{citation['document_id']}, {citation['source_start']}-{citation['source_end']}"
    return f"“{citation['quote']}” ({place}){through}"


def _name(hit: Json) -> str:
    if hit["sql"]:
        return f"table {hit['sql']['source']}"
    title, document = hit["title"], hit["document_id"]
    return f"{title} ({document})" if title and title != document else str(document)


def _channels(hit: Json) -> str:
    return ", ".join(f"{name} #{seen['rank']}" for name, seen in hit["channels"].items())


def _excerpt(hit: Json) -> str:
    if hit["sql"]:
        rows = "; ".join(", ".join(map(str, row)) for row in hit["sql"]["rows"][:5])
        return f"{hit['sql']['statement']} → {rows}"
    text = " ".join(hit["text"].split())
    return text if len(text) <= 300 else text[:299] + "…"
