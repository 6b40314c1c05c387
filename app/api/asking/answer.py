"""One caller's question, answered, and the answer kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.api import render
from app.api.deps import Edge
from app.domain.events import Listener, unheard
from app.domain.hit import Degraded
from app.engine.request import Request
from retrievers.types import CollectionId

PROBLEMS: Sequence[str] = (
    "not-found",
    "too-large",
    "invalid-request",
    "bad-filter",
    "not-available",
    "overloaded",
    "no-retriever",
)
"""What an operation that answers questions may be refused with, besides what every one may."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, ready for the engine; `skipped` is what the edge already left out."""

    collection: CollectionId
    request: Request
    skipped: Sequence[Degraded]
    key_id: str


async def answered(here: Edge, asked: Asked, listen: Listener = unheard) -> dict[str, Any]:
    """The document of the answer, which `GET /v1/answers/{id}` gives from now on.

    Raises:
        Overloaded: Too many questions wait already.
        NoEvidence: Every channel failed.
    """
    async with here.turnstile.turn():
        answer = await here.services.ask.ask(asked.collection, asked.request, listen)
    document = render.answer(answer)
    document["degraded"] += render.degraded(asked.skipped)
    await here.services.answers.save(
        answer.id, asked.collection, document, answer.trace, asked.key_id
    )
    return document
