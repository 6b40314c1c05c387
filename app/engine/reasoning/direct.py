"""A question that is not split: one search, and where a model reads it, what is still missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from app.domain.errors import NoEvidence
from app.domain.hit import Degraded, Found, Hit
from app.engine.reasoning.loop import Loop, Looped
from app.engine.run import Run
from retrievers.types import Chunk

ROUNDS = 2
"""An unsplit question has no other nodes to wait for, and gets one follow-up query."""

Search = Callable[[str, int, str], Awaitable[Found]]
"""One query of a round (from 1), for a reason."""


async def gather(
    run: Run, loop: Loop, step: str, question: str, top_k: int, search: Search
) -> tuple[Found, Looped | None]:
    """The evidence, what a model read first; without a model the plain search.

    Raises:
        NoEvidence: Every channel failed.
    """
    first = await search(question, 1, "the question")
    lost: dict[Degraded, None] = dict.fromkeys(first.degraded)
    if not run.thinks or not first.hits:
        return first, None
    hits = {hit.key: hit for hit in first.hits}

    async def ask(query: str, number: int, why: str) -> Sequence[Chunk]:
        try:
            found = first if number == 1 else await search(query, number, why)
        except NoEvidence as error:
            # The first round stands; only what was asked besides is lost.
            lost[Degraded("graph", f"a follow-up query: {error}")] = None
            return []
        lost.update(dict.fromkeys(found.degraded))
        for hit in found.hits:
            hits.setdefault(hit.key, hit)
        return [hit.chunk for hit in found.hits if hit.chunk is not None]

    rounds = min(ROUNDS, max(1, run.ledger.budget.rounds))
    looped = await loop.run(run, step, question, (), ask, rounds, conclude=False)
    return replace(first, hits=_ordered(hits, looped.keys, top_k), degraded=tuple(lost)), looped


def _ordered(hits: dict[str, Hit], read: Sequence[str], top_k: int) -> tuple[Hit, ...]:
    """What holds facts comes first; the first search's order otherwise."""
    keys = [*(key for key in read if key in hits), *hits]
    return tuple(hits[key] for key in dict.fromkeys(keys))[:top_k]
