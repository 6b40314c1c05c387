"""An answer while it is found: the events of `ask`, as they arrive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import httpx
from rich.console import Console
from rich.status import Status
from rich.text import Text

from app.cli.legible import legible
from app.cli.session import Unreachable, reaching, refusal, refused

Json: TypeAlias = dict[str, Any]


async def events(
    client: httpx.AsyncClient, path: str, body: Json
) -> AsyncIterator[tuple[str, Any]]:
    """Name and data of each event.

    Raises:
        Refused: The service answered with a problem, at once or as the last event.
        Unreachable: It did not answer, or fell silent before the last event.
    """
    sent = {**body, "stream": True}
    with reaching(client):
        async with client.stream("POST", path, json=sent) as response:
            if response.is_error:
                await response.aread()
                raise refusal(response)
            name = ""
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data = json.loads(line.removeprefix("data: "))
                    if name == "error":
                        raise refused(data)
                    yield name, data
    if name != "answer.completed":
        raise Unreachable("the service ended the answer before it was complete")


class Show:
    """Statements on stdout as they come, and above them, on a terminal, what is being done."""

    def __init__(self, out: Console, err: Console) -> None:
        self._out = out
        self._status = Status("Asking", console=err) if err.is_terminal else None
        self._written = False

    def __enter__(self) -> Show:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._quiet()
        if self._written:
            self._out.print()

    def hear(self, name: str, data: Any) -> None:
        """Show an event."""
        if name == "answer.delta":
            self._quiet()  # it would redraw its line over the unfinished one
            self._out.print(Text(legible(data["text"]), style="bold"), end="")
            self._out.file.flush()
            self._written = True
        elif self._status and (doing := _doing(name, data)):
            self._status.update(Text(legible(doing)))

    def _quiet(self) -> None:
        if self._status:
            self._status.stop()
            self._status = None


def _doing(name: str, data: Any) -> str | None:
    if name == "plan.created":
        return "Following a plan" if data.get("plan") else "Searching"
    if name == "step.started":
        return f"{data['step']}: {data['question']}"
    if name == "retrieval.completed":
        return f"{data['step']}: round {data['round']}, {data['query']}"
    if name == "evidence.selected":
        return f"Writing from {len(data['hits'])} passages"
    return None
