"""A small collection in the whole service, and a scripted model that reads what it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from stub_lfd import Lfd, without
from stub_llm import Reply, Request, Script, Stub, Text, stub

from app.wiring import Services
from tests.whole import post, running, settings

HOME = "/v1/collections/default"
STATUSES = ("answered", "partial", "unanswerable", "budget_exhausted")
NODE_STATUSES = ("resolved", "guessed", "stopped", "open")

BRIDGE = "The Nine Heron Bridge was designed by Isaura Venn in 1887."
MILL = "The Tern Mill was painted by Ada Bell in 1901."
SCHOOL = "Odo Marsh taught Isaura Venn and Ada Bell in Callowby."
TEXTS = {
    "bridge": ("Nine Heron Bridge", f"{BRIDGE} It has four piers."),
    "mill": ("Tern Mill", f"{MILL} It burnt down twice."),
    "school": ("Odo Marsh", f"{SCHOOL} He kept bees."),
    "ferry": ("Skarn Ferry", "The Skarn Ferry crosses the lake in nine minutes."),
    "market": ("Callowby Market", "The market of Callowby opens on Thursdays."),
}
DOCUMENTS = [{"id": id, "title": title, "text": text} for id, (title, text) in TEXTS.items()]

QUESTION = "Who taught both the designer of the Nine Heron Bridge and the painter of the Tern Mill?"
NODES = (
    ("1", "Who designed the Nine Heron Bridge?", ()),
    ("2", "Who painted the Tern Mill?", ()),
    ("3", "Who taught #1 and #2?", ("1", "2")),
)
Says = Callable[[Request], Reply]
_PASSAGE = re.compile(r"<passage (\w+) number=(\d+) title=[^\n]*>\n(.*?)\n</passage \1>", re.DOTALL)


@dataclass(frozen=True)
class Served:
    """The running service and its model."""

    client: httpx.AsyncClient
    services: Services
    model: Stub

    async def ask(self, question: str = QUESTION, **given: Any) -> dict[str, Any]:
        """The answer, of which every claim was checked."""
        response = await self.client.post(f"{HOME}/ask", json={"question": question, **given})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        await sound(self.client, answer)
        return answer

    async def trace(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """With its prompts."""
        response = await self.client.get(f"/v1/answers/{answer['id']}/trace?detail=full")
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        return told

    @property
    def steps(self) -> list[str]:
        """What the model was asked, in order."""
        return [request.step for request in self.model.requests]


@asynccontextmanager
async def served(
    folder: Path,
    script: Script,
    *documents: dict[str, Any],
    key: str = "",
    lfd_of: Lfd = without,
    **given: Any,
) -> AsyncIterator[Served]:
    """The whole service over these documents (by default all), with this model.

    Args:
        lfd_of: What the model's server does about layer-fused decoding.
    """
    async with stub(script, lfd=lfd_of) as model:
        generation = {"url": model.url, "model": "some-model", "key": key}
        async with running(settings(folder, generation=generation, **given)) as (client, services):
            await post(client, *(documents or DOCUMENTS))
            yield Served(client, services, model)


def says(**members: object) -> Text:
    """One JSON object."""
    return Text(json.dumps(members))


def plans(*nodes: tuple[str, str, tuple[str, ...]], **more: object) -> Text:
    """A plan of nodes that retrieve."""
    every = [
        {"id": id, "text": text, "needs": needs, "op": "retrieve", "expects": "person", **more}
        for id, text, needs in nodes
    ]
    return says(nodes=every)


def shown(request: Request) -> dict[int, str]:
    """The passages of a prompt by number."""
    said = request.messages[-1]["content"]
    return {int(number): text for _, number, text in _PASSAGE.findall(said)}


def reads(sentence: str, answer: str, confidence: float = 0.9, pace: Any = None) -> Says:
    """Copies the sentence and answers from it, if it is shown; else finds nothing."""

    def reply(request: Request) -> Text:
        held = [number for number, text in shown(request).items() if sentence in text]
        found = {
            "facts": [{"passage": number, "text": sentence} for number in held[:1]],
            "sufficient": bool(held),
            "answer": answer if held else None,
            "confidence": confidence if held else 0.0,
        }
        return Text(json.dumps(found), pace=pace)

    return reply


def lacks(gap: str | None = None, sentence: str = "") -> Says:
    """Finds no answer, and may name a gap and copy a sentence."""

    def reply(request: Request) -> Text:
        held = [number for number, text in shown(request).items() if sentence and sentence in text]
        facts = [{"passage": number, "text": sentence} for number in held[:1]]
        return says(facts=facts, sufficient=False, answer=None, gap_query=gap)

    return reply


def writes(*sentences: str, short: str = "") -> Says:
    """Writes those of the sentences that are shown, each with its mark."""

    def reply(request: Request) -> Text:
        passages = shown(request)
        lines = [
            f"{sentence} [{number}]"
            for sentence in sentences
            for number in [n for n, text in passages.items() if sentence in text][:1]
        ]
        return Text("\n".join([*lines, *([f"SHORT: {short}"] if short else [])] or ["NO ANSWER"]))

    return reply


def script(**changed: Any) -> dict[str, list[Any]]:
    """A model that does everything well, but for the steps that are changed.

    Args:
        changed: Replies by step, "." written as "__".
    """
    well: dict[str, list[Any]] = {
        "plan": [plans(*NODES)],
        "plan.repair": [plans(*NODES)],
        "node.round.1.*": [reads(BRIDGE, "Isaura Venn")],
        "node.round.2.*": [reads(MILL, "Ada Bell")],
        "node.round.3.*": [reads(SCHOOL, "Odo Marsh")],
        "node.round.0.*": [reads(SCHOOL, "Odo Marsh")],
        "node.answer.*": [says(answer=None, passages=[], confidence=0.0, unanswerable=True)],
        "synth": [writes(SCHOOL, BRIDGE, MILL, short="Odo Marsh")],
        "synth.repair": [says(statements=[])],
    }
    return {
        **{name.replace("__", "."): replies for name, replies in changed.items()},
        **{
            glob: replies
            for glob, replies in well.items()
            if glob.replace(".", "__") not in changed
        },
    }


async def sound(client: httpx.AsyncClient, answer: Mapping[str, Any]) -> None:
    """Whether an answer keeps what every answer promises."""
    assert answer["status"] in STATUSES
    assert answer["answer"].strip()
    for cited in answer["citations"]:
        said = answer["answer"][cited["start"] : cited["end"]]
        assert said.strip() == said != ""
        if cited["sql"] is not None:
            assert cited["document_id"] is None
            continue
        document = await client.get(f"{HOME}/documents/{cited['document_id']}")
        stored = document.json()["text"]
        assert stored[cited["source_start"] : cited["source_end"]] == cited["quote"] != ""
    if answer["status"] == "unanswerable":
        assert not answer["citations"]
    if answer["status"] == "answered":
        assert answer["citations"]
    nodes = answer["plan"]["nodes"] if answer["plan"] else []
    assert all(node["status"] in NODE_STATUSES for node in nodes)


def states(answer: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and reason of each node of the plan."""
    return {node["id"]: (node["status"], node["reason"]) for node in answer["plan"]["nodes"]}


def cited(answer: Mapping[str, Any]) -> list[str]:
    """Documents that are cited, in order, each once."""
    return list(dict.fromkeys(one["document_id"] for one in answer["citations"]))
