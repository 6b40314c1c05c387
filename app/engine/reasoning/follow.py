"""Follows a plan over the live channels: every node asked, its answers bound into the next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.events import Retrieved, StepCompleted, StepStarted
from app.domain.plan import Plan, SubQuestion, references
from app.engine.appraise import Appraiser
from app.engine.reasoning.followed import Followed
from app.engine.reasoning.found import Hop, NodeStatus, Round, Variant
from app.engine.reasoning.guess import Fit, Guess, GuessOptions, guesses
from app.engine.reasoning.wordings import Wordings
from app.engine.run import Run
from app.engine.wave import WaveOptions
from retrievers.errors import RetrieverError
from retrievers.protocol import Chunks
from retrievers.types import Chunk, Evidence, Query


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """Limits, chosen on development questions."""

    seconds: float = 5.0  # for a plan that is followed without a model
    share: float = 0.75  # of what is left of the question's time, whatever asks
    variants: int = 3  # wordings of a node, one for each answer it is bound to
    penalty: float = 0.5  # per score that a guess is below the best
    guess: GuessOptions = field(default_factory=GuessOptions)
    wave: WaveOptions = field(default_factory=WaveOptions)


class Executor:
    """Puts the retrieving nodes of plans to the channels, rank by rank, siblings at once."""

    def __init__(
        self,
        wordings: Wordings,
        appraiser: Appraiser,
        chunks: Chunks,
        options: FollowOptions | None = None,
    ) -> None:
        self._wordings, self._appraiser, self._chunks = wordings, appraiser, chunks
        self._options = options or FollowOptions()

    async def follow(self, run: Run, query: Query, plan: Plan) -> Followed:
        """Ask every node that retrieves; never fails, a node that cannot be answered says why.

        Args:
            query: The whole question's; nodes keep its collection and filter.
        """
        options = self._options
        left = options.share * run.ledger.seconds_left
        until = time.monotonic() + (left if run.thinks else min(left, options.seconds))
        hops: dict[str, Hop] = {}
        for rank in plan.ranks():
            nodes = [plan.node(id) for id in rank if plan.node(id).op == "retrieve"]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._hop(run, query, n, hops, until)) for n in nodes]
            for task in tasks:
                hop = task.result()
                hops[hop.node.id] = hop
        return Followed(list(hops.values()), self._appraiser, options.wave)

    async def _hop(
        self, run: Run, query: Query, node: SubQuestion, hops: Mapping[str, Hop], until: float
    ) -> Hop:
        began = time.monotonic()
        wordings = self._bound(node, hops)
        text = wordings[0][0]
        run.tell(StepStarted(node.id, text))
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - began):
                hop = await self._asked(run, query, node, wordings, hops, until)
        except TimeoutError:
            run.limit("seconds")
            hop = Hop(node, text, "stopped", "deadline")
        except RetrieverError as error:
            run.degrade("graph", f"a sub-question was not looked up: {error}")
            hop = Hop(node, text, "stopped", "store_unavailable")
        hop = replace(hop, ms=round(1000 * (time.monotonic() - began), 3))
        said = hop.answer.text if hop.answer else hop.guesses[0].text if hop.guesses else None
        run.tell(StepCompleted(node.id, hop.status, said, hop.reason))
        return hop

    async def _asked(
        self,
        run: Run,
        query: Query,
        node: SubQuestion,
        wordings: Sequence[tuple[str, float]],
        hops: Mapping[str, Hop],
        until: float,
    ) -> Hop:
        text = wordings[0][0]
        if any(hops[id].status == "stopped" for id in node.needs if id in hops):
            return Hop(node, text, "stopped", "dependency_failed")
        variants = await self._variants(run, query, wordings, until)
        if not variants:
            return Hop(node, text, "stopped", "budget")
        rounds = self._round(run, node, variants)
        dated = node.expects in ("date", "number")
        found = tuple(await self._guesses(query, variants, dated))
        if not any(variant.passages for variant in variants):
            return Hop(node, text, "stopped", "no_new_evidence", variants, rounds=rounds)
        status: NodeStatus = "guessed" if found else "stopped"
        reason = "candidates" if found else "low_support"
        return Hop(node, text, status, reason, variants, found, rounds=rounds)

    async def _variants(
        self, run: Run, query: Query, wordings: Sequence[tuple[str, float]], until: float
    ) -> tuple[Variant, ...]:
        allowed = []
        for wording in wordings:
            if not run.ledger.query():
                run.limit("store_queries")
                break
            allowed.append(wording)
        return tuple(
            await asyncio.gather(
                *(
                    self._wordings.ask(replace(query, text=text), penalty, until)
                    for text, penalty in allowed
                )
            )
        )

    def _round(self, run: Run, node: SubQuestion, variants: Sequence[Variant]) -> tuple[Round, ...]:
        rounds = []
        for variant in variants:
            run.tell(Retrieved(node.id, 1, variant.query.text, variant.channels))
            heads = zip(variant.passages[:10], variant.scores, strict=False)
            rounds.append(
                Round(
                    number=1,
                    query=variant.query.text,
                    why="the sub-question" if not node.needs else "bound to an answer",
                    channels=variant.channels,
                    hits=tuple((item.key, score) for item, score in heads),
                    new=len(variant.passages[:10]),
                )
            )
        return tuple(rounds)

    def _bound(self, node: SubQuestion, hops: Mapping[str, Hop]) -> list[tuple[str, float]]:
        """The node's wordings, the likeliest first, with what each is worth less."""
        wordings = [(node.text, 0.0)]
        for id in references(node.text):
            found = hops[id].guesses if id in hops else ()
            if not found:
                wordings = [(text.replace(f"#{id}", ""), penalty) for text, penalty in wordings]
                continue
            wordings = [
                (
                    text.replace(f"#{id}", guess.text),
                    penalty + self._options.penalty * (found[0].score - guess.score),
                )
                for text, penalty in wordings
                for guess in found
            ]
            wordings = sorted(wordings, key=lambda one: one[1])[: self._options.variants]
        return wordings

    async def _guesses(self, query: Query, variants: Sequence[Variant], dated: bool) -> list[Guess]:
        """The best entities over all wordings, each worth what its wording is worth less."""
        best: dict[str, Guess] = {}
        for variant in variants:
            chunks = _chunks(variant.passages[: self._options.guess.passages])
            named = await self._appraiser.graph.named(query.collection, [c.id for c in chunks])
            homes = {e.home for entities in named for e in entities if e.home is not None}
            known = await self._chunks.get(query.collection, sorted(homes))
            passages = [Fit(*each) for each in zip(chunks, variant.scores, named, strict=False)]
            for guess in guesses(variant.query.text, passages, known, dated, self._options.guess):
                worth = replace(guess, score=guess.score - variant.penalty)
                if guess.key not in best or best[guess.key].score < worth.score:
                    best[guess.key] = worth
        ordered = sorted(best.values(), key=lambda guess: (-guess.score, guess.key))
        return ordered[: self._options.guess.most]


def _chunks(items: Sequence[Evidence]) -> list[Chunk]:
    return [item.origin for item in items if isinstance(item.origin, Chunk)]
